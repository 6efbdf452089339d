import pytest

from crawler.errors import UsageError
from crawler.output_name import is_url, masked, place_of, resolved, with_secrets


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("postgresql://me:g3heim@host:5432/db?a=1#films", "postgresql://me:***@host:5432/db?a=1#films"),
        ("postgresql+psycopg://me:g3@h/e?i#m@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://:g3heim@host/db", "postgresql://:***@host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db?user=me&password=g3heim&table=x", "postgresql://host/db?user=me&password=***&table=x"),
        ("s3://bucket/a:b@c.jsonl", "s3://bucket/a:b@c.jsonl"),
        ("me:g3heim@host.jsonl", "me:g3heim@host.jsonl"),  # a file
    ],
)
def test_passwords_are_masked(output, expected):
    assert masked(output) == expected
    assert masked(expected) == expected


def test_outputs_are_kept_under_the_same_name_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place_of("a.jsonl") == f"{tmp_path}/a.jsonl"
    assert place_of("-") == "-"
    assert place_of("file:///a/b.jsonl") == "/a/b.jsonl"
    assert place_of("s3://bucket/a.jsonl") == "s3://bucket/a.jsonl"
    assert place_of("env:PLACE#films") == "env:PLACE#films"


def test_an_output_in_the_environment(monkeypatch):
    monkeypatch.setenv("PLACE", "postgresql://me:g3heim@h/d")
    assert is_url("env:PLACE")
    assert resolved("env:PLACE#films") == "postgresql://me:g3heim@h/d#films"
    assert resolved("a.jsonl") == "a.jsonl"
    monkeypatch.delenv("PLACE")
    with pytest.raises(UsageError, match="PLACE is not set"):
        resolved("env:PLACE")


def test_a_password_that_was_not_kept_is_given_again():
    kept = ["/a.jsonl", "postgresql://me:***@h/d#films"]
    assert with_secrets(kept, ["postgresql://me:g3heim@h/d#films"]) == ["/a.jsonl", "postgresql://me:g3heim@h/d#films"]
    with pytest.raises(UsageError, match="is not kept") as caught:
        with_secrets(kept, [])
    assert "crawl resume -o URL" in caught.value.hint
    with pytest.raises(UsageError, match=r"no output /b\.jsonl"):
        with_secrets(kept, ["/b.jsonl"])

"""Names of saved pages."""

import pytest

from crawler.errors import OutputError
from crawler.response import Response
from crawler.saving import file_name, save_as, save_in


def response(url, kind="", disposition=""):
    pairs = (("Content-Type", kind), ("Content-Disposition", disposition))
    return Response(url, 200, tuple(pair for pair in pairs if pair[1]), b"body")


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("https://a.example/board/7?x=1", "text/html; charset=utf-8", "7.html"),
        ("https://a.example/", "text/html", "a.example.html"),
        ("https://a.example/x.php", "text/html", "x.php.html"),
        ("https://a.example/x.HTM", "text/html", "x.HTM"),
        ("https://a.example/x", "application/json", "x.json"),
        ("https://a.example/x.bin", "application/json", "x.bin"),
        ("https://a.example/", "application/json", "a.example.json"),
        ("https://a.example/x", "", "x"),
        ("https://a.example/..%2f.ssh%2fid", "", "_.ssh_id"),
    ],
)
def test_a_name_tells_what_it_is(url, kind, name):
    assert file_name(response(url, kind)) == name


def test_the_name_the_host_gives_counts_and_leads_nowhere_else():
    assert file_name(response("https://a.example/x", "text/csv", 'attachment; filename="../../e\x1b.csv"')) == "e.csv"


def test_files_that_are_there_stay(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "elsewhere")
    paths = [save_in(response("https://a.example/x"), str(tmp_path)) for _ in range(3)]
    assert paths == [f"{tmp_path}/x-{number}" for number in (2, 3, 4)]
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot save https://a.example/x in .*/file/y: Not a directory"):
        save_in(response("https://a.example/x"), str(tmp_path / "file" / "y"))
    with pytest.raises(OutputError, match="Is a directory"):
        save_as(response("https://a.example/x"), str(tmp_path))

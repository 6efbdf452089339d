import gzip
import os

import pytest

from crawler.errors import UsageError
from crawler.request import Request
from crawler.response import Failure

URL = "http://site.example/"
HEAD = ("HTTP/1.1 200 OK", "Content-Type: text/html")


def bodies(archive, *requests):
    return [archive.next(request).body for request in requests]


def test_the_nth_try_gets_the_nth_answer(record, page, read):
    archive = read(record("a.warc.gz", *(page(URL, b"%d" % n, row=1, attempts=n) for n in range(3))))
    assert archive.count(Request(URL)) == 3
    assert bodies(archive, Request(URL), Request(URL)) == [b"0", b"1"]
    assert archive.next(Request(URL, attempts=2)).body == b"2"
    assert archive.next(Request(URL)) is None


def test_a_try_after_a_resume_gets_its_own_answer(record, page, read):
    archive = read(record("a.warc.gz", *(page(URL, b"%d" % n, attempts=n) for n in range(3))))
    assert archive.next(Request(URL, attempts=1)).body == b"1"


def test_of_a_try_that_was_fetched_twice_the_last_answer_counts(record, page, read):
    archive = read(record("a.warc.gz", page(URL, b"lost"), page(URL, b"stored"), page(URL, b"other", row=2)))
    assert bodies(archive, Request(URL), Request(URL)) == [b"stored", b"other"]


def test_methods_bodies_and_jars_are_told_apart(record, page, read):
    asked = [
        Request(URL),
        Request(URL, method="POST", body="a=1"),
        Request(URL, method="POST", body="a=2"),
        Request(URL, jar="second"),
    ]
    fetches = [(one.replace(row=n), page(URL, b"%d" % n)[1]) for n, one in enumerate(asked)]
    archive = read(record("a.warc.gz", *fetches))
    assert bodies(archive, *reversed(asked)) == [b"3", b"2", b"1", b"0"]


def test_failures_are_answers(record, read):
    archive = read(record("a.warc.gz", (Request(URL, row=1), Failure(URL, "timeout", "no byte in 30 s"))))
    failure = archive.next(Request(URL))
    assert (failure.url, failure.kind, failure.detail) == (URL, "timeout", "no byte in 30 s")


def test_a_folder_of_archives_is_one_archive(record, foreign, page, tmp_path, read):
    (tmp_path / "notes.txt").write_text("no archive")
    record("1.warc.gz", page(URL, b"one"), page(f"{URL}a", b"a", row=2))
    record("2.warc.gz", page(URL, b"two", row=9), run="another")
    foreign("3.warc", [("response", f"{URL}b", HEAD, b"b"), ("response", URL, HEAD, b"three")], is_packed=False)
    archive = read(tmp_path)
    assert len(archive) == 5
    assert bodies(archive, *[Request(URL)] * 3, Request(f"{URL}a"), Request(f"{URL}b")) == [
        b"one", b"two", b"three", b"a", b"b",
    ]  # fmt: skip


@pytest.mark.parametrize("is_packed", [True, False])
def test_archives_of_others_are_read(foreign, is_packed, read):
    packed = gzip.compress(b"<p>packed")
    chunked = b"4\r\n<p>c\r\n6\r\nhunked\r\n0\r\n\r\n"
    both = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    coded, cut_up = "Content-Encoding: gzip", "Transfer-Encoding: chunked"
    path = foreign(
        "a.warc.gz" if is_packed else "a.warc",
        [
            ("response", URL, HEAD, b"<p>plain"),
            ("request", URL, ("GET / HTTP/1.1", "Host: site.example"), b""),
            ("response", f"{URL}packed", (*HEAD, coded), packed),
            ("response", f"{URL}chunked", (*HEAD, cut_up), chunked),
            ("response", f"{URL}both", (*HEAD, coded, cut_up), both),
            ("response", f"{URL}form", HEAD, b"<p>posted"),
            ("request", f"{URL}form", ("POST /form HTTP/1.1", "Host: site.example"), b"q=1"),
            ("revisit", URL, ("HTTP/1.1 200 OK", "X-Second: yes"), b""),
            ("response", "dns:site.example", HEAD, b"127.0.0.1"),
        ],
        is_packed=is_packed,
    )
    archive = read(path)
    assert bodies(archive, *(Request(URL + one) for one in ("", "packed", "chunked", "both"))) == [
        b"<p>plain", b"<p>packed", b"<p>chunked", b"<p>packed",
    ]  # fmt: skip
    assert archive.next(Request(f"{URL}form")) is None
    assert archive.next(Request(f"{URL}form", method="POST", body="q=1")).body == b"<p>posted"
    again = archive.next(Request(URL))
    assert (again.body, again.header_pairs) == (b"<p>plain", (("X-Second", "yes"),))
    assert archive.next(Request(URL, jar="mine")) is None  # all were given
    assert len(archive) == 6


def test_the_older_format_is_read(tmp_path, read):
    version = "1 0 Somebody\nURL IP-address Archive-date Content-type Archive-length\n"
    answer = "HTTP/1.1 200 OK\nContent-Type: text/html\n\n<p>old"
    path = tmp_path / "a.arc"
    path.write_text(
        f"filedesc://a.arc 0.0.0.0 20010101000000 text/plain {len(version)}\n{version}\n"
        f"{URL} 127.0.0.1 20010101000000 text/html {len(answer)}\n{answer}\n"
    )
    response = read(path).next(Request(URL))
    assert (response.status, response.header_pairs, response.body) == (200, (("Content-Type", "text/html"),), b"<p>old")


def test_an_answer_without_any_head_is_a_failure_of_its_page(foreign, read):
    archive = read(foreign("a.warc", [("response", URL, ("",), b"")]))
    assert archive.next(Request(URL)).kind == "archive"


def test_who_records_without_jars_answers_every_jar(foreign, read):
    archive = read(foreign("a.warc.gz", [("response", URL, HEAD, b"x")]))
    assert archive.next(Request(URL, jar="mine")).body == b"x"


@pytest.mark.parametrize(("is_own", "torn"), [(True, 400), (False, 400), (False, 100)])  # in the head, in the body
def test_what_is_before_a_torn_record_is_used(record, foreign, page, is_own, torn, read):
    if is_own:
        path = record("a.warc.gz", *(page(f"{URL}{n}", bytes(range(256)) * 9, row=n) for n in range(3)))
    else:
        path = foreign("a.warc.gz", [("response", f"{URL}{n}", HEAD, bytes(range(256)) * 9) for n in range(3)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-torn])
    archive = read(path)
    assert archive.notes == [f"{path} ends at a record that is not whole; what is before it is used"]
    assert archive.next(Request(f"{URL}0")).body == bytes(range(256)) * 9
    assert archive.next(Request(f"{URL}1")).status == 200
    if torn < 400:
        assert archive.next(Request(f"{URL}2")).kind == "archive"


@pytest.mark.parametrize("is_own", [True, False])
def test_a_record_that_broke_after_it_was_read_first_is_a_failure_of_its_page(record, foreign, page, is_own, read):
    body = os.urandom(5000)
    if is_own:
        path = record("a.warc.gz", page(URL, body), page(f"{URL}2", b"good", row=2))
    else:
        path = foreign("a.warc.gz", [("response", URL, HEAD, body), ("response", f"{URL}2", HEAD, b"good")])
    archive = read(path)
    with path.open("r+b") as file:
        place = -1
        for _ in range(3 if is_own else 2):  # the answer is the last of so many records
            place = path.read_bytes().index(b"\x1f\x8b\x08", place + 1)
        file.seek(place + 1000)
        file.write(b"changed")
    outcome = archive.next(Request(URL))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "archive"
    assert outcome.detail.startswith("broken in a.warc.gz at byte ")


def test_what_is_no_archive_is_refused(tmp_path, read):
    (tmp_path / "page.html").write_text("<p>no archive")
    (tmp_path / "packed.warc.gz").write_bytes(gzip.compress(b"<p>no archive"))
    (tmp_path / "nothing.warc").touch()
    (tmp_path / "folder").mkdir()
    for name, told in (
        ("page.html", "is no archive"),
        ("packed.warc.gz", "is no archive"),
        ("nothing.warc", "is no archive"),
        ("folder", "there is no archive in the folder"),
        ("missing", "there is no archive"),
    ):
        with pytest.raises(UsageError, match=told):
            read(tmp_path / name)

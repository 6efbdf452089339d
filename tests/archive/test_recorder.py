from pathlib import Path

import pytest

from crawler.archive.members import records
from crawler.archive.recorder import Recorder
from crawler.archive.records import head_of
from crawler.errors import OutputError, UsageError
from crawler.request import Request
from crawler.response import Response


@pytest.fixture
def recorder(tmp_path):
    """`recorder()`: one for the same file, again and again; all are closed at the end."""
    made = []

    def make(run="run"):
        made.append(Recorder(str(tmp_path / "a.warc.gz"), run, "crawler/0"))
        return made[-1]

    yield make
    for one in made:
        one._file.close()


def take(recorder, name):
    url = f"http://h/{name}"
    recorder.take(Request(url, row=1), (), Response(url, 200, body=name.encode()))


def urls(path):
    with Path(path).open("rb") as file:
        return [head.url for head, _ in records(file) if head.kind == "response"]


def test_a_run_that_goes_on_cuts_what_was_not_committed(recorder):
    first = recorder()
    first.open()
    take(first, "stored")
    mark, _ = first.mark()
    take(first, "lost")
    first.close()
    assert urls(first.path) == ["http://h/stored", "http://h/lost"]
    second = recorder()
    assert second.resume(mark)
    take(second, "again")
    second.close()
    assert urls(first.path) == ["http://h/stored", "http://h/again"]


def test_an_archive_that_has_become_shorter_is_told(recorder):
    first = recorder()
    first.open()
    take(first, "a")
    mark, _ = first.mark()
    first.close()
    Path(first.path).write_bytes(Path(first.path).read_bytes()[:-1])
    with pytest.raises(OutputError, match="cannot go on with the archive") as told:
        recorder().resume(mark)
    assert "put the file back" in told.value.hint


def test_an_archive_is_not_replaced_unless_it_is_a_beginning_of_the_same_run(recorder):
    first = recorder()
    first.open()
    first.close()
    with pytest.raises(UsageError, match="is there already"):
        recorder("another").open()
    again = recorder()
    again.open()
    take(again, "a")
    again.close()
    with pytest.raises(UsageError, match="is there already"):
        recorder().open()
    assert urls(again.path) == ["http://h/a"]


def test_two_crawls_do_not_write_one_archive(recorder):
    recorder().open()
    with pytest.raises(UsageError, match="is being written by another crawl"):
        recorder().open()


def test_the_archive_is_for_its_owner(recorder):
    one = recorder()
    one.open()
    assert Path(one.path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("pairs", "size", "lines"),
    [
        ((("Content-Length", "5"),), 5, ["Content-Length: 5"]),
        ((), 5, ["Content-Length: 5"]),
        ((), 0, []),
        ((("Content-Length", "5"),), 0, ["Content-Length: 5"]),  # the answer to HEAD
        ((("Content-Encoding", "gzip"), ("content-length", "3")), 5,
         ["X-Orig-Content-Encoding: gzip", "X-Orig-content-length: 3", "Content-Length: 5"]),
        ((("Transfer-Encoding", "chunked"),), 0, ["X-Orig-Transfer-Encoding: chunked", "Content-Length: 0"]),
        ((("X-A", "1\r\nX-B: 2"),), 0, ["X-A: 1 X-B: 2"]),
        ((("X-Sea", "\u6d77"),), 0, ["X-Sea: \u6d77"]),
    ],
)  # fmt: skip
def test_heads_are_true_of_the_body_that_is_kept(pairs, size, lines):
    head = head_of(Response("http://h/", 404, pairs), size)
    assert head.decode().split("\r\n") == ["HTTP/1.1 404 Not Found", *lines, "", ""]

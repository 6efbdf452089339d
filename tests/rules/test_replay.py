from pathlib import Path
from types import SimpleNamespace

import pytest

from crawler.errors import OutputError
from crawler.request import Request
from crawler.response import Failure, Response
from crawler.rules.record import Record
from crawler.rules.replay import Replay
from crawler.saved import Save
from crawler.verdict import KEEP, Answer

URL = "http://h/a"


def archive(outcome=None, count=0):
    return SimpleNamespace(path="site.warc.gz", next=lambda _: outcome, count=lambda _: count)


def test_what_is_there_is_the_answer():
    response = Response(URL, 200)
    assert Replay(archive(response), str).before(Request(URL)) == Answer(response, by="the archive")


@pytest.mark.parametrize(
    ("request_", "count", "told"),
    [
        (Request(URL), 0, "http://h/a is not in site.warc.gz"),
        (Request(URL, method="POST", body="q"), 0, "POST http://h/a is not in site.warc.gz"),
        (Request(URL), 1, "http://h/a was answered once in site.warc.gz, and is asked for once more"),
        (Request(URL), 1200, "http://h/a was answered 1,200 times in site.warc.gz, and is asked for once more"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_it(request_, count, told):
    assert Replay(archive(count=count), str).before(request_) == Answer(Failure(URL, "archive", told))


def test_a_robots_txt_that_is_not_there_forbids_nothing():
    answer = Replay(archive(), str).before(Request("http://h/robots.txt", purpose="robots")).response
    assert (type(answer), answer.status) == (Response, 404)


def test_a_file_is_written_as_a_worker_writes_it(tmp_path):
    rule = Replay(archive(Response(URL, 200, body=b"%PDF")), lambda: str(tmp_path))
    answer = rule.before(Request(URL, save=Save())).response
    assert answer.body == b""
    assert (answer.part.size, Path(answer.part.path).read_bytes()) == (4, b"%PDF")
    with pytest.raises(OutputError, match="cannot save http://h/a"):
        Replay(archive(Response(URL, 200, body=b"%PDF")), lambda: "/nowhere").before(Request(URL, save=Save()))


def test_everything_is_told_to_who_records():
    told = []
    rule = Record(lambda *it: told.append(it))
    response = Response(URL, 503)
    assert rule.after(Request(URL), response) is KEEP
    rule.overhear(Request(URL), response)
    assert told == [(Request(URL), response)] * 2

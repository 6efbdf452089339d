"""Who keeps only what went wrong."""

from types import SimpleNamespace

import pytest

from crawler.archive.failing import FailingOnly
from crawler.archive.recorder import Recorder
from crawler.request import Request
from crawler.response import Response


class Bad(SimpleNamespace):
    """Of a page that failed."""


class Over(SimpleNamespace):
    """Of an answer of which no page comes."""


class Read(SimpleNamespace):
    """Of a page that was read."""


@pytest.fixture
def failing(tmp_path):
    """A `FailingOnly` whose recorder keeps what it takes in `kept`."""
    kept = []
    recorder = Recorder(str(tmp_path / "a.warc.gz"), "run", "crawler/0")
    recorder.take = lambda request, sent, outcome: kept.append(request.url)
    recorder.mark = lambda: ({}, 0)
    one = FailingOnly(recorder, (Bad,), (Over,), Read)
    one.kept = kept
    return one


def take(failing, *urls, **fields):
    for url in urls:
        failing.take(Request(url, **fields), (), Response(url, 200))


def test_what_fails_is_kept_and_nothing_else(failing):
    take(failing, "http://h/bad", "http://h/over", "http://h/good", "http://h/late", "http://h/404")
    failing.hear(Bad(url="http://h/bad"))
    failing.hear(Over(url="http://h/over"))
    failing.hear(Bad(url="http://h/404", error=False))
    failing.hear(Read(url="http://h/late"))
    failing.hear(Bad(error=SimpleNamespace(url="http://h/late")))  # its items could not be stored
    failing.hear(Bad(url="http://h/never"))
    failing.hear(Bad(url="http://h/over"))
    assert failing.kept == ["http://h/bad", "http://h/late"]


def test_nothing_waits_for_good(failing):
    take(failing, "http://h/good", "http://h/next")
    failing.hear(Read(url="http://h/good"))
    failing.mark()
    failing.hear(Bad(url="http://h/good"))
    assert failing.kept == []
    take(failing, *(f"http://h/{number}" for number in range(3000)))
    failing.hear(Bad(url="http://h/next"))
    failing.hear(Bad(url="http://h/2999"))
    assert failing.kept == ["http://h/2999"]


def test_what_rules_wanted_first_is_no_page(failing):
    take(failing, "http://h/robots.txt", purpose="robots")
    failing.hear(Bad(url="http://h/robots.txt"))
    assert failing.kept == []

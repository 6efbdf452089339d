"""What `crawl set` changes in a crawl that runs: from now on, for hosts that rest just now too."""

import time
from types import SimpleNamespace

import pytest

from crawler.engine.changes import Change, apply, check
from crawler.engine.ending import Ending
from crawler.errors import UsageError
from crawler.frontier.ledger import Ledger
from crawler.frontier.window import Window
from crawler.politeness.hosts import Hosts
from crawler.request import Request
from crawler.settings import merge


@pytest.fixture
def crawl():
    ledger = Ledger(None)
    yield SimpleNamespace(
        hosts=Hosts(1, 10.0), frontier=Window(ledger), ending=Ending(merge([]).limits, 1.0), concurrency=100
    )
    ledger.close()


def rest(crawl, host, seconds):
    """A host with a request that waits, which may be asked in so many seconds."""
    crawl.frontier.push(Request(f"http://{host}/", row=len(crawl.frontier) + 1))
    crawl.frontier.open(host, time.monotonic() + seconds)


def left(crawl):
    now = time.monotonic()
    return {host: round(at - now) for host, at in crawl.frontier.resting()}


def test_another_delay_counts_for_hosts_that_rest_just_now(crawl):
    rest(crawl, "a.example", 10)
    rest(crawl, "b.example", 4)
    apply(Change("politeness.delay", 30.0), crawl)
    assert left(crawl) == {"a.example": 30, "b.example": 24}
    apply(Change("politeness.delay", 7.0), crawl)
    assert left(crawl) == {"a.example": 7, "b.example": 1}
    apply(Change("politeness.delay", 0.0), crawl)
    assert left(crawl) == {}
    assert crawl.frontier.next(time.monotonic()) is not None


def test_a_delay_for_one_host_leaves_the_others_alone_and_outlives_one_for_all(crawl):
    rest(crawl, "a.example", 10)
    rest(crawl, "b.example", 10)
    apply(Change("politeness.delay", 60.0, "a.example"), crawl)
    apply(Change("politeness.delay", 20.0), crawl)
    assert left(crawl) == {"a.example": 60, "b.example": 20}
    assert (crawl.hosts.delay_of("a.example"), crawl.hosts.delay_of("other.example")) == (60.0, 20.0)


def test_more_permits_open_a_host_that_had_none_left(crawl):
    rest(crawl, "a.example", 0)
    crawl.frontier.push(Request("http://a.example/2", row=9))
    crawl.hosts.set_delay(0.0)
    assert crawl.frontier.next(time.monotonic()) is not None
    assert crawl.hosts.enter("a.example", time.monotonic()) is None
    assert crawl.frontier.next(time.monotonic() + 100) is None
    apply(Change("politeness.per_host", 2), crawl)
    assert crawl.frontier.next(time.monotonic() + 100) is not None
    assert crawl.hosts.enter("a.example", time.monotonic()) is None


def test_fewer_permits_count_as_what_is_out_comes_back(crawl):
    apply(Change("politeness.per_host", 3), crawl)
    for _ in range(3):
        crawl.hosts.enter("a.example", 0.0)
    apply(Change("politeness.per_host", 1, "a.example"), crawl)
    crawl.hosts.leave("a.example", None)
    crawl.hosts.leave("a.example", None)
    with pytest.raises(ValueError, match="no permit left"):
        crawl.hosts.enter("a.example", 0.0)
    crawl.hosts.leave("a.example", None)
    assert crawl.hosts.in_flight == 0
    assert crawl.hosts.enter("a.example", 0.0) is None


def test_limits_and_concurrency(crawl):
    apply(Change("crawl.concurrency", 7), crawl)
    apply(Change("limits.max_pages", 5), crawl)
    crawl.ending.pages = 5
    crawl.ending.check()
    assert (crawl.concurrency, crawl.ending.reason) == (7, "max_pages reached")


def test_who_asked_is_told(crawl):
    told = []
    apply(Change("crawl.concurrency", 7, answer=told.append), crawl)
    assert told == [""]


def test_it_is_kept_as_plain_values():
    change = Change("politeness.delay", 2.5, "a.example")
    again = Change.of(change.stored(1.7e9))
    assert (again.setting, again.value, again.host) == ("politeness.delay", 2.5, "a.example")


def test_what_cannot_be_changed_is_refused():
    check("politeness.delay", "a.example")
    with pytest.raises(UsageError, match=r"crawl\.workers cannot be changed while a crawl runs"):
        check("crawl.workers", "")
    with pytest.raises(UsageError, match="a setting of the whole crawl"):
        check("limits.max_pages", "a.example")

"""Gauges: shared memory without locks, one writer per row."""

import time
from queue import SimpleQueue

import pytest

from crawler.control.gauges import Gauges
from crawler.control.switch import Level
from crawler.fetch.limits import FetchLimits
from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool
from crawler.worker import Setup, exchange, open_worker


def test_they_begin_at_nothing():
    gauges = Gauges(2)
    row = gauges.row(1)
    assert (row.heartbeat, row.requests, row.size) == (0.0, 0, 0)
    assert gauges.level.value == Level.RUN


def test_a_beat_adds_up_and_says_when():
    gauges = Gauges(2)
    before = time.monotonic()
    gauges.row(1).beat(2, 100)
    gauges.row(1).beat(1, 5)
    row = gauges.row(1)
    assert (row.requests, row.size) == (3, 105)
    assert before <= row.heartbeat <= time.monotonic()


def test_rows_do_not_touch_each_other():
    gauges = Gauges(3)
    gauges.row(1).beat(7, 7)
    assert [gauges.row(number).requests for number in range(3)] == [0, 7, 0]


def test_large_numbers_stay_exact():
    gauges = Gauges(1)
    gauges.row(0).beat(1, 2**50)
    gauges.row(0).beat(1, 1)
    assert gauges.row(0).size == 2**50 + 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_what_a_worker_writes_is_read_here(method):
    context = context_for(method)
    gauges = Gauges(2, context)
    pool, inbox = ProcessPool(context, open_worker, (Setup("key", 1, "inline", FetchLimits()), gauges)), SimpleQueue()
    try:
        pool.apply_async(exchange, ("key", (), 0.0), callback=inbox.put, error_callback=inbox.put)
        assert inbox.get(timeout=10) == ()
        assert gauges.row(1).heartbeat > 0
        assert gauges.row(0).heartbeat == 0
    finally:
        pool.abandon()


def test_a_worker_that_reads_a_page_is_heard_for_as_long_as_that_may_take():
    row = Gauges(2).row(1)
    before = time.monotonic()
    row.busy(100)
    assert row.heartbeat >= before + 100
    row.beat(1, 10)
    assert row.heartbeat <= time.monotonic()
    row.busy(100)
    row.renew()  # it was killed meanwhile: its successor has said nothing yet
    assert row.heartbeat == 0.0

"""When a crawl ends: the first reason counts, and what is in flight is waited for no longer than the grace."""

import pytest

from crawler.engine import ending as ending_module
from crawler.engine.ending import Ending
from crawler.settings import Layer, merge


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(ending_module.time, "monotonic", lambda: now[0])
    return now


def ending(**limits):
    return Ending(merge([Layer("test", {f"limits.{name}": value for name, value in limits.items()})]).limits, 10.0)


def test_the_first_reason_counts(clock):
    one = ending()
    one.end("stopped")
    clock[0] += 9
    one.end("max_pages reached")
    assert (one.reason, one.is_grace_over) == ("stopped", False)
    clock[0] += 2
    assert one.is_grace_over


@pytest.mark.parametrize("name", ["max_pages", "max_items"])
def test_a_counter_that_reaches_its_limit(clock, name):
    one = ending(**{name: 3})
    setattr(one, name.removeprefix("max_"), 2)
    one.check()
    assert one.reason == ""
    setattr(one, name.removeprefix("max_"), 3)
    one.check()
    assert one.reason == f"{name} reached"
    assert one.is_grace_over == (name == "max_items") or clock[0]


def test_time_and_errors(clock):
    one = ending(max_time=5.0)
    clock[0] += 5
    one.check()
    assert one.reason == "max_time reached"
    two = ending(stop_after_errors=2)
    two.count_errors(1)
    assert two.reason == ""
    two.count_errors(1)
    assert two.reason == "stop_after_errors reached"


def test_room_for_more_pages():
    assert ending().room() is None
    one = ending(max_pages=7)
    one.pages = 5
    assert one.room() == 2


def test_what_is_in_flight_is_not_waited_for_if_it_ends_at_once(clock):
    one = ending()
    one.end("drift", at_once=True)
    assert (one.reason, one.is_grace_over) == ("drift", True)

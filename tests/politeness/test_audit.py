"""Each promise broken by a hair, and kept by a hair."""

import random
import tracemalloc

import pytest

from crawler.politeness.audit import Fetch, Kept, audit
from crawler.politeness.in_force import Promise, Rule


def checked(*spans, permits=2, delay=0.0, first=()):
    """The one host of fetches given as (start, seconds)."""
    fetches = [Fetch(n, "a.example", at, seconds, n in first) for n, (at, seconds) in enumerate(spans)]
    (kept,) = audit(fetches, lambda _: Promise([Rule(0.0, permits, delay)]))
    return kept


def numbers(pair):
    return pair and (pair.one.number, pair.other.number)


def test_requests_that_overlap_count_at_once_and_touching_ones_do_not():
    kept = checked((0, 1), (0.5, 1), (1, 1), (1.5, 1))
    assert (kept.most, kept.permits, kept.is_kept, kept.requests) == (2, 2, True, 4)


def test_one_too_many_is_named_with_one_of_those_in_flight():
    kept = checked((0, 5), (1, 5), (2, 1), (9, 1))
    assert (kept.most, numbers(kept.crowded), kept.is_kept) == (3, (0, 2), False)


def test_a_clock_may_be_off_by_a_thousandth_and_no_more():
    assert checked((0, 1.0009), (1, 1), permits=1).is_kept
    assert not checked((0, 1.0011), (1, 1), permits=1).is_kept
    assert checked((0, 0.1), (0.4991, 0.1), delay=0.5).is_kept
    kept = checked((0, 0.1), (1, 0.1), (1.4989, 0.1), (2.6, 0.1), delay=0.5)
    assert (numbers(kept.hurried), round(kept.gap, 4), kept.delay) == ((1, 2), 0.4989, 0.5)


def test_the_worst_of_several_faults_is_told():
    kept = checked((0, 9), (0.4, 9), (0.5, 9), (5, 9), delay=0.5)
    assert (kept.most, numbers(kept.crowded), numbers(kept.hurried)) == (4, (0, 3), (1, 2))


def test_robots_needs_a_permit_and_keeps_no_delay():
    kept = checked((0, 0.1), (0.2, 0.1), (0.3, 0.1), delay=0.25, permits=1, first={1})
    assert (kept.is_kept, kept.gap) == (True, pytest.approx(0.3))
    assert numbers(checked((0, 1), (0.5, 1), permits=1, first={0}).crowded) == (0, 1)


def test_what_has_no_end_is_counted_and_not_looked_at():
    kept = checked((0, 1), (0.1, None), (0.2, None), (2, 1), permits=1, delay=2.0)
    assert (kept.requests, kept.unknown, kept.most, kept.gap, kept.is_kept) == (4, 2, 1, 2, True)


def test_one_request_has_no_gap():
    kept = checked((5, 1), delay=3.0)
    assert (kept.gap, kept.delay, kept.most) == (None, 3.0, 1)


def test_the_promise_may_change_meanwhile():
    fetches = [Fetch(n, "a.example", at, 0.5, False) for n, at in enumerate((0, 1, 2, 20, 21, 40, 45))]
    rules = [Rule(0.0, 1, 1.0), Rule(10.0, 1, 5.0)]
    (kept,) = audit(fetches, lambda _: Promise(rules))
    assert (numbers(kept.hurried), kept.gap, kept.delay) == ((3, 4), 1, 5.0)


def test_hosts_are_sorted_by_how_they_were_treated():
    def kept(host, most, gap, **faults):
        return Kept(host, 9, 0, most, 2, gap, 1.0, **faults)

    pair = (Fetch(0, "", 0, 0, False),) * 2
    hosts = [
        kept("idle", 1, 100.0),
        kept("one", 1, None),
        kept("full", 2, 1.5),
        kept("hurried", 1, 0.5, hurried=pair),
        kept("at once", 1, 0.0, hurried=pair),
    ]
    worst_first = sorted(hosts, key=lambda host: host.badness, reverse=True)
    assert [host.host for host in worst_first[:3]] == ["at once", "hurried", "full"]


def test_overlaps_are_counted_as_somebody_slow_would_count_them():
    chance = random.Random(4)
    for _ in range(50):
        spans = sorted((round(chance.uniform(0, 5), 2), round(chance.uniform(0, 1), 2)) for _ in range(20))
        most = max(sum(at <= start and start + 0.001 < at + seconds for at, seconds in spans) for start, _ in spans)
        assert checked(*spans, permits=1).most == max(most, 1), spans


def test_many_fetches_take_no_memory():
    fetches = (Fetch(n, "a.example", n * 0.5, 0.4, False) for n in range(20_000))
    tracemalloc.start()
    try:
        (kept,) = audit(fetches, lambda _: Promise([Rule(0.0, 1, 0.5)]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (kept.requests, kept.is_kept) == (20_000, True)
    assert peak < 100_000

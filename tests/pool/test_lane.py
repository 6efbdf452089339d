"""Lanes: one call out, or two for a busy worker; every order settles exactly once, a silent worker is found out."""

import operator
import os
import signal
import time
from queue import SimpleQueue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.pool import lane as lane_module
from crawler.pool.context import context_for
from crawler.pool.inline import InlinePool
from crawler.pool.lane import Lane
from crawler.pool.process import ProcessPool
from crawler.request import Request
from crawler.response import Landing, Order, Response


def answer(token):
    return Landing(token, 1.0, Response(f"http://a.example/{token}", 200))


def order(token):
    return Order(token, f"http://a.example/{token}")


def request(token):
    return Request(f"http://a.example/{token}")


class FakePool:
    """Remembers the calls; `land` and `fail` answer the oldest one."""

    pid = 0

    def __init__(self):
        self.calls = []
        self.dead = ""
        self.abandoned = self.closed = 0

    def apply_async(self, func, args, callback, error_callback):
        self.calls.append((func, args, callback, error_callback))

    def land(self, *tokens):
        self.calls.pop(0)[2](tuple(answer(token) for token in tokens))

    def fail(self, error):
        self.calls.pop(0)[3](error)

    def death(self):
        return self.dead

    def abandon(self):
        self.abandoned += 1

    def close(self, timeout):
        self.closed += 1


@pytest.fixture
def pool():
    return FakePool()


@pytest.fixture
def inbox():
    return SimpleQueue()


class Gauge:
    """What the worker says of itself."""

    heartbeat = 0.0


@pytest.fixture
def gauge():
    return Gauge()


@pytest.fixture
def lane(pool, inbox, gauge):
    return Lane(3, "key", pool, operator.add, inbox, 0.1, gauge)


@pytest.fixture
def clock(monkeypatch):
    """The lane's clock: `clock.now` is set by the test."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    monkeypatch.setattr(lane_module, "time", Clock())
    return lane_module.time


def give(lane, *tokens):
    for token in tokens:
        lane.give(order(token), request(token))


def test_an_idle_lane_has_no_call_out(lane, pool):
    lane.call()
    assert pool.calls == []
    assert len(lane) == 0


def test_a_call_hands_in_everything_that_was_given(lane, pool):
    give(lane, 1, 2)
    assert pool.calls == []
    lane.call()
    ((function, arguments, _, _),) = pool.calls
    assert function is operator.add
    assert arguments == ("key", (order(1), order(2)), 0.1)
    assert len(lane) == 2


def test_a_busy_lane_has_exactly_one_call_out(lane, pool, inbox):
    give(lane, 1)
    lane.call()
    give(lane, 2)
    lane.call()
    assert len(pool.calls) == 1
    pool.land()
    lane.settle(inbox.get_nowait())
    lane.call()
    assert pool.calls[0][1][1] == (order(2),)


def test_a_lane_asks_again_for_what_is_still_flying(lane, pool, inbox):
    give(lane, 1, 2)
    lane.call()
    pool.land(2)
    assert lane.settle(inbox.get_nowait()) == [(request(2), answer(2))]
    lane.call()
    assert pool.calls[0][1][1] == ()
    pool.land(1)
    lane.settle(inbox.get_nowait())
    lane.call()
    assert pool.calls == []


def test_the_callback_only_fills_the_inbox(lane, pool, inbox):
    give(lane, 1)
    lane.call()
    pool.land(1)
    arrival = inbox.get_nowait()
    assert (arrival.lane, arrival.batch, arrival.error) == (lane, (answer(1),), None)
    assert len(lane) == 1


def test_what_could_not_be_sent_arrives_as_an_error(lane, pool, inbox):
    give(lane, 1)
    lane.call()
    error = ValueError("x")
    pool.fail(error)
    arrival = inbox.get_nowait()
    assert (arrival.lane, arrival.batch, arrival.error) == (lane, (), error)
    assert lane.settle(arrival) == []


def test_a_late_twin_is_ignored(lane, pool, inbox):
    give(lane, 1, 2)
    lane.call()
    pool.land(1, 1, 7)
    assert lane.settle(inbox.get_nowait()) == [(request(1), answer(1))]
    lane.call()
    pool.land(1, 2)
    assert lane.settle(inbox.get_nowait()) == [(request(2), answer(2))]


def test_abandoning_gives_back_what_was_in_flight_or_only_given(lane, pool, inbox):
    give(lane, 1, 2)
    lane.call()
    give(lane, 3)
    assert lane.abandon() == ([], [request(1), request(2), request(3)])
    assert pool.abandoned == 1
    assert lane.is_gone
    assert len(lane) == 0
    pool.land(1)
    assert lane.settle(inbox.get_nowait()) == []
    lane.call()
    assert pool.calls == []


def test_only_what_the_worker_has_begun_with_is_told_so(lane, pool, gauge, clock):
    give(lane, 1, 2)
    lane.call()
    gauge.heartbeat = clock.now  # it took these two
    clock.now += 5
    pool.land(1)
    lane.settle(lane._inbox.get_nowait())
    give(lane, 3)
    lane.call()  # and died before it took this one
    give(lane, 4)
    begun, others = lane.abandon()
    assert begun == [(request(2), 100.0)]
    assert others == [request(3), request(4)]


def test_one_at_a_time_hands_in_the_next_order_when_the_last_one_is_settled(pool, inbox, gauge):
    lane = Lane(0, "key", pool, operator.add, inbox, 0.1, gauge, one_at_a_time=True)
    give(lane, 1, 2, 3)
    handed = []
    for landed in [(), (1,), (), (2,), (3,)]:
        lane.call()
        handed.append([one.token for one in pool.calls[0][1][1]])
        pool.land(*landed)
        lane.settle(inbox.get_nowait())
    assert handed == [[1], [], [2], [], [3]]
    assert len(lane) == 0


@pytest.fixture
def busy(pool, inbox, gauge, clock):
    """A lane whose worker has just given back eight landings of twenty, and was called again."""
    lane = Lane(0, "key", pool, operator.add, inbox, 0.1, gauge, stands_still=True)
    give(lane, *range(1, 21))
    lane.call()
    lane.call()
    assert len(pool.calls) == 1  # nothing is known of it yet
    clock.now += 1.0
    gauge.heartbeat = clock.now
    pool.land(*range(1, 9))
    lane.settle(inbox.get_nowait())
    lane.call()
    return lane


def test_a_busy_worker_has_a_second_call_before_it_that_does_not_linger(busy, pool):
    give(busy, 21, 22)
    busy.call()
    busy.call()
    assert [([one.token for one in orders], linger) for _, (_, orders, linger), *_ in pool.calls] == [
        ([], 0.1),
        ([21, 22], 0.0),
    ]


def test_who_has_little_to_go_on_with_is_called_once(busy, pool, inbox):
    pool.land(9, 10, 11)
    busy.settle(inbox.get_nowait())
    busy.call()
    give(busy, 21)
    busy.call()
    assert len(pool.calls) == 1


def test_a_worker_has_not_begun_with_a_call_that_waits_for_another_one(busy, pool, gauge, clock):
    give(busy, 21)
    busy.call()
    clock.now += 1.0
    gauge.heartbeat = clock.now  # that of the first call
    begun, others = busy.abandon()
    assert [one.url for one, _ in begun] == [request(token).url for token in range(9, 21)]
    assert others == [request(21)]


def test_a_worker_that_could_not_start_has_begun_with_nothing(lane, pool, inbox):
    give(lane, 1)
    lane.call()
    pool.fail(RuntimeError("the worker could not start"))  # it never beat
    assert lane.abandon() == ([], [request(1)])


def test_what_is_excused_in_one_call_is_not_in_the_one_behind_it(busy, pool, inbox, clock):
    give(busy, 21)
    busy.call()
    clock.now += 3600.0
    busy.excuse(3595.0)
    pool.land(9)  # the worker goes on with the second one
    clock.now += 10.2
    assert busy.fault() == "silent for 10 s"


def test_the_second_of_two_calls_is_silent_from_the_end_of_the_first_one(busy, pool, inbox, clock):
    give(busy, 21)
    busy.call()
    clock.now += 9.0
    pool.land(9)
    assert busy.fault() == ""
    clock.now += 10.0
    assert busy.fault() == ""
    clock.now += 0.2
    assert busy.fault() == "silent for 10 s"
    pool.land(10)
    assert busy.fault() == ""


def test_closing_closes_the_pool(lane, pool):
    lane.close(1.0)
    assert (pool.closed, pool.abandoned) == (1, 0)


def test_a_dead_worker_is_a_fault_even_without_a_call(lane, pool):
    assert lane.fault() == ""
    pool.dead = "killed by signal 9"
    assert lane.fault() == "killed by signal 9"


def test_a_call_that_does_not_come_back_is_a_fault(lane, pool, inbox, clock):
    give(lane, 1)
    lane.call()
    clock.now += 10.0
    assert lane.fault() == ""
    clock.now += 0.2
    assert lane.fault() == "silent for 10 s"
    pool.land()
    lane.settle(inbox.get_nowait())
    assert lane.fault() == ""


def test_an_idle_lane_may_be_silent_for_ever(lane, clock):
    clock.now += 1e6
    assert lane.fault() == ""


def test_a_worker_that_beats_is_not_silent(lane, pool, gauge, clock):
    give(lane, 1)
    lane.call()
    clock.now += 60.0
    gauge.heartbeat = clock.now
    clock.now += 9.0
    assert lane.fault() == ""
    clock.now += 2.0
    assert lane.fault() == "silent for 10 s"


def test_what_everybody_slept_through_is_nobodys_silence(lane, pool, inbox, clock):
    give(lane, 1)
    lane.call()
    clock.now += 3600.0
    lane.excuse(3595.0)
    assert lane.fault() == ""
    clock.now += 6.0
    assert lane.fault() == "silent for 10 s"
    pool.land()
    lane.settle(inbox.get_nowait())
    lane.call()
    clock.now += 11.0
    assert lane.fault() == "silent for 10 s"


def test_silence_is_counted_from_the_last_call(lane, pool, inbox, clock):
    give(lane, 1)
    for _ in range(5):
        lane.call()
        clock.now += 10.0
        pool.land()
        lane.settle(inbox.get_nowait())
        assert lane.fault() == ""


@given(
    st.lists(st.one_of(st.just("give"), st.just("call"), st.sets(st.integers(1, 40), max_size=12)), max_size=60),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_every_order_settles_exactly_once(steps, stands_still):
    pool, inbox = FakePool(), SimpleQueue()
    lane = Lane(0, "key", pool, operator.add, inbox, 0.1, Gauge(), stands_still=stands_still)
    given_tokens, handed_in, settled = 0, [], []
    for step in steps:
        if step == "give":
            given_tokens += 1
            give(lane, given_tokens)
        elif step == "call":
            before = len(pool.calls)
            lane.call()
            if len(pool.calls) > before:
                handed_in += [one.token for one in pool.calls[-1][1][1]]
        elif pool.calls:
            pool.land(*step)  # right ones, late twins and strangers
            settled += [found.url for found, _ in lane.settle(inbox.get_nowait())]
        assert len(pool.calls) <= 1 + stands_still
        assert len(lane) == given_tokens - len(settled)
    assert len(set(settled)) == len(settled)
    assert handed_in == list(range(1, len(handed_in) + 1))
    begun, others = lane.abandon()
    lost = [found.url for found in (*(one for one, _ in begun), *others)]
    assert sorted(settled + lost) == sorted(request(token).url for token in range(1, given_tokens + 1))


def test_it_works_on_the_inline_pool(inbox):
    def exchange(key, orders, linger):
        return tuple(answer(one.token) for one in orders)

    lane = Lane(0, "key", InlinePool(int, (), int), exchange, inbox, 0.1, Gauge())
    give(lane, 1)
    lane.call()
    assert lane.settle(inbox.get_nowait()) == [(request(1), answer(1))]


def test_the_death_of_a_real_worker_is_found_out(inbox, wait_until):
    lane = Lane(0, "key", ProcessPool(context_for("auto"), os.getpid, ()), max, inbox, 0.1, Gauge())
    try:
        give(lane, 1)
        assert lane.fault() == ""
        os.kill(lane.pool.pid, signal.SIGKILL)
        wait_until(lambda: lane.fault() == "killed by signal 9")
    finally:
        assert lane.abandon().others == [request(1)]


def test_an_answer_that_waits_in_the_inbox_is_no_silence(monkeypatch):
    lane, answer = None, []

    class Pool:
        pid = 0

        def apply_async(self, func, args, callback, error_callback):
            answer.append(callback)

        def death(self):
            return ""

    lane = Lane(0, "k", Pool(), None, SimpleQueue(), 0.1, Gauge())
    lane.give(Order(1, "http://127.0.0.1/"), Request("http://127.0.0.1/"))
    lane.call()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    assert "silent" in lane.fault()
    answer[0](())
    assert lane.fault() == ""

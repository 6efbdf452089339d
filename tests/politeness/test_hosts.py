"""Hosts: permits out are requests in flight, and the pause counts from the true start."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.host_table import HostSettings, HostTable
from crawler.politeness.adaptive import Adaptive
from crawler.politeness.breaker import Breaker
from crawler.politeness.hosts import Hosts
from crawler.response import Failure, Response

A, B = "a.example", "b.example:8080"


def test_a_host_with_one_permit_has_to_wait_for_its_landing():
    hosts = Hosts(per_host=1, delay=0.5)
    assert hosts.enter(A, 10.0) is None
    assert hosts.leave(A, 10.0) == 10.5


def test_a_host_with_permits_left_may_start_again_after_the_delay():
    hosts = Hosts(per_host=3, delay=0.5)
    assert hosts.enter(A, 10.0) == 10.5
    assert hosts.enter(A, 10.5) == 11.0
    assert hosts.enter(A, 11.0) is None


def test_no_more_permits_than_there_are():
    hosts = Hosts(per_host=2, delay=0.0)
    hosts.enter(A, 0.0)
    hosts.enter(A, 0.0)
    with pytest.raises(ValueError, match=r"a\.example has no permit left"):
        hosts.enter(A, 0.0)
    assert hosts.in_flight == 2


def test_hosts_do_not_share_permits():
    hosts = Hosts(per_host=1, delay=1.0)
    hosts.enter(A, 10.0)
    assert hosts.enter(B, 10.0) is None
    assert hosts.in_flight == 2


def test_a_late_start_moves_the_pause():
    hosts = Hosts(per_host=1, delay=0.5)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 13.0) == 13.5


def test_an_early_landing_does_not_shorten_the_pause_of_a_later_start():
    hosts = Hosts(per_host=2, delay=1.0)
    hosts.enter(A, 10.0)
    hosts.enter(A, 11.0)
    assert hosts.leave(A, 10.0) == 12.0


def test_a_request_that_never_started_gives_its_permit_back():
    hosts = Hosts(per_host=1, delay=0.5)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, None) == 10.5
    assert hosts.in_flight == 0
    assert hosts.enter(A, 11.0) is None


def test_without_a_delay_the_next_start_is_at_once():
    hosts = Hosts(per_host=2, delay=0.0)
    assert hosts.enter(A, 10.0) == 10.0
    assert hosts.leave(A, 10.0) == 10.0


def test_hosts_without_work_are_forgotten():
    hosts = Hosts(per_host=1, delay=0.5)
    for number in range(1000):
        hosts.enter(f"h{number}.example", 1.0)
    for number in range(1000):
        hosts.leave(f"h{number}.example", 1.0)
    assert not hosts._hosts


def test_nobody_can_leave_who_has_not_entered():
    with pytest.raises(KeyError):
        Hosts(1, 0.0).leave(A, 0.0)


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from([A, B]), st.booleans(), st.floats(0, 5)), max_size=60))
@settings(max_examples=100, deadline=None)
def test_permits_out_are_requests_in_flight(per_host, steps):
    hosts = Hosts(per_host, delay=1.0)
    flying = {A: [], B: []}
    may_start = {A: 0.0, B: 0.0}
    for name, enters, late in steps:
        if enters and len(flying[name]) < per_host:
            start = may_start[name]
            again = hosts.enter(name, start)
            flying[name].append(start + late)
            assert (again is None) == (len(flying[name]) == per_host)
            may_start[name] = start + 1.0
            assert again in (None, may_start[name])
        elif not enters and flying[name]:
            started = flying[name].pop(0)
            told = hosts.leave(name, started)
            assert told >= started + 1.0
            may_start[name] = told
        assert hosts.in_flight == len(flying[A]) + len(flying[B])
        assert {name for name, starts in flying.items() if starts} == set(hosts._hosts)


# -- tables, wishes, answers --------------------------------------------------------------------------------------


def answer(status=200, seconds=0.1, **headers):
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response("http://a.example/", status, pairs, seconds=seconds)


def failure(kind="connect"):
    return Failure("http://a.example/", kind, "x")


def test_what_is_wanted_of_a_host_comes_from_the_strongest():
    table = HostTable([HostSettings("a.*", delay=3.0, per_host=2)])
    hosts = Hosts(per_host=1, delay=0.5, table=table)
    assert (hosts.delay_of(A), hosts.limit_of(A)) == (3.0, 2)
    assert (hosts.delay_of(B), hosts.limit_of(B)) == (0.5, 1)
    hosts.set_delay(1.0, A)
    hosts.set_per_host(4, A)
    assert (hosts.delay_of(A), hosts.limit_of(A)) == (1.0, 4)
    hosts.ask_for(A, 2.0)
    assert hosts.delay_of(A) == 2.0
    hosts.ask_for(A, 0.1)  # of its other robots.txt, or for another crawler
    assert hosts.delay_of(A) == 2.0


def test_the_delay_varies_by_its_jitter():
    drawn = []

    def uniform(low, high):
        drawn.append((low, high))
        return high

    hosts = Hosts(per_host=1, delay=2.0, jitter=0.5, uniform=uniform)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 11.0) == 14.0
    assert drawn == [(0.5, 1.5)]


@pytest.mark.parametrize(("status", "expected"), [(429, 130.0), (503, 130.0), (200, 10.5), (404, 10.5)])
def test_a_host_that_asks_for_time_gets_it(status, expected):
    hosts = Hosts(per_host=1, delay=0.5)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 10.0, answer(status, Retry_After="120"), now=10.0) == expected


def test_but_not_for_ever():
    hosts = Hosts(per_host=1, delay=0.5, max_retry_after=60.0)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 10.0, answer(429, Retry_After="99999999999999999999"), now=10.0) == 70.0


def test_a_slow_host_is_left_alone_for_longer():
    hosts = Hosts(per_host=1, delay=0.5, adaptive=Adaptive(60.0))
    hosts.enter(A, 10.0)
    hosts.leave(A, 10.0, answer(seconds=4.0), now=14.0)
    hosts.enter(A, 20.0)
    assert hosts.leave(A, 20.0) == 24.0


def test_trouble_counts_from_now_on():
    hosts = Hosts(per_host=1, delay=0.5, adaptive=Adaptive(60.0))
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 10.0, answer(500), now=10.1) == 11.0


@pytest.mark.parametrize("outcome", [failure("connect"), failure("timeout"), answer(502)])
def test_a_host_that_fails_rests_and_is_tried_with_one_request(outcome):
    hosts = Hosts(per_host=4, delay=0.0, breaker=Breaker(2, 10.0, 60.0, 3))
    for _ in range(3):
        hosts.enter(A, 10.0)
    hosts.leave(A, 10.0, outcome, now=11.0)
    assert hosts.leave(A, 10.0, outcome, now=11.0) is None  # one is still there
    assert hosts.leave(A, 10.0, outcome, now=12.0) == 21.0
    assert hosts.enter(A, 21.0) is None
    assert hosts.leave(A, 21.0, answer(), now=21.1) == 21.0
    assert hosts.enter(A, 22.0) == 22.0


@pytest.mark.parametrize("kind", ["guard", "invalid", "too_large", "worker", "tls", "partial"])
def test_what_is_no_fault_of_the_host_does_not_count(kind):
    hosts = Hosts(per_host=1, delay=0.0, breaker=Breaker(1, 10.0, 60.0, 3), adaptive=Adaptive(60.0))
    hosts.enter(A, 10.0)
    assert hosts.leave(A, 10.0, failure(kind), now=10.0) == 10.0


def test_a_parked_host_has_to_wait_also_when_something_lands():
    hosts = Hosts(per_host=2, delay=0.5)
    hosts.enter(A, 10.0)
    hosts.park(A)
    assert hosts.enter(A, 10.0, unhurried=False) is None
    assert hosts.leave(A, 10.0) is None
    assert hosts.leave(A, 10.0) is None
    assert hosts.unpark(A) == 10.5
    assert not hosts._hosts


def test_what_is_fetched_first_does_not_start_the_delay():
    hosts = Hosts(per_host=1, delay=5.0)
    hosts.park(A)
    hosts.enter(A, 10.0, unhurried=False)
    hosts.leave(A, 10.0)
    assert hosts.unpark(A) == 10.0


def test_the_gap_is_for_hosts_that_may_have_several_in_flight():
    hosts = Hosts(per_host=2, delay=0.5)
    hosts.enter(A, 10.0)
    assert hosts.gap(A) == 0.5
    one_at_a_time = Hosts(per_host=1, delay=0.5)
    one_at_a_time.enter(A, 10.0)
    assert one_at_a_time.gap(A) == 0.0


def test_a_request_of_which_nobody_knows_counts_as_started_when_it_was_lost():
    hosts = Hosts(per_host=1, delay=0.5)
    hosts.enter(A, 10.0)
    assert hosts.leave(A, None, now=30.0) == 30.5


@pytest.mark.parametrize(("kind", "slower"), [("timeout", True), ("reset", True), ("connect", False), ("dns", False)])
def test_who_answers_late_is_asked_less_often_and_who_is_not_there_is_the_breakers(kind, slower):
    hosts = Hosts(per_host=1, delay=0.5, adaptive=Adaptive(60.0))
    hosts.enter(A, 10.0)
    hosts.leave(A, 10.0, failure(kind), now=10.0)
    hosts.enter(A, 20.0)
    assert hosts.leave(A, 20.0) == (21.0 if slower else 20.5)


def test_what_a_host_may_have_at_the_same_time_counts_for_its_adaptive_delay():
    hosts = Hosts(per_host=4, delay=0.0, adaptive=Adaptive(60.0))
    hosts.enter(A, 10.0)
    hosts.leave(A, 10.0, answer(seconds=2.0), now=12.0)
    assert hosts.enter(A, 20.0) == 20.5


def test_a_host_that_only_says_too_many_requests_is_given_up():
    hosts = Hosts(per_host=1, delay=0.0, breaker=Breaker(2, 5.0, 300.0, 1))
    for now in (10.0, 20.0, 30.0, 40.0):
        hosts.enter(A, now)
        hosts.leave(A, now, answer(429), now=now)
    assert hosts.given_up(A) == "4 failures in a row, the last one: status 429"

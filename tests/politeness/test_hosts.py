"""Hosts: permits out are requests in flight, and the pause counts from the true start."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.politeness.hosts import Hosts

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

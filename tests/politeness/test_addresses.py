"""Hosts that count by the address of their server: many names there share its permits and its delay."""

from queue import SimpleQueue

import pytest

from crawler.politeness.addresses import Addresses
from crawler.politeness.hosts import Hosts

SERVERS = {"a.example": "10.0.0.1", "b.example": "10.0.0.1", "c.example": "10.0.0.2"}
A, B, C = "a.example:81", "b.example:81", "c.example:81"


def resolve(name):
    if name not in SERVERS:
        raise OSError("no such name")
    return SERVERS[name]


@pytest.fixture
def addresses():
    inbox = SimpleQueue()
    made = Addresses(inbox.put, resolve)
    made.inbox = inbox
    yield made
    made.close()


@pytest.fixture
def hosts(addresses):
    hosts = Hosts(per_host=1, delay=2.0, addresses=addresses)
    for name in (A, B, C):
        assert hosts.admit(name, 0.0) is None
        assert addresses.inbox.get(timeout=5).host == name
        assert hosts.unpark(name) == 0.0
    return hosts


def test_a_name_is_resolved_by_somebody_else(addresses):
    assert addresses.of(A) is None
    assert addresses.inbox.get(timeout=5).host == A
    assert addresses.of(A) == "10.0.0.1:81"


def test_a_name_that_does_not_resolve_counts_as_it_is(addresses):
    addresses.of("none.example")
    assert addresses.inbox.get(timeout=5).host == "none.example"
    assert addresses.of("none.example") == "none.example"


def test_names_at_one_address_share_its_permits(hosts):
    assert hosts.admit(A, 10.0) == 10.0
    hosts.enter(A, 10.0)
    assert hosts.admit(B, 10.0) is None
    assert hosts.admit(C, 10.0) == 10.0
    hosts.leave(A, 10.0)
    assert hosts.released(A) == [(B, 12.0)]


def test_names_at_one_address_share_its_delay(hosts):
    assert hosts.admit(A, 10.0) == 10.0
    hosts.enter(A, 10.0)
    hosts.leave(A, 10.0)
    assert hosts.admit(B, 10.5) == 12.0
    assert hosts.admit(B, 12.0) == 12.0
    assert hosts.admit(C, 10.5) == 10.5


def test_with_names_as_keys_nothing_of_that_happens():
    hosts = Hosts(per_host=1, delay=2.0)
    hosts.enter(A, 10.0)
    assert hosts.admit(B, 10.0) == 10.0
    hosts.leave(A, 10.0)
    assert hosts.released(A) == []

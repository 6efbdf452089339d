"""The address guard: what counts is the address that would be connected to, and nothing is sent to others."""

import socket
import threading
import time

import pytest

from crawler.fetch import curl_transfer
from crawler.fetch.deadline import watch
from crawler.fetch.guard import AddressRefused, Guard, resolve
from crawler.response import Order, Response, Route

LOOPBACK = ["127.0.0.0/8"]


def at(*addresses):
    """A resolver that knows one answer, and how often it was asked."""

    def resolver(host, port):
        resolver.asked.append((host, port))
        return addresses

    resolver.asked = []
    return resolver


@pytest.fixture
def connected(monkeypatch):
    """The addresses that a socket was connected to, or would have been."""
    addresses = []
    real = socket.socket.connect

    def connect(self, address):
        addresses.append(address)
        if address[0].startswith("127."):
            return real(self, address)
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)

    class Opened(curl_transfer.Opened):
        def __init__(self, address):  # libcurl connects what is opened for an address to that address
            addresses.append(address.addr)
            assert address.addr[0].startswith("127."), f"a connection to {address}"
            super().__init__(address)

    monkeypatch.setattr(curl_transfer, "Opened", Opened)
    return addresses


def found(only, address, allow=(), private=True):
    return Guard(only, allow, at(address)).addresses("a.example", 80, private)


@pytest.fixture
def fetch(client):
    """`fetch(url, resolver=at(...))`: the outcome; loopback is the only network, and is private."""

    def ask(url, resolver=None, route=None, allow=(), only=("127.0.0.0/8",), **limits):
        one = client(resolver, only=tuple(only), allow=tuple(allow), **limits)
        return one.fetch(Order(1, url, route=route)).outcome

    return ask


PRIVATE = Route(private=True)


# -- which addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "address"),
    [
        (["127.0.0.0/8"], "127.0.0.1"),
        (["127.0.0.0/8"], "127.255.255.254"),
        (["10.0.0.0/8", "127.0.0.1"], "127.0.0.1"),
        (["::1"], "::1"),
        (["fe80::/10"], "fe80::1%eth0"),
        (["127.0.0.1/8"], "127.9.9.9"),
    ],
)
def test_an_address_in_the_networks_is_allowed(only, address):
    assert found(only, address) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "126.255.255.255",
        "128.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "::",
    ],
)
def test_another_address_is_refused_by_name_and_address(address):
    with pytest.raises(AddressRefused) as refused:
        found(LOOPBACK, address)
    assert str(refused.value) == f"a.example is at {address}, and only 127.0.0.0/8 may be connected to (guard.only)"


def test_of_many_addresses_only_the_allowed_ones_are_used_in_their_order():
    several = at("10.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "2606:4700::1", "1.1.1.1")
    assert Guard([], [], several).addresses("a.example", 80) == ["8.8.8.8", "2606:4700::1", "1.1.1.1"]
    assert Guard(["10.0.0.0/8", "1.0.0.0/8"], [], several).addresses("a.example", 80) == ["1.1.1.1"]
    with pytest.raises(AddressRefused, match=r"8\.8\.8\.8, 1\.1\.1\.1"):
        Guard(LOOPBACK, [], at("8.8.8.8", "1.1.1.1")).addresses("a.example", 80)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"]
)
def test_private_addresses_are_refused_unless_they_are_meant(address):
    plain = address.partition("%")[0]
    with pytest.raises(AddressRefused) as refused:
        found([], address, private=False)
    said = f"a.example is at {address}, which is private; if that is meant: -s guard.allow={plain}"
    assert (refused.value.kind, refused.value.detail) == ("guard", said)
    assert found([], address, private=True) == [address]
    assert found([], address, allow=["192.168.0.0/16", plain], private=False) == [address]


def test_a_network_that_is_allowed_is_no_way_around_the_only_ones():
    with pytest.raises(AddressRefused, match=r"guard\.only"):
        found(LOOPBACK, "10.0.0.1", allow=["10.0.0.0/8"])


def test_without_networks_every_public_address_is_allowed():
    assert Guard([], [], at("8.8.8.8", "2606:4700::1")).addresses("a.example", 80) == ["8.8.8.8", "2606:4700::1"]


@pytest.mark.parametrize("network", ["loopback", "127.0.0.0/33", "", "127.0.0.1:80"])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValueError, match="does not appear to be"):
        Guard([network])
    with pytest.raises(ValueError, match="does not appear to be"):
        Guard([], [network])


def test_the_system_resolves_literals_without_asking_anyone():
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert resolve("::1", 80) == ["::1"]


# -- connections -----------------------------------------------------------------------------------------------------


def test_an_allowed_host_is_fetched(host, connected, fetch):
    assert fetch(host.url + "/ok", allow=LOOPBACK).status == 200
    assert fetch(host.url + "/ok", route=PRIVATE).status == 200
    assert connected == [("127.0.0.1", host.port)] * 2


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "https://8.8.8.8/", "http://[2001:db8::1]/", "http://[::1]:1/", "http://0.0.0.0:1/"]
)
@pytest.mark.parametrize("route", [None, PRIVATE])
def test_an_address_outside_is_a_failure_and_no_connection(connected, fetch, url, route):
    outcome = fetch(url, route=route)
    assert (outcome.kind, connected) == ("guard", [])
    assert "guard.only" in outcome.detail


@pytest.mark.parametrize(
    "host_name",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "0",
    ],
)
def test_however_a_private_address_is_written_it_is_refused(host, connected, fetch, host_name):
    outcome = fetch(f"http://{host_name}:{host.port}/ok", only=())
    assert outcome.kind in ("guard", "dns"), outcome
    assert (connected, host.requests) == ([], [])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_outside_is_a_failure_and_no_connection(connected, fetch, scheme):
    outcome = fetch(f"{scheme}://inside.example/", at("8.8.8.8"))
    assert (outcome.kind, connected) == ("guard", [])
    assert outcome.detail.startswith("inside.example is at 8.8.8.8")


def test_a_name_is_resolved_once_and_connected_to_where_it_was_checked(host, connected, fetch):
    """A name that changes its mind after the check gains nothing."""
    resolver = at("127.0.0.1")
    outcome = fetch(f"http://a.example:{host.port}/ok", resolver, route=PRIVATE)
    assert outcome.status == 200
    assert resolver.asked == [("a.example", host.port)]
    assert connected == [("127.0.0.1", host.port)]
    assert f"Host: a.example:{host.port}" in host.requests[0][1]


def test_a_name_that_is_public_first_and_private_next_is_refused_the_second_time(host, client, connected, monkeypatch):
    monkeypatch.setattr("crawler.fetch.guard.is_private", lambda address: address != "127.0.0.1")
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    one = client(lambda host, port: next(answers), only=(), allow=())
    url = f"http://a.example:{host.port}"
    assert one.fetch(Order(1, url + "/until-close")).outcome.status == 200
    second = one.fetch(Order(2, url + "/ok")).outcome
    assert (second.kind, connected) == ("guard", [("127.0.0.1", host.port)])
    assert second.detail.startswith("a.example is at 127.0.0.2, which is private")


def test_the_next_allowed_address_is_tried_where_one_does_not_answer(host, connected, fetch):
    resolver = at("8.8.8.8", "127.0.0.9", "127.0.0.1", "127.0.0.8")  # the raw host listens at 127.0.0.1 only
    assert fetch(f"http://a.example:{host.port}/ok", resolver, route=PRIVATE).status == 200
    assert connected == [("127.0.0.9", host.port), ("127.0.0.1", host.port)]


def test_where_no_address_answers_the_last_one_is_told(host, connected, fetch):
    outcome = fetch(f"http://a.example:{host.port}/ok", at("127.0.0.9", "127.0.0.8"), route=PRIVATE)
    assert (outcome.kind, outcome.detail) == ("connect", "Connection refused")
    assert len(connected) == 2


def test_a_kept_connection_to_a_private_address_serves_only_those_who_may(host, client):
    one = client(only=(), allow=())
    for _ in range(2):
        assert one.fetch(Order(1, host.url + "/ok", route=PRIVATE)).outcome.status == 200
        assert one.fetch(Order(2, host.url + "/ok")).outcome.kind == "guard"
        assert one.fetch(Order(3, host.url + "/ok", route=Route())).outcome.kind == "guard"
    assert (host.connections, len(host.requests)) == (1, 2)


@pytest.fixture
def deaf():
    """`deaf(address, port)`: from now on nothing there answers, not even to a connection."""
    opened = []

    def fill(address, port):
        opened.append(socket.create_server((address, port), backlog=0))
        for _ in range(2):
            opened.append(socket.socket())
            opened[-1].setblocking(False)
            opened[-1].connect_ex((address, port))

    yield fill
    for one in opened:
        one.close()


def test_an_address_that_does_not_answer_costs_the_time_to_connect(host, fetch, deaf):
    deaf("127.0.0.9", host.port)
    limits = {"connect_timeout": 0.2, "route": PRIVATE}
    outcome = fetch(f"http://127.0.0.9:{host.port}/ok", **limits)
    assert (outcome.kind, outcome.detail) == ("timeout", "no connection within 0.2 s")
    assert fetch(f"http://a.example:{host.port}/ok", at("127.0.0.9", "127.0.0.1"), **limits).status == 200
    outcome = fetch(f"http://a.example:{host.port}/ok", at("127.0.0.9", "127.0.0.1"), timeout=0.1, **limits)
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.1 s")


# -- names that do not resolve -----------------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve_is_a_failure_of_dns(connected, fetch):
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    outcome = fetch("http://a.example/", unknown)
    assert (outcome.kind, outcome.detail, connected) == ("dns", "Name or service not known", [])


def test_a_resolver_that_hangs_is_not_waited_for_longer_than_the_deadline(connected, fetch):
    over = threading.Event()

    def hanging(host, port):
        over.wait(30)
        return ["127.0.0.1"]

    outcome = fetch("http://a.example/", hanging, timeout=0.2)
    over.set()
    assert outcome.seconds < 2
    assert (outcome.kind, outcome.detail, connected) == ("timeout", "no end after 0.2 s", [])


def test_a_resolver_may_take_its_time(host, fetch):
    resolver = at("127.0.0.1")
    pause = threading.Event()

    def slow(name, port):
        pause.wait(0.1)
        return resolver(name, port)

    assert isinstance(fetch(f"http://a.example:{host.port}/ok", slow, route=PRIVATE), Response)


def test_where_no_thread_is_to_be_had_no_place_is_lost(monkeypatch):
    def none(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("crawler.fetch.guard._MOST_RESOLVING", 1)
    guard = Guard([], [], at("8.8.8.8"))
    monkeypatch.setattr(watch, "until", time.monotonic() + 60)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        with pytest.raises(RuntimeError, match="new thread"):
            guard.addresses("a.example", 80)
    assert guard.addresses("a.example", 80) == guard.addresses("a.example", 80) == ["8.8.8.8"]


@pytest.mark.parametrize("answer", [[], ["nonsense"], ["127.1"]])
def test_what_a_resolver_should_not_say_leads_nowhere(connected, fetch, answer):
    outcome = fetch("http://a.example/", at(*answer), route=PRIVATE)
    assert (outcome.kind in ("guard", "invalid"), connected) == (True, []), outcome

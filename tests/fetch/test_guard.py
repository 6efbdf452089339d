"""The address guard: what counts is the address that would be connected to, and nothing is sent to others."""

import socket

import pytest

from crawler.fetch.guard import AddressRefused, Guard, resolve
from crawler.fetch.limits import FetchLimits
from crawler.fetch.requests_fetcher import Client
from crawler.response import Order

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
    return addresses


def fetch(url, only=LOOPBACK):
    client = Client(FetchLimits(only=tuple(only), read_timeout=2.0))
    try:
        return client.fetch(Order(1, url)).outcome
    finally:
        client.close()


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
    assert Guard(only, at(address)).address("a.example", 80) == address


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
        Guard(LOOPBACK, at(address)).address("a.example", 80)
    assert str(refused.value) == f"a.example is at {address}, and only 127.0.0.0/8 may be connected to (guard.only)"


def test_of_many_addresses_only_an_allowed_one_is_used():
    assert Guard(LOOPBACK, at("8.8.8.8", "127.0.0.2")).address("a.example", 80) == "127.0.0.2"
    with pytest.raises(AddressRefused, match=r"8\.8\.8\.8, 1\.1\.1\.1"):
        Guard(LOOPBACK, at("8.8.8.8", "1.1.1.1")).address("a.example", 80)


def test_without_networks_every_address_is_allowed():
    assert Guard([], at("8.8.8.8")).address("a.example", 80) == "8.8.8.8"
    assert Guard([], at("8.8.8.8", "::1")).address("a.example", 80) == "a.example"


@pytest.mark.parametrize("network", ["loopback", "127.0.0.0/33", "", "127.0.0.1:80"])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValueError, match="does not appear to be"):
        Guard([network])


def test_the_system_resolves_literals_without_asking_anyone():
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert resolve("::1", 80) == ["::1"]


def test_an_allowed_host_is_fetched(host, connected):
    assert fetch(host.url + "/ok").status == 200
    assert connected == [("127.0.0.1", host.port)]


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "https://8.8.8.8/", "http://[2001:db8::1]/", "http://[::1]:1/", "http://0.0.0.0:1/"]
)
def test_an_address_outside_is_a_failure_and_no_connection(connected, url):
    outcome = fetch(url)
    assert (outcome.kind, connected) == ("guard", [])
    assert "guard.only" in outcome.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_outside_is_a_failure_and_no_connection(connected, monkeypatch, scheme):
    monkeypatch.setattr("crawler.fetch.guard.resolve", at("8.8.8.8"))
    outcome = fetch(f"{scheme}://inside.example/")
    assert (outcome.kind, connected) == ("guard", [])
    assert outcome.detail.startswith("inside.example is at 8.8.8.8")


def test_a_name_is_resolved_once_and_connected_to_where_it_was_checked(host, connected, monkeypatch):
    """A name that changes its mind after the check gains nothing."""
    resolver = at("127.0.0.1")
    monkeypatch.setattr("crawler.fetch.guard.resolve", resolver)
    outcome = fetch(f"http://a.example:{host.port}/ok")
    assert outcome.status == 200
    assert resolver.asked == [("a.example", host.port)]
    assert connected == [("127.0.0.1", host.port)]
    assert f"Host: a.example:{host.port}" in host.requests[0][1]


def test_a_name_that_does_not_resolve_is_a_failure_of_dns(connected, monkeypatch):
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("crawler.fetch.guard.resolve", unknown)
    outcome = fetch("http://a.example/")
    assert (outcome.kind, outcome.detail, connected) == ("dns", "Name or service not known", [])

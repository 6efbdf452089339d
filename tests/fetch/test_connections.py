"""Connections: TLS with its faults, and which order may use which one again."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from crawler.response import Order, Response, Route

UNVERIFIED = Route(verify=False)


def ask(client, host, route=None, path="/ok", **order):
    return client.fetch(Order(1, host.url + path, route=route, **order)).outcome


# -- TLS -------------------------------------------------------------------------------------------------------------


def test_a_certificate_of_a_trusted_authority_is_accepted(tls_host, client, trusted):
    host, one = tls_host(trusted.issue_cert("127.0.0.1")), client()
    for _ in range(3):
        assert ask(one, host).body == b"<p>hello</p>"
    assert host.connections == 1


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        (lambda trusted: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        (lambda trusted: trusted.issue_cert("127.0.0.1", not_after=YESTERDAY), "certificate has expired"),
        (lambda trusted: trusted.issue_cert("a.example"), "IP address mismatch"),
    ],
    ids=["unknown", "expired", "other host"],
)
def test_a_certificate_that_proves_nothing_is_a_failure_of_tls(tls_host, client, trusted, certificate, detail):
    host, one = tls_host(certificate(trusted)), client()
    outcome = ask(one, host)
    assert outcome.kind == "tls"
    assert detail in outcome.detail
    assert host.requests == []
    assert ask(one, host, UNVERIFIED).body == b"<p>hello</p>"
    assert ask(client(verify=False), host).body == b"<p>hello</p>"


def test_the_host_of_the_url_is_the_one_that_is_verified(tls_host, client, trusted):
    host = tls_host(trusted.issue_cert("a.example"))
    one = client(lambda name, port: ["127.0.0.1"])
    assert isinstance(one.fetch(Order(1, f"https://a.example:{host.port}/ok")).outcome, Response)
    outcome = one.fetch(Order(2, f"https://b.example:{host.port}/ok")).outcome
    assert outcome.kind == "tls"
    assert "b.example" in outcome.detail


def test_a_self_signed_certificate_is_a_failure_of_tls(tls_host, client, authority):
    host = tls_host(authority.issue_cert("127.0.0.1"))  # nobody trusts it here
    assert ask(client(), host).kind == "tls"
    assert host.requests == []


@pytest.mark.parametrize("first", [None, UNVERIFIED])
def test_an_unverified_connection_never_serves_a_verified_order_nor_the_other_way_round(
    tls_host, client, trusted, first
):
    host, one = tls_host(trusted.issue_cert("127.0.0.1")), client()
    second = UNVERIFIED if first is None else None
    for _ in range(2):
        for route in (first, second):
            assert isinstance(ask(one, host, route), Response)
    assert [number for number, _, _ in host.requests] == [1, 2, 1, 2]


def test_verify_false_for_all_is_not_undone_by_a_route(tls_host, client, authority):
    host = tls_host(authority.issue_cert("127.0.0.1"))
    assert isinstance(ask(client(verify=False), host, Route()), Response)


def test_plain_http_to_a_port_of_tls_is_a_failure(tls_host, client, authority):
    host = tls_host(authority.issue_cert("127.0.0.1"))
    outcome = client().fetch(Order(1, host.url.replace("https", "http") + "/ok")).outcome
    assert outcome.kind in ("protocol", "reset")


def test_a_body_that_ends_with_its_tls_connection_is_whole_and_one_that_is_cut_is_not(tls_host, client, trusted):
    """Without the last word of TLS, which many hosts leave out."""
    host, one = tls_host(trusted.issue_cert("127.0.0.1")), client()
    for _ in range(2):
        assert ask(one, host, path="/until-close").body == b"<p>hello</p>"
        assert ask(one, host, path="/short").kind == "partial"
        assert ask(one, host, path="/cut-chunks").kind == "partial"


@pytest.mark.parametrize("path", ["/drip", "/head-drip"])
def test_the_total_time_holds_behind_tls(tls_host, client, trusted, path):
    host, one = tls_host(trusted.issue_cert("127.0.0.1")), client(timeout=0.3, read_timeout=10.0)
    assert isinstance(ask(one, host), Response)
    outcome = ask(one, host, path=path)
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.3 s")
    assert outcome.seconds < 2
    assert host.connections == 1


def test_the_total_time_holds_for_a_handshake_of_single_bytes(client, host):
    host.drips_tls = True
    one = client(timeout=0.3, read_timeout=10.0, connect_timeout=10.0)
    outcome = one.fetch(Order(1, f"https://127.0.0.1:{host.port}/")).outcome
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.3 s")
    assert outcome.seconds < 2


def test_the_total_time_holds_while_a_host_does_not_read(client, host):
    """A body larger than what the system takes in advance, to a host that never reads it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = client(timeout=0.3, read_timeout=10.0, connect_timeout=10.0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        outcome = one.fetch(Order(1, url, "POST", body=bytes(20_000_000))).outcome
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.3 s")
    assert outcome.seconds < 2


# -- kept connections --------------------------------------------------------------------------------------------------


def test_connections_of_hosts_not_asked_for_long_are_closed(host, client, monkeypatch, wait_until):
    monkeypatch.setattr("crawler.fetch.connections._MOST_HOSTS", 6)
    monkeypatch.setattr("crawler.fetch.curl_fetcher._MOST_KEPT", 6)
    one = client(lambda name, port: ["127.0.0.1"])
    for number in range(20):
        assert isinstance(one.fetch(Order(1, f"http://h{number}.example:{host.port}/ok")).outcome, Response)
        assert isinstance(one.fetch(Order(1, f"http://often.example:{host.port}/ok")).outcome, Response)
    assert host.connections == 21  # `often` has kept its own
    wait_until(lambda: len(host._open) <= 6)
    one.close()
    wait_until(lambda: not host._open)

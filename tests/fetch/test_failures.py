"""From exceptions to the kind of a failure and one plain line about it."""

import http.client
import socket
import ssl

import pytest
import urllib3.exceptions as u
from requests import exceptions as r

from crawler.fetch.failures import kind_of
from crawler.fetch.faults import Fault
from crawler.fetch.guard import AddressRefused


def wrapped(error):
    """As urllib3 and requests hand it on: in the arguments of others."""
    return r.ConnectionError(u.MaxRetryError(None, "/", u.ProtocolError("Connection aborted.", error)))


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped])
@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "reset", "Connection reset by peer"),
        (BrokenPipeError(32, "Broken pipe"), "reset", "Broken pipe"),
        (ConnectionRefusedError(111, "Connection refused"), "connect", "Connection refused"),
        (OSError(113, "No route to host"), "connect", "No route to host"),
        (socket.gaierror(-2, "Name or service not known"), "dns", "Name or service not known"),
        (TimeoutError("timed out"), "timeout", "timed out"),
        (ssl.SSLCertVerificationError(1, "certificate has expired"), "tls", "certificate has expired"),
        (http.client.IncompleteRead(b"abc", 7), "partial", "the body is not complete"),
        (u.DecodeError("failed to decode it"), "partial", "failed to decode it"),
        (AddressRefused("a.example is at 8.8.8.8"), "guard", "a.example is at 8.8.8.8"),
    ],
)
def test_the_cause_decides_however_it_is_wrapped(wrap, error, kind, line):
    if wrap is wrapped and kind == "connect" and not isinstance(error, ConnectionRefusedError):
        kind = "protocol"  # a bare OSError in the middle of an exchange
    assert kind_of(wrap(error)) == (kind, line)


@pytest.mark.parametrize(
    "error", [r.InvalidURL("no host"), r.InvalidHeader("bad"), u.LocationParseError("x"), ValueError("x")]
)
def test_what_cannot_be_sent_is_invalid(error):
    assert kind_of(error)[0] == "invalid"


def test_the_cause_may_stand_in_the_chain_of_exceptions():
    error = RuntimeError("outer")
    error.__context__ = OSError("between")
    error.__context__.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    assert kind_of(error) == ("reset", "Connection reset by peer")


def test_a_circle_of_causes_ends():
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    assert kind_of(one) == ("error", "one")


def test_addresses_of_objects_and_long_texts_are_left_out():
    kind, line = kind_of(u.ProtocolError("<HTTPConnection object at 0x7f00>: " + "long\n" * 1000))
    assert kind == "protocol"
    assert "HTTPConnection" not in line
    assert "\n" not in line
    assert len(line) <= 300


def test_an_exception_without_words_is_told_by_its_name():
    assert kind_of(KeyError()) == ("error", "KeyError")


def test_an_exception_that_cannot_be_written_is_told_by_its_name():
    class OddError(Exception):
        def __str__(self):
            raise RuntimeError("not even this")

    assert kind_of(OddError()) == ("error", "OddError")


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped])
def test_a_fault_is_what_it_says_however_it_is_wrapped(wrap):
    assert kind_of(wrap(Fault("too_large", "a bomb"))) == ("too_large", "a bomb")


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("Tunnel connection failed: 407 Proxy Authentication Required", "invalid", "407 Proxy Authentication Required"),
        ("Tunnel connection failed: 502 Bad Gateway", "connect", "502 Bad Gateway"),
        ("Tunnel connection failed: 999 ", "connect", "999"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_told_by_its_answer(text, kind, line):
    assert kind_of(wrapped(OSError(text))) == (kind, f"the proxy said {line}")


@pytest.mark.parametrize("wrap", [RuntimeError, lambda text: Fault("connect", text), OSError])
def test_no_user_or_password_and_no_control_character_is_told(wrap):
    text = "no way to http://me:secret@proxy.example:1/ or socks5://me@h\x1b[2J\0"
    assert kind_of(wrap(text))[1] == "no way to http://***@proxy.example:1/ or socks5://***@h?[2J?"


def test_an_answer_with_two_lengths_is_no_fault_of_the_request():
    error = r.InvalidHeader(u.InvalidHeader("Content-Length contained multiple unmatching values (5, 6)"))
    assert kind_of(error)[0] == "protocol"

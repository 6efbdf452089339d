"""From the exceptions of `requests`, `urllib3` and the standard library to a `FailureKind`."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator

import urllib3.exceptions as u
from requests import exceptions as r

from crawler.fetch.faults import Fault, clean
from crawler.response import Failure, FailureKind, Order

# The first entry that matches anything in the chain of causes decides: the specific ones stand first.
_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], FailureKind], ...] = (
    (http.client.LineTooLong, "too_large"),
    (u.InvalidHeader, "protocol"),  # of an answer; `requests` uses the same words for a request
    ((r.InvalidURL, r.MissingSchema, r.InvalidSchema, r.InvalidHeader, u.LocationParseError), "invalid"),
    ((socket.gaierror, u.NameResolutionError), "dns"),
    ((r.SSLError, u.SSLError, ssl.SSLError), "tls"),
    # urllib3 derives "could not connect" from "timed out while connecting"; what really timed out is a TimeoutError.
    ((ConnectionRefusedError, u.NewConnectionError), "connect"),
    ((r.Timeout, u.TimeoutError, TimeoutError), "timeout"),
    ((http.client.IncompleteRead, u.InvalidChunkLength, u.DecodeError, r.ContentDecodingError), "partial"),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), "reset"),
    ((u.ProtocolError, r.ChunkedEncodingError, u.HTTPError, r.ConnectionError), "protocol"),
    ((ValueError, UnicodeError), "invalid"),
    (MemoryError, "worker"),  # a new process may have room for it
    (OSError, "connect"),
)


# What the libraries say, host, port and object addresses included, and what of it helps: equal failures of many hosts
# are told by one line of the report.
_SAYINGS = tuple(
    (re.compile(pattern, re.DOTALL), saying)
    for pattern, saying in (
        (r"\(connect timeout=([\d.]+)\)", "no connection within {} s"),
        (r"\(read timeout=([\d.]+)\)", "no answer within {} s"),
        (r"Read timed out\.", "the answer stopped in the middle"),
        (r"InvalidChunkLength\(", "broken chunks"),
        (r"got more than (\d+) bytes when reading ([\w ]+)", "more than {} bytes of {}"),
        (r"IncompleteRead\(", "the body is not complete"),
        (r"BadStatusLine\(['\"](.*?)(?:\\r|\\n|['\"])", "not HTTP: {}"),
        (r"'Connection aborted\.', \w+\(['\"](.*)['\"]\)", "{}"),
    )
)
# An offline test says which answers there are: what it leaves out does not pass, and is no fault of a host.
_NOT_MOCKED = "Connection refused by Responses"
_NO_LENGTH = "integer string conversion"  # of Python, for numbers of thousands of digits
_TUNNEL = re.compile(r"Tunnel connection failed: (\d+) ?([^'\"\\)]*)")
_SYSTEM = re.compile(r"^\[SSL[^]]*\] | \(_ssl\.c:\d+\)$")


def failure_of(order: Order, started: float, error: BaseException) -> Failure:
    """What went wrong with an order, from the exception that says so."""
    kind, detail = kind_of(error)
    return Failure(order.url, kind, detail, time.monotonic() - started)


def kind_of(error: BaseException) -> tuple[FailureKind, str]:
    """The kind of a failure and one plain line about it, from an exception and everything that caused it."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, Fault):
            return cause.kind, clean(cause.detail)
    if _text(error).startswith(_NOT_MOCKED):
        return "invalid", "no answer is registered for it with `responses`"
    if any(_NO_LENGTH in _text(cause) for cause in chain):
        return "protocol", "Content-Length is no number that anything could have"
    if refusal := next(filter(None, map(_TUNNEL.search, map(_text, chain))), None):
        return ("invalid" if refusal[1] == "407" else "connect"), clean(f"the proxy said {refusal[1]} {refusal[2]}")
    for kinds, kind in _KINDS:
        for cause in chain:
            if isinstance(cause, kinds):
                return kind, clean(_line(chain, cause))
    return "error", clean(_line(chain, error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it wraps in its arguments (as urllib3 and requests do), and what it was raised from."""
    waiting: list[object] = [error]
    known: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in known:
            known.add(id(one))
            yield one
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]


def _line(chain: list[BaseException], cause: BaseException) -> str:
    """The innermost plain message: wrappers repeat object addresses and pools that help nobody."""
    system = next(
        (e for e in chain if isinstance(e, OSError) and e.strerror and type(e).__module__ != "requests"), None
    )
    if system is not None:
        return _SYSTEM.sub("", str(system.strerror))
    for text in map(_text, (cause, *chain)):
        for pattern, saying in _SAYINGS:
            if match := pattern.search(text):
                return saying.format(*match.groups())
    return _text(cause).rsplit("object at 0x", 1)[-1].strip() or type(cause).__name__


def _text(error: BaseException) -> str:
    """What an exception says, which may be nothing: its `__str__` can raise."""
    try:
        return str(error)
    except Exception:
        return ""

"""How long and how much: the deadline and the bytes of the order that a thread works on, kept by its sockets.

Each operation of a socket may take what it was given, or what is left of the deadline if that is less. Whose deadline
that is follows from the thread, not from the connection, so a connection that is used again has the right one. Names
that do not resolve are waited for in another thread (`guard.py`). What remains is what the machine itself does.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from typing import Any

from crawler.fetch.faults import Fault

_timeout_of = socket.socket.gettimeout
_set_timeout = socket.socket.settimeout


class _Watch(threading.local):
    """Of the order this thread works on: its end in seconds of `time.monotonic`, the bytes that came and may come."""

    until = math.inf
    came = 0
    most = math.inf
    too_many = ""


watch = _Watch()


def left() -> float:
    """Seconds this thread's order has left. Raises `TimeoutError` if there are none."""
    seconds = watch.until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


class Timed(socket.socket):
    """A socket whose operations end at the deadline of their thread's order, and that counts what it received."""

    def bound(self) -> None:
        """Let the next operation end at the deadline. Raises `TimeoutError` if it has passed."""
        seconds = watch.until - time.monotonic()
        timeout = _timeout_of(self)
        if timeout is None or seconds < timeout:
            if seconds <= 0:
                raise TimeoutError("the deadline has passed")
            if seconds < math.inf:
                _set_timeout(self, seconds)

    def recv_into(self, *args: Any) -> int:
        self.bound()
        number = super().recv_into(*args)
        _count(number)
        return number

    def recv(self, *args: Any) -> bytes:
        self.bound()
        data = super().recv(*args)
        _count(len(data))
        return data

    def send(self, *args: Any) -> int:
        self.bound()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        self.bound()
        super().sendall(*args)


class TimedTLS(Timed, ssl.SSLSocket):
    """The same with TLS: the library's handshake, its reads and its writes each have one timeout for all they do."""

    def do_handshake(self, block: bool = False) -> None:
        self.bound()
        super().do_handshake(block)


def _count(number: int) -> None:
    watch.came = came = watch.came + number
    if came > watch.most:
        raise Fault("too_large", watch.too_many)

"""The sockets of libcurl: one wait for those of all multi handles, and when each wants to be called again.

libcurl's "multi socket" interface: it says which sockets it waits for and until when, and is told what happened.
"""

from __future__ import annotations

import math
import os
import select
import socket
import time
from contextlib import suppress
from typing import Any

import pycurl

_IN, _OUT, _GONE = 1, 4, 8 | 16  # the same numbers in epoll and in poll


class Multi:
    """One multi handle of libcurl: transfers, the connections they leave behind, TLS sessions.

    What its transfers may connect to is the same for all, so that each may use the connections of another.
    """

    def __init__(self, sockets: Sockets, most_kept: int) -> None:
        self.timer = math.inf  # when libcurl wants to be called, in seconds of `time.monotonic`
        self._sockets = sockets
        self._masks: dict[int, int] = {}
        self.handle = handle = pycurl.CurlMulti()
        handle.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        handle.setopt(pycurl.M_TIMERFUNCTION, self._call)
        handle.setopt(pycurl.M_MAXCONNECTS, most_kept)
        handle.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        sockets.multis.append(self)

    def close(self) -> None:
        """Close all connections."""
        self._sockets.multis.remove(self)
        self.handle.close()
        for number in self._masks:
            self._sockets.forget(number)

    def _watch(self, what: int, number: int, multi: Any, data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if self._masks.pop(number, 0):
                self._sockets.forget(number)
            return
        mask = _IN if what == pycurl.POLL_IN else _OUT if what == pycurl.POLL_OUT else _IN | _OUT
        self._sockets.watch(number, mask, self, number in self._masks)
        self._masks[number] = mask

    def _call(self, milliseconds: int) -> None:
        self.timer = math.inf if milliseconds < 0 else time.monotonic() + milliseconds / 1000


class Sockets:
    """All sockets of one thread, and a way for others to wake it."""

    def __init__(self) -> None:
        self.multis: list[Multi] = []
        self._owners: dict[int, Multi] = {}
        self._poll: Any = select.epoll() if hasattr(select, "epoll") else _Poll()
        self._heard, self._speak = socket.socketpair()
        self._heard.setblocking(False)
        self._speak.setblocking(False)
        self._poll.register(self._heard.fileno(), _IN)

    def watch(self, number: int, mask: int, owner: Multi, known: bool) -> None:
        if known:
            self._poll.modify(number, mask)
        else:
            self._poll.register(number, mask)
            self._owners[number] = owner

    def forget(self, number: int) -> None:
        self._owners.pop(number, None)
        with suppress(OSError, KeyError):  # it may be closed already
            self._poll.unregister(number)

    def turn(self, wait: float) -> None:
        """Wait up to `wait` seconds for something to happen, and let libcurl do what there is to do."""
        now = time.monotonic()
        for multi in self.multis:
            wait = min(wait, multi.timer - now)
        events = self._poll.poll(max(0.0, wait))
        for number, mask in events:
            owner = self._owners.get(number)
            if owner is not None:
                what = (pycurl.CSELECT_IN if mask & (_IN | _GONE) else 0) | (pycurl.CSELECT_OUT if mask & _OUT else 0)
                owner.handle.socket_action(number, what)
            elif number == self._heard.fileno():
                with suppress(BlockingIOError):
                    self._heard.recv(4096)
        self.kick()

    def kick(self) -> None:
        """Let libcurl do what it has timed for now, such as beginning with a transfer that was added."""
        now = time.monotonic()
        for multi in self.multis:
            if multi.timer <= now:
                multi.timer = math.inf
                multi.handle.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def wake(self) -> None:
        """End the wait of `turn`. From any thread."""
        with suppress(OSError):
            self._speak.send(b"x")

    def close(self) -> None:
        for multi in list(self.multis):
            multi.close()
        if hasattr(self._poll, "close"):
            self._poll.close()
        self._heard.close()
        self._speak.close()


class _Poll:
    """`select.poll`, with the methods and seconds of `select.epoll`."""

    def __init__(self) -> None:
        poll = select.poll()
        self.register, self.modify, self.unregister = poll.register, poll.modify, poll.unregister
        self._poll = poll

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        return self._poll.poll(math.ceil(seconds * 1000))


def hang_up(number: int) -> None:
    """Shut down a socket of libcurl, so that the connection is not used again."""
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
        connection.shutdown(socket.SHUT_RDWR)

"""Threads of the parent that go on while the main thread reads a page: the watchdog, and whoever tells the numbers.

They change nothing themselves. What they find goes into the inbox of the loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from crawler.engine.changes import Change
from crawler.errors import RoomLost
from crawler.pool.lane import Fault, Inbox, Lane

_GAP = 2.0  # a thread that wakes so much too late was not alone in that: nothing ran


class RoomFault:
    """Put into the inbox by whoever finds that the control room `room` does not answer any more."""

    __slots__ = ("room",)

    def __init__(self, room: object) -> None:
        self.room = room


class Ticker:
    """Calls `act` every `seconds`, in a thread of its own, until `stop`."""

    def __init__(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        self._seconds = seconds
        self._act = act
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait long: a call that hangs is left alone."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(0.2)

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._act()


class Watchdog:
    """Looks at the workers: who is gone, who is silent. Each fault is told once."""

    def __init__(self, lanes: Iterable[Lane], inbox: Inbox, seconds: float = 0.25) -> None:
        self._lanes = lanes
        self._inbox = inbox
        self._seconds = seconds
        self._told: set[Lane] = set()
        self._last = time.monotonic()

    def look(self) -> None:
        """One look at all lanes. Called every `seconds`."""
        now = time.monotonic()
        gap = now - self._last - self._seconds
        self._last = now
        lanes = tuple(self._lanes)
        self._told.intersection_update(lanes)
        for lane in lanes:
            if gap > _GAP:
                lane.excuse(gap)
            if lane not in self._told and (reason := lane.fault()):
                self._told.add(lane)
                self._inbox.put(Fault(lane, reason))


class Room(Protocol):
    """The control room as the crawl itself uses it."""

    def publish(self, numbers: dict[str, Any]) -> list[tuple[int, str, Any, str]]: ...

    def answer(self, number: int, refusal: str) -> None: ...


class Noticeboard:
    """Tells the control room the live numbers, and the loop what was asked for there, or that the room is lost."""

    def __init__(self, room: Callable[[], Room], numbers: Callable[[], dict[str, Any]], inbox: Inbox) -> None:
        self._room = room
        self._numbers = numbers
        self._inbox = inbox
        self._lost: Room | None = None

    def look(self) -> None:
        """Called twice a second."""
        room = self._room()
        if room is self._lost:
            return  # the loop knows, and is about to open another one
        try:
            wishes = room.publish(self._numbers())
        except RoomLost:
            self._lost = room
            self._inbox.put(RoomFault(room))
            return
        for number, setting, value, host in wishes:
            self._inbox.put(Change(setting, value, host, partial(_answer, room, number)))


def _answer(room: Room, number: int, refusal: str) -> None:
    with suppress(RoomLost):
        room.answer(number, refusal)

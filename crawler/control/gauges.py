"""Gauges: a few shared numbers per worker, and the level of the switch. Raw memory, no locks.

Each row has exactly one writer, so a torn value cannot last, and a killed writer leaves nothing locked.
"""

from __future__ import annotations

import time
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any

_FIELDS = 4  # heartbeat (time.monotonic), requests, bytes, in flight


class Row:
    """The gauges of one worker, written by it alone."""

    def __init__(self, cells: Any, start: int) -> None:
        self._cells = cells
        self._start = start

    def begin(self, orders: int) -> None:
        """Say "alive" and that so many orders were taken, before anything is done with them."""
        self._cells[self._start + 3] += orders
        self._cells[self._start] = time.monotonic()

    def beat(self, requests: int, size: int) -> None:
        """Say "alive" and add what has been fetched since the last time."""
        self._cells[self._start] = time.monotonic()
        self._cells[self._start + 1] += requests
        self._cells[self._start + 2] += size
        self._cells[self._start + 3] -= requests

    def busy(self, seconds: float) -> None:
        """Say "alive" for the next `seconds`: nobody comes to say it again while a page is read."""
        self._cells[self._start] = time.monotonic() + seconds

    def renew(self) -> None:
        """A new worker begins with nothing in flight, and has said nothing; what was counted before it stays."""
        self._cells[self._start] = 0.0
        self._cells[self._start + 3] = 0

    @property
    def heartbeat(self) -> float:
        return float(self._cells[self._start])

    @property
    def requests(self) -> int:
        return int(self._cells[self._start + 1])

    @property
    def size(self) -> int:
        return int(self._cells[self._start + 2])

    @property
    def in_flight(self) -> int:
        return int(self._cells[self._start + 3])


class Gauges:
    """The shared memory of a run. Crosses to a child only as an argument of its start.

    `context` is None for a crawl without child processes.
    """

    def __init__(self, rows: int, context: BaseContext | None = None) -> None:
        self._cells: Any = context.RawArray("d", rows * _FIELDS) if context else RawArray("d", rows * _FIELDS)
        self.level: Any = context.RawValue("i", 0) if context else RawValue("i", 0)

    def row(self, number: int) -> Row:
        return Row(self._cells, number * _FIELDS)

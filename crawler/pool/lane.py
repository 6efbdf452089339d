"""A lane: a pool of one worker, and what the parent knows of it.

The job given to the worker is an exchange: hand in new orders, take back whatever has finished.
An idle lane has no call out, a busy one exactly one; every order settles exactly once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue

from crawler.protocols import Pool
from crawler.request import Request
from crawler.response import Batch, Landing, Order

# exchange(lane_key, orders, linger) -> Batch, run in the worker
Exchange = Callable[[str, tuple[Order, ...], float], Batch]

_SILENCE = 15.0  # seconds a call may be late before its worker counts as stopped


class Arrival:
    """What the result thread puts into the inbox: a lane, and its batch or the error that came instead."""

    __slots__ = ("batch", "error", "lane")

    def __init__(self, lane: Lane, batch: Batch = (), error: BaseException | None = None) -> None:
        self.lane = lane
        self.batch = batch
        self.error = error


Inbox = SimpleQueue[Arrival | None]  # None only wakes the reader


class Lane:
    """One worker as the engine sees it. `in_flight` maps tokens to the requests they stand for."""

    def __init__(self, number: int, key: str, pool: Pool, exchange: Exchange, inbox: Inbox, linger: float) -> None:
        self.number = number
        self.key = key
        self.pool = pool
        self.in_flight: dict[int, Request] = {}
        self._exchange = exchange
        self._inbox = inbox
        self._linger = linger
        self._orders: list[Order] = []
        self._called_at: float | None = None
        self._answered = False  # the answer lies in the inbox: a parent that is slow to look is no silence

    def __len__(self) -> int:
        return len(self.in_flight)

    def give(self, order: Order, request: Request) -> None:
        """Take an order for the next exchange."""
        self.in_flight[order.token] = request
        self._orders.append(order)

    def call(self) -> None:
        """Start an exchange if none is out and there is something to hand in or to wait for."""
        if self._called_at is not None or not self.in_flight:
            return
        orders, self._orders = tuple(self._orders), []
        self._called_at = time.monotonic()
        self._answered = False
        self.pool.apply_async(
            self._exchange, (self.key, orders, self._linger), callback=self._landed, error_callback=self._broke
        )

    def settle(self, arrival: Arrival) -> list[tuple[Request, Landing]]:
        """The requests that came back with an arrival. A token that is not in flight is a late twin and ignored."""
        self._called_at = None
        settled = []
        for landing in arrival.batch:
            request = self.in_flight.pop(landing.token, None)
            if request is not None:
                settled.append((request, landing))
        return settled

    def fault(self) -> str:
        """What is wrong with the worker ("killed by signal 9", "silent for 15 s"), or "" if nothing is."""
        death = self.pool.death()
        if death:
            return death
        if (
            self._called_at is not None
            and not self._answered
            and time.monotonic() - self._called_at > self._linger + _SILENCE
        ):
            return f"silent for {_SILENCE:.0f} s"
        return ""

    def abandon(self) -> list[Request]:
        """Throw the worker away; the requests it had."""
        self.pool.abandon()
        lost = list(self.in_flight.values())
        self.in_flight.clear()
        self._orders.clear()
        self._called_at = None
        return lost

    def close(self, timeout: float) -> None:
        """Let the worker leave by itself, for at most `timeout` seconds."""
        self.pool.close(timeout)

    # Both run on the pool's result thread, where an exception would be the end of all results: no more than a put.
    def _landed(self, batch: Batch) -> None:
        self._answered = True
        self._inbox.put(Arrival(self, batch))

    def _broke(self, error: BaseException) -> None:
        self._answered = True
        self._inbox.put(Arrival(self, error=error))

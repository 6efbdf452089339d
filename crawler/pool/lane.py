"""A lane: a pool of one worker, and what the parent knows of it.

The job given to the worker is an exchange: hand in new orders, take back whatever has finished.
An idle lane has no call out, a busy one has one, and a second one follows it where the worker would stand still until
the first one's report has been read. Every order settles exactly once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from crawler.protocols import Pool
from crawler.request import Request
from crawler.response import Batch, Landing, Order

# exchange(lane_key, orders, linger) -> Batch, run in the worker
Exchange = Callable[[str, tuple[Order, ...], float], Batch]


_BUSY = 8  # landings in the last report, and orders with the worker, from which on it has something to do at once


class Arrival:
    """What the result thread puts into the inbox: a lane, and its batch or the error that came instead."""

    __slots__ = ("batch", "error", "lane")

    def __init__(self, lane: Lane, batch: Batch = (), error: BaseException | None = None) -> None:
        self.lane = lane
        self.batch = batch
        self.error = error


class Fault:
    """What the watchdog puts into the inbox: a lane whose worker is gone or silent, and how."""

    __slots__ = ("lane", "reason")

    def __init__(self, lane: Lane, reason: str) -> None:
        self.lane = lane
        self.reason = reason


Inbox = SimpleQueue[object]  # an Arrival, a Fault, or something that others ask of the loop; None only wakes the reader


class Gauge(Protocol):
    """What a worker writes into shared memory."""

    @property
    def heartbeat(self) -> float: ...


class Lost(NamedTuple):
    """The requests of an abandoned lane: those that its worker had begun with, and since when; and all others."""

    begun: list[tuple[Request, float]]
    others: list[Request]


class Lane:
    """One worker as the engine sees it. `in_flight` maps tokens to the requests they stand for.

    - `linger`: seconds an exchange waits for something to be done.
    - `silence`: seconds a call may be late, and the worker not beat, before it counts as stopped.
    - `one_at_a_time`: hand in the next order only when the last one is settled, so that a death has one cause.
    - `stands_still`: whether the worker does nothing between two exchanges.
    """

    def __init__(
        self,
        number: int,
        key: str,
        pool: Pool,
        exchange: Exchange,
        inbox: Inbox,
        linger: float,
        gauge: Gauge,
        silence: float = 10.0,
        one_at_a_time: bool = False,
        stands_still: bool = False,
    ) -> None:
        self.number = number
        self.key = key
        self.pool = pool
        self.in_flight: dict[int, Request] = {}
        self.is_gone = False
        self._exchange = exchange
        self._inbox = inbox
        self._linger = linger
        self._gauge = gauge
        self._silence = silence
        self._one_at_a_time = one_at_a_time
        self._most_calls = 2 if stands_still and not one_at_a_time else 1
        self._orders: list[Order] = []
        self._handed: dict[int, tuple[int, float]] = {}  # the tokens that the worker has, in which call, and since when
        self._called = 0  # calls so far,
        self._answered = 0  # those whose answer lies in the inbox: a parent that is slow to look is no silence,
        self._settled = 0  # and those whose answer was looked at
        self._since = 0.0  # when the oldest call without an answer could begin
        self._excused = 0.0  # seconds in which nobody ran, since then
        self._came = 0  # landings in the last report

    def __len__(self) -> int:
        return len(self.in_flight)

    def give(self, order: Order, request: Request) -> None:
        """Take an order for the next exchange."""
        self.in_flight[order.token] = request
        self._orders.append(order)

    def call(self) -> None:
        """Start an exchange if none is out and there is something to hand in or to wait for.

        A second one does not linger: it is for a worker that has landings to go on with.
        """
        out = self._called - self._settled
        if out >= self._most_calls or not self.in_flight:
            return
        if out and (self._came < _BUSY or len(self._handed) < _BUSY):
            return
        most = len(self._orders)
        if self._one_at_a_time:
            most = 0 if self._handed else 1
        orders, self._orders = tuple(self._orders[:most]), self._orders[most:]
        now = time.monotonic()
        if self._called == self._answered:
            self._since = now
            self._excused = 0.0
        self._called += 1
        for order in orders:
            self._handed[order.token] = self._called, now
        linger = 0.0 if out else self._linger
        self.pool.apply_async(
            self._exchange, (self.key, orders, linger), callback=self._landed, error_callback=self._broke
        )

    def settle(self, arrival: Arrival) -> list[tuple[Request, Landing]]:
        """The requests that came back with an arrival. A token that is not in flight is a late twin and ignored."""
        self._settled += 1
        self._came = len(arrival.batch)
        settled = []
        for landing in arrival.batch:
            request = self.in_flight.pop(landing.token, None)
            if request is not None:
                self._handed.pop(landing.token, None)
                settled.append((request, landing))
        return settled

    def fault(self) -> str:
        """What is wrong with the worker ("killed by signal 9", "silent for 10 s"), or "" if nothing is."""
        death = self.pool.death()
        if death:
            return death
        if self._called == self._answered:
            return ""
        quiet = time.monotonic() - max(self._since, self._gauge.heartbeat) - self._excused
        return f"silent for {self._silence:g} s" if quiet > self._linger + self._silence else ""

    def excuse(self, seconds: float) -> None:
        """Nothing of this crawl ran for so long (Ctrl-Z, a suspended machine): that is nobody's silence."""
        self._excused += seconds

    def abandon(self) -> Lost:
        """Throw the worker away; the requests it had."""
        self.pool.abandon()
        self.is_gone = True
        beat = self._gauge.heartbeat
        lost = Lost([], [])
        for token, request in self.in_flight.items():
            call, handed = self._handed.get(token, (math.inf, 0.0))
            # The last beat may be that of the end of one call, and say nothing about the next one. Without any the
            # worker did not even start, and has an error for an answer.
            if call <= self._answered + 1 and beat >= (handed if call <= self._answered else self._since):
                lost.begun.append((request, handed))
            else:
                lost.others.append(request)
        self.in_flight.clear()
        self._handed.clear()
        self._orders.clear()
        self._settled = self._answered = self._called
        return lost

    def close(self, timeout: float) -> None:
        """Let the worker leave by itself, for at most `timeout` seconds."""
        self.is_gone = True
        self.pool.close(timeout)

    # Both run on the pool's result thread, where an exception would be the end of all results: no more than a put.
    def _landed(self, batch: Batch) -> None:
        self._answer()
        self._inbox.put(Arrival(self, batch))

    def _broke(self, error: BaseException) -> None:
        self._answer()
        self._inbox.put(Arrival(self, error=error))

    def _answer(self) -> None:
        self._since = time.monotonic()
        self._excused = 0.0
        self._answered += 1

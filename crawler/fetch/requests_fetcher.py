"""Many orders at once: `requests` in threads, grown on demand, and one after the other for the inline pool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread

from crawler.fetch.client import Client
from crawler.fetch.failures import failure_of
from crawler.fetch.gaps import Gaps, host_in
from crawler.fetch.guard import Resolver
from crawler.fetch.limits import FetchLimits
from crawler.fetch.threads import Throttle
from crawler.response import Batch, Failure, Landing, Order, Response

__all__ = ["Client", "Failure", "InlineFetcher", "RequestsFetcher"]

_MOST_OUTCOMES = 64  # a report is never longer than this,
_MOST_BYTES = 768 << 10  # nor much heavier: what fits into the pipe is handed over in one go
_HELD_BYTES = 64 << 20  # with so much waiting to be collected, nothing new is started
_STUCK = 0.5  # seconds without an answer after which a thread is not counted as working
_STEP = 0.01  # seconds between looks at the number of threads while requests wait


class RequestsFetcher:
    """Many orders at once, in threads. Implements `protocols.Fetcher`."""

    def __init__(self, limits: FetchLimits, resolver: Resolver | None = None) -> None:
        self._client = Client(limits, resolver)
        self._gaps = Gaps()
        self._ready: SimpleQueue[Order | None] = SimpleQueue()
        self._done: SimpleQueue[Landing] = SimpleQueue()
        self._timer = _Timer(self._ready)
        self._throttle = Throttle(limits.max_threads)
        self._lock = Lock()
        self._threads = 0
        self._began: dict[int, float] = {}  # by token: what is being fetched, the oldest first, and since when
        self._stuck = 0  # threads that wait for a host that says nothing
        self._look_again = 0.0
        self._held = 0
        self._closed = False
        self._drained = Condition(self._lock)

    def submit(self, orders: Sequence[Order]) -> None:
        now = time.monotonic()
        for order in orders:
            if order.start > now:
                self._timer.add(order, order.start)
            else:
                self._ready.put(order)
        self._grow()

    def collect(self, linger: float) -> Batch:
        until = time.monotonic() + linger
        self._count_stuck(until - linger)
        batch: list[Landing] = []
        size = 0
        while not batch:
            left = until - time.monotonic()
            waiting = self._ready.qsize()
            try:
                batch.append(self._done.get(timeout=max(0.0, min(left, _STEP) if waiting else left)))
            except Empty:
                if left <= 0:
                    return ()
                if waiting:
                    self._throttle.nothing_came()
                    self._grow()
        with suppress(Empty):
            while True:
                size += _size(batch[-1])
                if len(batch) >= _MOST_OUTCOMES or size >= _MOST_BYTES:
                    break
                batch.append(self._done.get_nowait())
        self._release(sum(map(_size, batch)))
        return tuple(batch)

    def close(self) -> None:
        self._closed = True
        self._timer.close()
        with self._lock:
            for _ in range(self._threads):
                self._ready.put(None)
            self._drained.notify_all()
        self._client.close()

    def _grow(self) -> None:
        """Start threads for waiting orders, as far as the throttle lets the number rise."""
        with self._lock:
            missing = self._ready.qsize() - (self._threads - len(self._began))
            for _ in range(min(missing, self._most_threads - self._threads)):
                self._threads += 1
                Thread(target=self._work, name="fetch", daemon=True).start()

    def _work(self) -> None:
        while not self._closed:
            order = self._ready.get()
            if order is None or self._closed:
                return
            started = 0.0
            if order.gap:
                started, wait = self._gaps.begin(order)
                if wait:
                    self._timer.add(order, time.monotonic() + wait)
                    continue
            began = time.monotonic()
            with self._lock:
                self._began[order.token] = began
            try:
                landing = self._client.fetch(order, started) if started else self._client.fetch(order)
            except BaseException as error:  # the end of this thread would be an order that nobody settles
                landing = Landing(order.token, began, failure_of(order, began, error))
            with self._lock:
                self._began.pop(order.token, None)
                self._held += _size(landing)
            if order.into is None:  # what a file takes says nothing about the machine
                self._throttle.landed(host_in(order.url), time.monotonic() - landing.started)
            self._done.put(landing)
            if self._held > _HELD_BYTES:
                self._wait_for_room()
            if self._ready.qsize():
                if self._threads > self._most_threads:
                    with self._lock:
                        if self._threads > self._most_threads:
                            self._threads -= 1
                            return
                elif self._threads < self._most_threads:
                    self._grow()

    @property
    def _most_threads(self) -> int:
        """How many threads are worth having. The throttle speaks of those that get answers."""
        return min(self._throttle.most, self._throttle.limit + self._stuck)

    def _count_stuck(self, now: float) -> None:
        if now < self._look_again:
            return
        self._look_again = now + _STUCK / 10
        with self._lock:
            stuck = 0
            for began in self._began.values():
                if now - began < _STUCK:
                    break
                stuck += 1
            self._stuck = stuck

    def _wait_for_room(self) -> None:
        with self._drained:
            self._drained.wait_for(lambda: self._held <= _HELD_BYTES or self._closed)

    def _release(self, size: int) -> None:
        with self._drained:
            self._held -= size
            self._drained.notify_all()


class InlineFetcher:
    """One order after the other, in the thread that collects. For the inline pool."""

    def __init__(self, limits: FetchLimits, resolver: Resolver | None = None) -> None:
        self._client = Client(limits, resolver)
        self._gaps = Gaps()
        self._orders: list[tuple[float, int, Order]] = []

    def submit(self, orders: Sequence[Order]) -> None:
        for order in orders:
            heappush(self._orders, (order.start, order.token, order))

    def collect(self, linger: float) -> Batch:
        if not self._orders:
            return ()
        start, _, order = heappop(self._orders)
        pause = start - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        started = 0.0
        if order.gap:
            started, pause = self._gaps.begin(order)
            if pause:
                heappush(self._orders, (time.monotonic() + pause, order.token, order))
                return ()
        return (self._client.fetch(order, started) if started else self._client.fetch(order),)

    def close(self) -> None:
        self._client.close()


class _Timer:
    """Puts orders into the queue when their time has come. Its thread starts with the first order that waits."""

    def __init__(self, ready: SimpleQueue[Order | None]) -> None:
        self._ready = ready
        self._orders: list[tuple[float, int, Order]] = []
        self._changed = Condition()
        self._running = False
        self._closed = False

    def add(self, order: Order, start: float) -> None:
        with self._changed:
            heappush(self._orders, (start, order.token, order))
            if not self._running:
                self._running = True
                Thread(target=self._run, name="timer", daemon=True).start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._orders and self._orders[0][0] <= now:
                    self._ready.put(heappop(self._orders)[2])
                self._changed.wait(self._orders[0][0] - now if self._orders else None)


def _size(landing: Landing) -> int:
    outcome = landing.outcome
    return len(outcome.body) if isinstance(outcome, Response) else 0

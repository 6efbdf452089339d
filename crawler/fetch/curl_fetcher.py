"""Many orders at once: libcurl's multi interface, driven by whoever collects. The extra "curl".

One thread waits for all sockets, so an order costs no thread and no switch between them. Nothing happens between two
calls of `collect`: what hosts send meanwhile waits in the system, and no order is late because of it.
"""

from __future__ import annotations

import math
import resource
import time
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count, repeat
from threading import Lock

import pycurl

from crawler.fetch.budget import budget
from crawler.fetch.curl_failures import fault_of
from crawler.fetch.curl_late import late_fault, look_after, no_end
from crawler.fetch.curl_names import addresses_of
from crawler.fetch.curl_options import url_of
from crawler.fetch.curl_sockets import Sockets, hang_up
from crawler.fetch.curl_transfer import Pace, Transfer
from crawler.fetch.curl_way import Way
from crawler.fetch.faults import Fault, clean
from crawler.fetch.gaps import Gaps
from crawler.fetch.guard import Guard, Resolver, is_literal
from crawler.fetch.limits import FetchLimits
from crawler.fetch.names import Names
from crawler.response import Batch, Failure, Landing, Order, Response, Route

_MOST_OUTCOMES = 64  # a report is never longer than this,
_MOST_BYTES = 768 << 10  # nor much heavier: what fits into the pipe is handed over in one go
_HELD_BYTES = 64 << 20  # with so much waiting to be collected, nothing is fetched
_MOST_KEPT = 1024  # connections of a route that are kept
_MOST_ROUTES = 64  # whose connections are kept
_OTHER_FILES = 128  # that a worker may have open beside its connections
_MANY_FILES = 1 << 16
_TURN = 0.1  # seconds that all sockets together may take in one go, beyond the linger
_PATIENCE = 5.0  # seconds that `close` waits for whoever collects
_ATTEMPTS = 3  # on one order, to get a connection
_USUAL = Route()


class CurlFetcher:
    """Many orders at once, in libcurl. Implements `protocols.Fetcher`. `most`: no more than so many, 0 = as there are.

    Used by one thread; `close` may be called from another one.
    """

    def __init__(self, limits: FetchLimits, resolver: Resolver | None = None, most: int = 0) -> None:
        self._limits = limits
        self._guard = Guard(limits.only, limits.allow, resolver)
        self._gaps = Gaps()
        self._sockets = Sockets()
        self._names = Names(self._sockets.wake)
        self._ways: dict[Route, Way] = {}  # the oldest first
        self._ready: deque[Order] = deque()
        self._later: list[tuple[float, int, Order]] = []
        self._numbers = count()
        self._pace = Pace()
        self._done: deque[Landing] = deque()
        self._held = 0
        self._active = 0
        self._files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if self._files == resource.RLIM_INFINITY:
            self._files = _MANY_FILES
        self._most = most or max(self._files * 3 // 4 - _OTHER_FILES, 16)  # transfers at the same time
        self._look = look_after(limits)
        self._look_at = 0.0
        self._left_at = time.monotonic()
        self._running = Lock()
        self._closed = False

    # -- what a lane calls ---------------------------------------------------------------------------------------------

    def submit(self, orders: Sequence[Order]) -> None:
        now = time.monotonic()
        for order in orders:
            if order.start > now:
                heappush(self._later, (order.start, next(self._numbers), order))
            else:
                self._ready.append(order)

    def collect(self, linger: float) -> Batch:
        with self._running:
            return () if self._closed else self._collect(linger)

    def close(self) -> None:
        self._closed = True
        self._sockets.wake()
        if not self._running.acquire(timeout=_PATIENCE):  # lanes that are threads are closed from another one
            return
        try:
            self._names.close()
            self._sockets.close()
            for way in self._ways.values():
                way.forget()
            self._ways.clear()
            self._ready.clear()
            self._later.clear()
        finally:
            self._running.release()

    def _collect(self, linger: float) -> Batch:
        now = time.monotonic()
        until = now + linger
        self._excuse(now - self._left_at)
        while self._held < _HELD_BYTES:
            self._start(now)
            self._pace.until = now + linger + _TURN
            self._sockets.turn(0.0 if self._done else self._wait(until, now))
            for key, answer in self._names.answers():
                self._answered(key, answer)
            self._finish()
            now = time.monotonic()
            if now >= self._look_at:
                self._late(now)
            if self._pace.stopped:
                self._resume()
            if self._done or now >= until or self._closed:
                break
        batch = self._batch()
        self._left_at = time.monotonic()
        return batch

    # -- time ----------------------------------------------------------------------------------------------------------

    def _wait(self, until: float, now: float) -> float:
        wake = min(until, self._look_at if self._active else math.inf)
        if self._later:
            wake = min(wake, self._later[0][0])
        return max(0.0, wake - now)

    def _excuse(self, gap: float) -> None:
        """For so long nobody listened: no host is late because of that."""
        if gap < self._look:
            return
        for way in self._ways.values():
            for transfer in way.active:
                transfer.excused += gap
                transfer.idle_since += gap
                transfer.attempted += gap
                transfer.until += gap

    def _late(self, now: float) -> None:
        """End what has taken too long."""
        limits = self._limits
        self._look_at = now + self._look
        for way in self._ways.values():
            for transfer in list(way.active):
                if transfer not in way.active:  # ended with another one
                    continue
                if now >= transfer.until:
                    self._fail(way, transfer, no_end(transfer))
                elif transfer.is_paused:  # for memory that may have come free elsewhere
                    self._go_on(transfer)
                elif not transfer.is_asking:
                    if (fault := late_fault(transfer, limits, now)) is not None:
                        self._fail(way, transfer, fault)
                    elif transfer.until < self._look_at:
                        self._look_at = transfer.until

    # -- beginning -----------------------------------------------------------------------------------------------------

    def _start(self, now: float) -> None:
        later, ready = self._later, self._ready
        while later and later[0][0] <= now:
            ready.append(heappop(later)[2])
        added = False
        while ready and self._active < self._most:
            order = ready.popleft()
            started = time.monotonic()
            if order.gap:
                started, wait = self._gaps.begin(order)
                if wait:
                    heappush(later, (time.monotonic() + wait, next(self._numbers), order))
                    continue
            try:
                self._begin(order, started)
                added = True
            except BaseException as error:  # nobody else would settle this order
                self._land(order, started, failure_of(order, started, error))
        if added:
            self._sockets.kick()
            self._finish()  # what a host next door has answered already

    def _begin(self, order: Order, started: float) -> None:
        """Start an order. Raises `Fault` and `ValueError` for what cannot be sent or is not allowed."""
        url, origin = url_of(order)
        route = order.route or _USUAL
        way = self._ways.get(route) or self._new_way(route)
        if way.proxy is not None:
            self._guard.check_literal(origin.host, route.private)
        transfer = way.free.pop() if way.free else Transfer(self._limits, route, self._pace)
        try:
            transfer.load(order, url)
        except BaseException:
            transfer.make_plain()
            way.free.append(transfer)
            raise
        total = order.timeout or (self._limits.timeout if order.into is None else order.into.timeout)
        transfer.begin(order, origin, started, total)
        if transfer.until < self._look_at:
            self._look_at = transfer.until
        way.active[transfer] = None
        self._active += 1
        if origin.key in way.names:
            self._add(way, transfer)
        else:  # no connection can be there
            self._ask(way, transfer)

    def _add(self, way: Way, transfer: Transfer) -> None:
        """Let libcurl begin."""
        try:
            way.multi.handle.add_handle(transfer.curl)
        except pycurl.error as error:
            self._leave(way, transfer, self._failure(transfer, error))

    def _new_way(self, route: Route) -> Way:
        if len(self._ways) >= _MOST_ROUTES:
            for old, way in self._ways.items():
                if not way.active:
                    del self._ways[old]
                    way.multi.close()
                    way.forget()
                    break
        way = self._ways[route] = Way(route, self._sockets, min(_MOST_KEPT, self._files // 4))
        return way

    # -- addresses -----------------------------------------------------------------------------------------------------

    def _ask(self, way: Way, transfer: Transfer) -> None:
        """Find the addresses for a transfer that needs a new connection."""
        origin = transfer.origin
        transfer.is_asking = True
        waiting = way.asking.setdefault(origin.key, [])
        waiting.append(transfer)
        if len(waiting) > 1:
            return
        key = (way, origin.key)
        private, proxy = way.route.private, way.proxy
        try:
            if is_literal(origin.host) and (proxy is None or is_literal(proxy.host)):
                answer: tuple[list[str], list[str]] | Exception
                answer = addresses_of(self._guard, origin, private, proxy)
            else:
                self._names.ask(key, lambda: addresses_of(self._guard, origin, private, proxy))
                return
        except Exception as error:  # also that no thread is to be had
            answer = error
        self._answered(key, answer)

    def _answered(self, key: tuple[Way, str], answer: tuple[list[str], list[str]] | BaseException) -> None:
        way, name = key
        waiting = way.asking.pop(name, ())
        now = time.monotonic()
        for transfer in waiting:
            transfer.is_asking = False
            if isinstance(answer, BaseException):
                self._leave(way, transfer, failure_of(transfer.order, transfer.started, answer))
                continue
            allowed, lines = answer
            transfer.renew(now)
            transfer.allow(allowed, [*way.remember(name), *lines])
            self._add(way, transfer)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Land what libcurl is through with."""
        for way in list(self._ways.values()):
            if not way.active:
                continue
            handle = way.multi.handle
            queued = 1
            while queued:
                queued, well, badly = handle.info_read(256)
                for curl, code, message in (*zip(well, repeat(0), repeat("")), *badly):
                    if curl.transfer in way.active:
                        self._through(way, curl.transfer, code, message)

    def _through(self, way: Way, transfer: Transfer, code: int, message: str) -> None:
        if transfer.wants_connection and code and transfer.error is None:
            transfer.wants_connection = False
            way.multi.handle.remove_handle(transfer.curl)
            if transfer.curl.getinfo(pycurl.REQUEST_SIZE):
                # A kept connection broke when the request was sent. libcurl would send it again; but nobody knows
                # whether it was read, and each request has its pause and is counted.
                self._leave(way, transfer, self._failure(transfer, Fault("reset", "Connection reset by peer")))
            elif transfer.attempts < _ATTEMPTS:
                self._ask(way, transfer)
            else:
                self._leave(way, transfer, self._failure(transfer, Fault("connect", "no connection was to be had")))
            return
        outcome: Response | Failure
        try:
            if transfer.error is not None:
                raise transfer.error
            if code and not transfer.is_cut and not transfer.ends_with(code, message):
                raise fault_of(transfer, code, message)
            outcome = transfer.response()
            if transfer.status < 305 and transfer.leaves_a_rest():
                self._hang_up(transfer)
        except BaseException as error:
            outcome = self._failure(transfer, error)
            if not code:
                self._hang_up(transfer)
        way.multi.handle.remove_handle(transfer.curl)
        self._leave(way, transfer, outcome)

    def _hang_up(self, transfer: Transfer) -> None:
        """Nobody may use the connection of this transfer again. libcurl knows it until the handle is removed."""
        number = transfer.curl.getinfo(pycurl.ACTIVESOCKET)
        if number >= 0 and not transfer.is_shared:
            hang_up(number)

    def _failure(self, transfer: Transfer, error: BaseException) -> Failure:
        failure = failure_of(transfer.order, transfer.started, error)
        if failure.kind == "timeout" and time.monotonic() > transfer.until - 0.01:
            return failure_of(transfer.order, transfer.started, no_end(transfer))
        return failure

    def _fail(self, way: Way, transfer: Transfer, fault: Fault) -> None:
        """End a transfer that is under way."""
        if transfer.is_asking:
            way.asking[transfer.origin.key].remove(transfer)
        else:
            way.multi.handle.remove_handle(transfer.curl)
        self._leave(way, transfer, failure_of(transfer.order, transfer.started, fault))

    def _leave(self, way: Way, transfer: Transfer, outcome: Response | Failure) -> None:
        """A transfer has its outcome."""
        del way.active[transfer]
        self._active -= 1
        order, started = transfer.order, transfer.started
        transfer.end()
        way.free.append(transfer)
        self._land(order, started, outcome)
        if budget.is_waited_for:  # for memory, of which there is more now
            budget.is_waited_for = False
            for one in [one for other in self._ways.values() for one in other.active if one.is_paused]:
                self._go_on(one)

    def _resume(self) -> None:
        """The turn of those that had to stop for others."""
        stopped, self._pace.stopped = self._pace.stopped, []
        self._pace.until = time.monotonic() + _TURN
        for transfer in stopped:
            self._go_on(transfer)

    def _go_on(self, transfer: Transfer) -> None:
        """Let a transfer that was paused try again. libcurl comes with what it has at once."""
        if transfer.is_paused:
            transfer.is_paused = False
            try:
                transfer.curl.pause(pycurl.PAUSE_CONT)
            except pycurl.error as error:
                way = self._ways[transfer.order.route or _USUAL]
                self._through(way, transfer, error.args[0], str(error.args[1]))

    def _land(self, order: Order, started: float, outcome: Response | Failure) -> None:
        if isinstance(outcome, Response):
            self._held += len(outcome.body)
        self._done.append(Landing(order.token, started, outcome))

    def _batch(self) -> Batch:
        done = self._done
        batch: list[Landing] = []
        size = 0
        while done and len(batch) < _MOST_OUTCOMES and size < _MOST_BYTES:
            landing = done.popleft()
            batch.append(landing)
            if isinstance(landing.outcome, Response):
                size += len(landing.outcome.body)
        self._held -= size
        return tuple(batch)


def failure_of(order: Order, started: float, error: BaseException) -> Failure:
    """As `failures.failure_of`, which imports the other client, as it knows its exceptions: so not for a `Fault`, which
    nearly all are here. One that says that no file can be opened could not be told then.
    """
    if isinstance(error, Fault):
        return Failure(order.url, error.kind, clean(error.detail), time.monotonic() - started)
    from crawler.fetch import failures

    return failures.failure_of(order, started, error)

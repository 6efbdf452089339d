"""The default client: `requests` in threads, grown on demand.

Requests are prepared here and go to the adapter directly: URLs are canonical already, redirects and
cookies are the parent's, so a session would only do the same work again. `responses` mocks the
adapter's `send`, so it works here as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

from requests import PreparedRequest
from requests import Response as Answer
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util import Timeout

from crawler.fetch.failures import kind_of
from crawler.fetch.guard import Guard
from crawler.fetch.limits import FetchLimits
from crawler.fetch.threads import Throttle
from crawler.response import Batch, Failure, Landing, Order, Outcome, Response
from crawler.url import host_of

_MOST_OUTCOMES = 64  # a report is never longer than this,
_MOST_BYTES = 768 << 10  # nor much heavier: what fits into the pipe is handed over in one go
_HELD_BYTES = 64 << 20  # with so much waiting to be collected, nothing new is started
_CHUNK = 1 << 16
_MOST_HOSTS = 512  # hosts whose connections are kept
_STEP = 0.01  # seconds between looks at the number of threads while requests wait


class _Adapter(HTTPAdapter):
    """Connections kept for many hosts, each opened past the guard.

    The methods overridden are the ones `requests` offers for that. They skip what a crawl does not need for each
    page again: our URLs are canonical, so the connection pool and the path follow from their text; cookies are the
    parent's.
    """

    def __init__(self, guard: Guard, connections: int) -> None:
        self._guard = guard
        self._pools: dict[str, Any] = {}
        super().__init__(pool_connections=_MOST_HOSTS, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._guard.pool_classes()

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        origin = request.url[: request.url.find("/", 8)]
        pool = self._pools.get(origin)
        # The manager forgets hosts that were not asked for long, and closes their pools.
        if pool is None or pool.pool is None:
            if len(self._pools) >= _MOST_HOSTS:
                self._pools.clear()
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            self._pools[origin] = pool
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.url[request.url.find("/", 8) :])

    def build_response(self, req: Any, resp: Any) -> Answer:
        response = Answer()
        response.status_code = resp.status
        response.raw = resp
        response.url = req.url
        response.request = req
        return response

    def close(self) -> None:
        """Close what is kept; the library only forgets its pools and leaves the sockets to the garbage."""
        managed = self.poolmanager.pools
        for pool in [*self._pools.values(), *(managed[key] for key in managed.keys())]:  # noqa: SIM118 - not iterable
            pool.close()
        self._pools.clear()
        super().close()


class Client:
    """Fetches one order at a time, from any number of threads."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._adapter = _Adapter(Guard(limits.only), min(limits.max_threads, 64))

    def fetch(self, order: Order) -> Landing:
        """Never raises: whatever goes wrong becomes a `Failure`."""
        started = time.monotonic()
        try:
            outcome = self._exchange(order, started)
        except BaseException as error:
            return _failed(order, started, error)
        return Landing(order.token, started, outcome)

    def close(self) -> None:
        self._adapter.close()

    def _exchange(self, order: Order, started: float) -> Outcome:
        limits = self._limits
        total = order.timeout or limits.timeout
        deadline = started + total
        answer = self._adapter.send(
            _prepared(order),
            stream=True,
            timeout=Timeout(connect=min(limits.connect_timeout, total), read=min(limits.read_timeout, total)),  # type: ignore[arg-type]
            verify=limits.verify,
        )
        raw: Any = answer.raw
        complete = False
        try:
            parts: list[bytes] = []
            size = 0
            while size <= limits.max_body:
                part = raw.read1(_CHUNK, decode_content=True)
                if not part:
                    complete = True
                    break
                parts.append(part)
                size += len(part)
                if time.monotonic() > deadline:
                    return Failure(order.url, "timeout", f"no end after {total:g} s", time.monotonic() - started)
        finally:
            # A connection with a rest in it cannot be used again.
            raw.release_conn() if complete else raw.close()
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return Response(
            order.url,
            int(answer.status_code),
            tuple(raw.headers.items()),
            body[: limits.max_body],
            time.monotonic() - started,
            truncated=not complete,
        )


class RequestsFetcher:
    """Many orders at once, in threads. Implements `protocols.Fetcher`."""

    def __init__(self, limits: FetchLimits) -> None:
        self._client = Client(limits)
        self._ready: SimpleQueue[Order | None] = SimpleQueue()
        self._done: SimpleQueue[Landing] = SimpleQueue()
        self._timer = _Timer(self._ready)
        self._throttle = Throttle(limits.max_threads)
        self._lock = Lock()
        self._threads = 0
        self._busy = 0
        self._held = 0
        self._closed = False
        self._drained = Condition(self._lock)

    def submit(self, orders: Sequence[Order]) -> None:
        now = time.monotonic()
        for order in orders:
            if order.start > now:
                self._timer.add(order)
            else:
                self._ready.put(order)
        self._grow()

    def collect(self, linger: float) -> Batch:
        until = time.monotonic() + linger
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
            missing = self._ready.qsize() - (self._threads - self._busy)
            for _ in range(min(missing, self._throttle.limit - self._threads)):
                self._threads += 1
                Thread(target=self._work, name="fetch", daemon=True).start()

    def _work(self) -> None:
        while not self._closed:
            order = self._ready.get()
            if order is None or self._closed:
                return
            with self._lock:
                self._busy += 1
            started = time.monotonic()
            try:
                landing = self._client.fetch(order)
            except BaseException as error:  # the end of this thread would be an order that nobody settles
                landing = _failed(order, started, error)
            with self._lock:
                self._busy -= 1
                self._held += _size(landing)
            self._throttle.landed(host_of(order.url), time.monotonic() - landing.started)
            self._done.put(landing)
            if self._held > _HELD_BYTES:
                self._wait_for_room()
            if self._ready.qsize():
                if self._threads > self._throttle.limit:
                    with self._lock:
                        if self._threads > self._throttle.limit:
                            self._threads -= 1
                            return
                elif self._threads < self._throttle.limit:
                    self._grow()

    def _wait_for_room(self) -> None:
        with self._drained:
            self._drained.wait_for(lambda: self._held <= _HELD_BYTES or self._closed)

    def _release(self, size: int) -> None:
        with self._drained:
            self._held -= size
            self._drained.notify_all()


class InlineFetcher:
    """One order after the other, in the thread that collects. For the inline pool."""

    def __init__(self, limits: FetchLimits) -> None:
        self._client = Client(limits)
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
        return (self._client.fetch(order),)

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

    def add(self, order: Order) -> None:
        with self._changed:
            heappush(self._orders, (order.start, order.token, order))
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


def _prepared(order: Order) -> PreparedRequest:
    """The order as `requests` wants it, without parsing the URL again. Header faults raise `ValueError` in `send`."""
    request = PreparedRequest()
    request.method = order.method
    request.url = order.url
    request.headers = headers = CaseInsensitiveDict(order.header_pairs)
    headers.setdefault("Accept-Encoding", "gzip, deflate")
    if order.body is not None:
        request.body = order.body
        headers["Content-Length"] = str(len(order.body))
    elif order.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = "0"
    request.hooks = {"response": []}
    return request


def _failed(order: Order, started: float, error: BaseException) -> Landing:
    kind, detail = kind_of(error)
    return Landing(order.token, started, Failure(order.url, kind, detail, time.monotonic() - started))


def _size(landing: Landing) -> int:
    outcome = landing.outcome
    return len(outcome.body) if isinstance(outcome, Response) else 0

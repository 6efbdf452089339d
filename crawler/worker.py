"""What runs in a pool worker: the exchange, and the fetcher behind it.

What goes wrong with one page comes back as a `Failure` value. Several thread lanes live in one process, so workers are
kept by the key of their lane.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.control.gauges import Gauges
from crawler.errors import SpiderLoadError, UnfitWorker
from crawler.fetch.limits import FetchLimits
from crawler.protocols import Fetcher
from crawler.response import Batch, Landing, Order, Response, ToRead

if TYPE_CHECKING:
    from crawler.reader import Reader

_TURN = 0.05  # seconds of reading after which a worker reports,
_MOST = 40  # and how many pages at once: the others wait for the next order meanwhile
CLIENTS = ("requests", "curl", "inline")  # what may fetch in a worker; the last for the pool of that name


class Setup(msgspec.Struct, frozen=True):
    """Everything a worker has to know; the fork server froze its environment, so nothing is read from there."""

    key: str
    row: int
    client: str  # one of CLIENTS, or "curl inline": one request at a time
    limits: FetchLimits
    reader: Any = None  # a `reader.ReaderSetup`: with one, the worker reads pages, too


class Worker:
    """A fetcher with its row of the gauges. `broken` is why there is no fetcher."""

    def __init__(self, setup: Setup, gauges: Gauges) -> None:
        self.row = gauges.row(setup.row)
        self.row.renew()
        self.fetcher: Fetcher | None = None
        self.broken = ""
        self.unfit: tuple[str, ...] = ()
        self._reader: Reader | None = None
        self._to_read: dict[int, ToRead] = {}  # by token
        self._unread: deque[Landing] = deque()
        try:
            self.fetcher = _fetcher(setup)
            if setup.reader is not None:
                from crawler.reader import Reader

                self._reader = Reader(setup.reader, self.row.busy)
        except SpiderLoadError as error:
            self.unfit = (error.message, error.hint, error.trace)
        except Exception as error:  # an initializer that raises would make the Pool start workers for ever
            self.broken = f"the worker could not start: {type(error).__name__}: {error}"

    def exchange(self, orders: Sequence[Order], linger: float) -> Batch:
        assert self.fetcher is not None
        self.row.begin(len(orders))
        if orders:
            self.fetcher.submit(orders)
        if self._reader is None:
            batch = self.fetcher.collect(linger)
        else:
            self._to_read.update({order.token: order.page for order in orders if order.page is not None})
            batch = self._read(self.fetcher, self._reader, linger)
        self.row.beat(len(batch), sum(map(_size, batch)))
        return batch

    def close(self) -> None:
        if self.fetcher is not None:
            self.fetcher.close()
        if self._reader is not None:
            self._reader.close()

    def _read(self, fetcher: Fetcher, reader: Reader, linger: float) -> Batch:
        """What has landed, and is read, with what lands meanwhile: until nothing is left, or a report is due.

        Large reports cost less, for both sides; but hosts have answers, and the parent has orders.
        """
        unread, done = self._unread, []
        unread += fetcher.collect(0.0 if unread else linger)
        until = time.monotonic() + _TURN
        while unread:
            landing = unread.popleft()
            to_read = self._to_read.pop(landing.token, None)
            done.append(reader.read(to_read, landing) if to_read is not None else landing)
            if len(done) >= _MOST or time.monotonic() > until:
                break
            if not unread:
                unread += fetcher.collect(0.0)
        return tuple(done)


_workers: dict[str, Worker] = {}


def open_worker(setup: Setup, gauges: Gauges) -> None:
    """The initializer of every lane's pool."""
    _workers[setup.key] = Worker(setup, gauges)


def exchange(key: str, orders: tuple[Order, ...], linger: float) -> Batch:
    """Give the orders to the worker of lane `key` and take back what is done within `linger` seconds.

    Raises nothing but `UnfitWorker` and `RuntimeError` with a text: any other exception may not survive the way to the
    parent.
    """
    worker = _workers[key]
    if worker.unfit:
        raise UnfitWorker(*worker.unfit)
    if worker.broken:
        raise RuntimeError(worker.broken)
    try:
        return worker.exchange(orders, linger)
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def close_worker(key: str) -> None:
    """Free the worker of a lane that lives in this process."""
    worker = _workers.pop(key, None)
    if worker is not None:
        worker.close()


def _size(landing: Landing) -> int:
    outcome = landing.outcome
    if type(outcome) is not Response:
        return 0
    return outcome.gist.size if outcome.gist is not None else len(outcome.body)


def _fetcher(setup: Setup) -> Fetcher:
    if setup.client.startswith("curl"):
        from crawler.fetch.curl_fetcher import CurlFetcher

        return CurlFetcher(setup.limits, most=1 if setup.client == "curl inline" else 0)
    from crawler.fetch.requests_fetcher import InlineFetcher, RequestsFetcher

    return InlineFetcher(setup.limits) if setup.client == "inline" else RequestsFetcher(setup.limits)

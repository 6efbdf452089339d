"""What runs in a pool worker: the exchange, and the fetcher behind it.

What goes wrong with one page comes back as a `Failure` value. Several thread lanes live in one process, so workers are
kept by the key of their lane.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crawler.control.gauges import Gauges
from crawler.fetch.limits import FetchLimits
from crawler.protocols import Fetcher
from crawler.response import Batch, Order

CLIENTS = ("requests", "curl", "inline")  # what may fetch in a worker; the last for the pool of that name


class Setup(msgspec.Struct, frozen=True):
    """Everything a worker has to know; the fork server froze its environment, so nothing is read from there."""

    key: str
    row: int
    client: str  # one of CLIENTS, or "curl inline": one request at a time
    limits: FetchLimits


class Worker:
    """A fetcher with its row of the gauges. `broken` is why there is no fetcher."""

    def __init__(self, setup: Setup, gauges: Gauges) -> None:
        self.row = gauges.row(setup.row)
        self.row.renew()
        self.fetcher: Fetcher | None = None
        self.broken = ""
        try:
            self.fetcher = _fetcher(setup)
        except Exception as error:  # an initializer that raises would make the Pool start workers for ever
            self.broken = f"the worker could not start: {type(error).__name__}: {error}"

    def exchange(self, orders: Sequence[Order], linger: float) -> Batch:
        assert self.fetcher is not None
        self.row.begin(len(orders))
        if orders:
            self.fetcher.submit(orders)
        batch = self.fetcher.collect(linger)
        self.row.beat(len(batch), sum(len(getattr(landing.outcome, "body", b"")) for landing in batch))
        return batch


_workers: dict[str, Worker] = {}


def open_worker(setup: Setup, gauges: Gauges) -> None:
    """The initializer of every lane's pool."""
    _workers[setup.key] = Worker(setup, gauges)


def exchange(key: str, orders: tuple[Order, ...], linger: float) -> Batch:
    """Give the orders to the worker of lane `key` and take back what is done within `linger` seconds.

    Raises nothing but `RuntimeError` with a text: any other exception may not survive the way to the parent.
    """
    worker = _workers[key]
    if worker.broken:
        raise RuntimeError(worker.broken)
    try:
        return worker.exchange(orders, linger)
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def close_worker(key: str) -> None:
    """Free the worker of a lane that lives in this process."""
    worker = _workers.pop(key, None)
    if worker is not None and worker.fetcher is not None:
        worker.fetcher.close()


def _fetcher(setup: Setup) -> Fetcher:
    if setup.client.startswith("curl"):
        from crawler.fetch.curl_fetcher import CurlFetcher

        return CurlFetcher(setup.limits, most=1 if setup.client == "curl inline" else 0)
    from crawler.fetch.requests_fetcher import InlineFetcher, RequestsFetcher

    return InlineFetcher(setup.limits) if setup.client == "inline" else RequestsFetcher(setup.limits)

"""What runs in a worker of `crawl fetch`: a few orders for one host, one after the other.

No lane and no exchange: whoever looks at some pages hands over what he wants and waits for all of it.
"""

from __future__ import annotations

import time

from crawler.fetch.client import Client
from crawler.fetch.limits import FetchLimits
from crawler.response import Landing, Order

_client: list[Client] = []


def open_client(limits: FetchLimits) -> None:
    """The initializer of a worker. One client is enough for a process, whatever threads it has."""
    _client[:] = [Client(limits)]


def fetch_in_turn(orders: tuple[Order, ...]) -> tuple[Landing, ...]:
    """The landings of the orders, in their order. None starts before its `start`, nor less than `gap` after another."""
    landings: list[Landing] = []
    for order in orders:
        start = max(order.start, landings[-1].started + order.gap if landings else 0.0)
        time.sleep(max(0.0, start - time.monotonic()))
        landings.append(_client[0].fetch(order))
    return tuple(landings)


def close_client() -> None:
    """Free the connections of a client that lives in this process."""
    while _client:
        _client.pop().close()

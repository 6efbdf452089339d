"""The gap between two starts on one host, kept where the starts happen: an order may have waited for a thread."""

from __future__ import annotations

import time
from threading import Lock

from crawler.response import Order
from crawler.url import host_of

_REMEMBERED = 60.0  # seconds; a gap that grew meanwhile is kept, too
_FEW = 4096


class Gaps:
    """The last starts of hosts whose orders have a gap. Called from many threads; orders without a gap do not call."""

    def __init__(self) -> None:
        self._starts: dict[str, tuple[float, float]] = {}  # host -> start, and until when it is worth knowing
        self._look = _FEW
        self._lock = Lock()

    def begin(self, order: Order) -> tuple[float, float]:
        """(the start, 0.0) if the order begins now, which counts; else (0.0, seconds until it may)."""
        host = host_in(order.url)
        with self._lock:
            now = time.monotonic()
            last = self._starts.get(host)
            if last is not None and (wait := last[0] + order.gap - now) > 0:
                return 0.0, wait
            self._starts[host] = (now, now + max(order.gap, _REMEMBERED))
            if len(self._starts) > self._look:
                self._forget(now)
            return now, 0.0

    def _forget(self, now: float) -> None:
        self._starts = {host: start for host, start in self._starts.items() if start[1] > now}
        self._look = max(_FEW, 2 * len(self._starts))


def host_in(url: str) -> str:
    """The host key of a URL, "" if it has none: whoever counts by hosts is not the one to fail."""
    try:
        return host_of(url)
    except IndexError:
        return ""

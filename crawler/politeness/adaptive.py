"""The adaptive delay: a host that is slow is asked less often, a host in trouble much less often.

The rule is that of Scrapy's AutoThrottle: the delay moves half the way to the time the host took to answer, and an
error never makes it shorter. On top of that, trouble doubles it.
"""

from __future__ import annotations

import math

_MOST_KNOWN = 50_000  # hosts with a delay of their own; beyond that the oldest is forgotten
_FIRST = 1.0  # seconds; what trouble makes of no delay at all


class Adaptive:
    """Delays per host, never above `most` seconds (0: whatever they are).

    Only those that are above the host's own delay are remembered.
    """

    def __init__(self, most: float) -> None:
        self._most = most or math.inf
        self._delays: dict[str, float] = {}

    def delay(self, host: str, least: float) -> float:
        """Seconds between two starts, at least `least`."""
        return max(least, self._delays.get(host, 0.0)) if self._delays else least

    def answered(self, host: str, seconds: float, least: float) -> None:
        """The host answered as it should, after so many seconds for each request it may have at the same time."""
        known = self._delays.get(host, least)
        if known <= least and seconds <= least:
            return
        self._keep(host, max(seconds, (known + seconds) / 2), least)

    def troubled(self, host: str, least: float) -> None:
        """The host did not answer, or with an error of its own, or asked for less."""
        self._keep(host, max(_FIRST, 2 * self.delay(host, least)), least)

    def _keep(self, host: str, delay: float, least: float) -> None:
        self._delays.pop(host, None)
        if delay > least:
            self._delays[host] = min(delay, self._most)
            if len(self._delays) > _MOST_KNOWN:
                del self._delays[next(iter(self._delays))]

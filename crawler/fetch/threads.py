"""How many threads are worth having: many while requests wait for the network, few while they fight for the CPU.

The measure is the gradient of "Gradient concurrency limits" (Netflix, 2018): the best time a host has
shown, divided by the time it takes now. Near 1, more threads do no harm; far below 1, the threads
themselves are what makes it slow.
"""

from __future__ import annotations

import time

_START = 8
_LEAST = 4
_GROW_ABOVE = 0.6
_SHRINK_BELOW = 0.25
_FORGET = 1.02  # a best time grows by this factor with each landing, so that old luck is forgotten
_MOST_HOSTS = 4096


class Throttle:
    """The limit of threads of one worker. Called from many threads; a lost update only makes it a little slower."""

    def __init__(self, most: int) -> None:
        self.limit = min(_START, most)
        self.most = most
        self._best: dict[str, float] = {}
        self._gradients = 0.0
        self._landings = 0
        self._last = time.monotonic()

    def landed(self, host: str, seconds: float) -> None:
        """Something came back from a host after so many seconds; after a round of landings the limit moves."""
        best = min(seconds, self._best.get(host, seconds) * _FORGET)
        if len(self._best) >= _MOST_HOSTS:
            self._best.clear()
        self._best[host] = best
        self._gradients += best / seconds if seconds else 1.0
        self._landings += 1
        self._last = time.monotonic()
        if self._landings >= self.limit:
            gradient = self._gradients / self._landings
            self._gradients, self._landings = 0.0, 0
            if gradient > _GROW_ABOVE:
                self.limit = min(self.most, self.limit * 2)
            elif gradient < _SHRINK_BELOW:
                self.limit = max(min(_LEAST, self.most), self.limit * 3 // 4)

    def nothing_came(self, silence: float = 0.01) -> None:
        """Orders wait and nothing has landed for a while: what is in flight waits for the network."""
        if time.monotonic() - self._last >= silence:
            self.limit = min(self.most, self.limit + max(2, self.limit // 4))
            self._last = time.monotonic()

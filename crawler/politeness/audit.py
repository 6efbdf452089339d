"""Whether hosts got what they were promised: from the true starts of all fetches, host by host, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import groupby
from typing import NamedTuple

import msgspec

from crawler.politeness.in_force import Promise

TOLERANCE = 0.001  # seconds that two times of day may be off against each other, as they come from another clock


class Fetch(NamedTuple):
    """One fetch that came back: its number in the ledger, its host, its start (seconds since 1970).

    `seconds` is how long it took, None if nobody knows. `is_first` is one that a rule wanted before anything else of
    the host (robots.txt): it needs a permit, and keeps no delay.
    """

    number: int
    host: str
    at: float
    seconds: float | None
    is_first: bool


class Pair(NamedTuple):
    """Two fetches of a host that came too close; the later one second."""

    one: Fetch
    other: Fetch


class Kept(msgspec.Struct, frozen=True):
    """How one host was treated.

    - `requests`: fetches; `unknown`: those of them without an end, which are not looked at.
    - `most` at once where `permits` were allowed, at the moment that came closest to (or was farthest over) the limit.
    - `gap`: seconds between the two starts that came closest to `delay`, or fell shortest of it; None if there are
      no two.
    - `crowded`, `hurried`: where the host saw more than its permits, or less than its delay, the worst case of each.
    """

    host: str
    requests: int
    unknown: int
    most: int
    permits: int
    gap: float | None
    delay: float
    crowded: Pair | None = None
    hurried: Pair | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the host got all that it was promised."""
        return self.crowded is None and self.hurried is None

    @property
    def badness(self) -> tuple[bool, float, int]:
        """A key that sorts those last which were treated worst, or came closest to it."""
        share = self.delay / max(self.gap, 1e-6) if self.gap is not None else 0.0
        return not self.is_kept, max(share, self.most / self.permits), self.requests


def audit(fetches: Iterable[Fetch], promise: Callable[[str], Promise]) -> Iterator[Kept]:
    """All hosts of `fetches`, which come sorted by host and start. Takes memory for what overlaps, not for all."""
    for host, own in groupby(fetches, key=lambda fetch: fetch.host):
        yield _audited(host, own, promise(host))


def _audited(host: str, fetches: Iterable[Fetch], promise: Promise) -> Kept:
    requests = unknown = 0
    in_flight: list[tuple[float, int, Fetch]] = []  # by their end
    before: Fetch | None = None
    most, permits = 0, promise.permits(0.0)
    gap: float | None = None
    delay = promise.rules[-1].delay
    crowded = hurried = None
    for fetch in fetches:
        requests += 1
        at = fetch.at
        if fetch.seconds is None:
            unknown += 1
            continue
        while in_flight and in_flight[0][0] <= at + TOLERANCE:
            heappop(in_flight)
        heappush(in_flight, (at + fetch.seconds, fetch.number, fetch))
        allowed = promise.permits(at)
        now = len(in_flight)
        if not most or (now - allowed, now) > (most - permits, most):
            most, permits = now, allowed
            if now > allowed:
                crowded = Pair(min((other for _, _, other in in_flight if other is not fetch), key=_start), fetch)
        if fetch.is_first:
            continue
        if before is not None:
            needed = promise.delay(before.at, at)
            if gap is None or at - before.at - needed < gap - delay:
                gap, delay = at - before.at, needed
                if gap < needed - TOLERANCE:
                    hurried = Pair(before, fetch)
        before = fetch
    return Kept(host, requests, unknown, most, permits, gap, delay, crowded, hurried)


def _start(fetch: Fetch) -> float:
    return fetch.at

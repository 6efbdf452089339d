"""What rules want to be fetched before anything else of a host (`verdict.First`), until its time has come.

The host it is for is parked meanwhile: its requests stay in the frontier. The fetch itself may lead to other hosts, as
a robots.txt that is redirected does.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from crawler.politeness.hosts import Hosts
from crawler.request import Request
from crawler.url import host_of


class Firsts:
    """A heap of requests by the time of `time.monotonic` at which they may start."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._waiting: list[tuple[float, int, Request]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: Request, at: float) -> None:
        """Let a request depart at that time, or as soon afterwards as its host has a permit left."""
        heappush(self._waiting, (at, next(self._numbers), request))

    def due(self, until: float, most: int) -> Iterator[tuple[Request, float]]:
        """Up to `most` requests that may start by then, and when. The caller takes the permit of each."""
        held_up = []
        while self._waiting and self._waiting[0][0] <= until and most > 0:
            one = heappop(self._waiting)
            if not self._hosts.can_enter(host_of(one[2].url)):
                held_up.append(one)
                continue
            most -= 1
            yield one[2], one[0]
        for one in held_up:
            heappush(self._waiting, one)

    def next_time(self, now: float) -> float | None:
        """When the next one is due that is not due yet; the others wait for a permit, that is for a landing."""
        return min((at for at, _, _ in self._waiting if at > now), default=None)


def parked_host(request: Request) -> str:
    """The host that waits for this request."""
    return host_of(request.hops[0] if request.hops else request.url)

"""The frontier of a replay: requests are handed out in the order in which their answers were recorded.

So each page is found by the same page as then, and whatever depends on who was first (the depth, the data of a request,
which of two equal items is kept) is as it was. Several are handed out at once only if their answers came right after
each other: else the one that is missing in between may be found by the ones that were handed out. They are also of one
group (`index.Index.group`).
"""

from __future__ import annotations

import time
from heapq import heappop, heappush, heapreplace
from typing import Protocol

from crawler.request import Request
from crawler.url import host_of

_LAST = 1 << 62  # the rank of what is not in the archive
_MANY = 1000  # read from the ledger at once


class Ranks(Protocol):
    """The archive."""

    def rank(self, request: Request) -> int | None: ...

    def group(self, rank: int) -> int: ...


class Backlog(Protocol):
    """The ledger."""

    def waiting(self, host: str, after: tuple[int, int], most: int) -> list[tuple[Request, float]]: ...

    def hosts_waiting(self, after: str, most: int) -> list[str]: ...


class RecordedOrder:
    """Implements `protocols.Frontier`. All requests that wait are in memory, and there are no pauses."""

    def __init__(self, archive: Ranks, backlog: Backlog) -> None:
        self._archive = archive
        self._backlog = backlog
        self._waiting: list[tuple[int, int, Request]] = []  # heap of (rank, row, request)
        self._closed: set[str] = set()
        self._behind = 0  # requests that only the ledger has
        self._rank = -2  # of the last one that was handed out; -2: nobody waits for what it may lead to

    def __len__(self) -> int:
        return len(self._waiting) + self._behind

    @property
    def is_hungry(self) -> bool:
        return self._behind > 0

    def recover(self, waiting: int) -> None:
        self._behind = waiting

    def push(self, request: Request, not_before: float = 0.0) -> None:
        heappush(self._waiting, (self._rank_of(request), request.row, request))

    def next(self, until: float) -> tuple[Request, float] | None:
        while self._waiting:
            rank, row, request = self._waiting[0]
            now = self._rank_of(request)
            if now != rank:  # another request for the same has got that answer
                heapreplace(self._waiting, (now, row, request))
                continue
            host = host_of(request.url)
            if host in self._closed or not self._follows(rank):
                self._rank = -2
                return None
            heappop(self._waiting)
            self._closed.add(host)
            self._rank = rank
            return request, time.monotonic()
        return None

    def done(self, request: Request) -> None:
        """Nothing: what was handed out is not read again."""

    def open(self, host: str, at: float) -> None:
        self._closed.discard(host)

    def close(self, host: str) -> None:
        self._closed.add(host)

    def resting(self) -> list[tuple[str, float]]:
        return []

    def next_time(self) -> float | None:
        return time.monotonic() if self._waiting else None

    def refill(self) -> None:
        self._behind = 0
        known = {row for _, row, _ in self._waiting}
        host = ""
        while hosts := self._backlog.hosts_waiting(host, 1):
            host = hosts[0]
            after = (1 << 62, 0)
            while found := self._backlog.waiting(host, after, _MANY):
                for request, _ in found:
                    if request.row not in known:
                        self.push(request)
                after = (found[-1][0].priority, found[-1][0].row)

    def _follows(self, rank: int) -> bool:
        """Whether what has this rank may go although the pages of those before have not been read yet."""
        last = self._rank
        if last < 0 or rank == last:
            return True
        return rank == last + 1 and self._archive.group(rank) == self._archive.group(last)

    def _rank_of(self, request: Request) -> int:
        rank = self._archive.rank(request)
        return _LAST if rank is None else rank

"""The frontier in memory: a queue per host, and a heap of hosts by the time they may be asked next.

A host that is slow or has no permit left is not in the heap, so it never holds up another. Within a
host: higher priority first, then in the order found. Hosts take turns.
"""

from __future__ import annotations

import heapq
from itertools import count

from crawler.request import Request
from crawler.url import host_of

# Seconds an empty host is remembered after its pause. `next` is asked for times that lie a little ahead, and a
# host forgotten then would start the links of its last page before the pause is over.
_KEPT = 5.0


class _HostQueue:
    """The requests of one host. `open_at` is when it may be asked; while not `is_open` it is not asked at all."""

    __slots__ = ("is_open", "later", "open_at", "ready", "turn")

    def __init__(self) -> None:
        self.ready: list[tuple[int, int, float, Request]] = []  # heap of (-priority, number, not before, request)
        self.later: list[tuple[float, int, Request]] = []  # heap of (not before, number, request)
        self.is_open = True
        self.open_at = 0.0
        self.turn: tuple[float, int, str] | None = None  # its valid entry in the heap of hosts

    def due(self) -> float:
        """When there is something to do here; an empty queue is looked at once more, to be forgotten."""
        if self.ready:
            return self.open_at
        return max(self.open_at, self.later[0][0]) if self.later else self.open_at + _KEPT


class Window:
    """Implements `protocols.Frontier`. Times are seconds of `time.monotonic`."""

    def __init__(self) -> None:
        self._hosts: dict[str, _HostQueue] = {}
        self._turns: list[tuple[float, int, str]] = []  # heap of (time, number, host), partly out of date
        self._numbers = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, request: Request, not_before: float = 0.0) -> None:
        host = host_of(request.url)
        queue = self._hosts.get(host)
        if queue is None:
            queue = self._hosts[host] = _HostQueue()
        if not_before:
            heapq.heappush(queue.later, (not_before, next(self._numbers), request))
        else:
            heapq.heappush(queue.ready, (-request.priority, next(self._numbers), 0.0, request))
        self._size += 1
        self._schedule(host, queue)

    def next(self, until: float) -> tuple[Request, float] | None:
        """A request and its earliest start, of the host whose turn it is; closes that host. None if none is due."""
        turns = self._turns
        while turns and turns[0][0] <= until:
            turn = heapq.heappop(turns)
            host = turn[2]
            queue = self._hosts.get(host)
            if queue is None or queue.turn is not turn:
                continue  # an entry that a later one has replaced
            queue.turn = None
            if queue.due() > until:
                self._schedule(host, queue)
                continue
            while queue.later and queue.later[0][0] <= until:
                not_before, number, request = heapq.heappop(queue.later)
                heapq.heappush(queue.ready, (-request.priority, number, not_before, request))
            if not queue.ready:
                del self._hosts[host]
                continue
            queue.is_open = False
            self._size -= 1
            _, _, not_before, request = heapq.heappop(queue.ready)
            return request, max(not_before, queue.open_at)
        return None

    def open(self, host: str, at: float) -> None:
        """Let `next` hand out a request of this host from the time `at` on."""
        queue = self._hosts.get(host)
        if queue is None:
            queue = self._hosts[host] = _HostQueue()  # kept until `at` is over, so that the pause is not forgotten
        queue.is_open = True
        queue.open_at = at
        self._schedule(host, queue)

    def next_time(self) -> float | None:
        """When the next host is due, or None if nothing will be due without `open` or `push`."""
        turns = self._turns
        while turns:
            queue = self._hosts.get(turns[0][2])
            if queue is not None and queue.turn is turns[0]:
                return turns[0][0]
            heapq.heappop(turns)
        return None

    def _schedule(self, host: str, queue: _HostQueue) -> None:
        """Put a host into the heap for the time it is due, unless it stands there early enough already."""
        if not queue.is_open:
            return
        due = queue.due()
        if queue.turn is None or due < queue.turn[0]:
            queue.turn = (due, next(self._numbers), host)
            heapq.heappush(self._turns, queue.turn)

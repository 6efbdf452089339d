"""The frontier: a window over the ledger, with a queue per host and a heap of hosts by the time they may be asked next.

A host that is slow or has no permit left is not in the heap, so it never holds up another. Within a
host: higher priority first, then in the order found. Hosts take turns.

Only so many requests and hosts are in memory; the others wait behind the window, in the ledger, and are read from
there when room is left (`refill`). What is in memory of a host is what comes first of it, so the order is the same.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from crawler.request import Request
from crawler.url import host_of

# Seconds an empty host is remembered after its pause. `next` is asked for times that lie a little ahead, and a
# host forgotten then would start the links of its last page before the pause is over.
_KEPT = 5.0
_SHARE = (16, 4096)  # the least and the most requests of one host in memory
_MOST_NEW_HOSTS = 256  # hosts read at once

_Key = tuple[int, int]  # (-priority, row): the order within a host
_BEFORE_ALL: _Key = (-(1 << 62), 0)


class Backlog(Protocol):
    """The side that keeps every request that waits: the ledger. Waits are in seconds from now."""

    def waiting(self, host: str, after: tuple[int, int], most: int) -> Sequence[tuple[Request, float]]: ...

    def hosts_waiting(self, after: str, most: int) -> Sequence[str]: ...


class _HostQueue:
    """The requests of one host. `open_at` is when it may be asked; while not `is_open` it is not asked at all.

    With an `edge` there may be more of this host behind the window, all of them after that place.
    """

    __slots__ = ("edge", "is_open", "later", "open_at", "ready", "turn")

    def __init__(self) -> None:
        self.ready: list[tuple[int, int, float, Request]] = []  # heap of (-priority, row, not before, request)
        self.later: list[tuple[float, int, Request]] = []  # heap of (not before, row, request)
        self.edge: _Key | None = None
        self.is_open = True
        self.open_at = 0.0
        self.turn: tuple[float, int, str] | None = None  # its valid entry in the heap of hosts

    def __len__(self) -> int:
        return len(self.ready) + len(self.later)

    def due(self) -> float:
        """When there is something to do here; an empty queue is looked at once more, to be forgotten."""
        if self.ready:
            return self.open_at
        return max(self.open_at, self.later[0][0]) if self.later else self.open_at + _KEPT


class Window:
    """Implements `protocols.Frontier`. Times are seconds of `time.monotonic`.

    `most` requests and `most_hosts` hosts are in memory, give or take what is in flight. Requests have their rows.
    """

    def __init__(self, backlog: Backlog, most: int = 50_000, most_hosts: int = 4096) -> None:
        self._backlog = backlog
        self._most = most
        self._most_hosts = most_hosts
        self._hosts: dict[str, _HostQueue] = {}
        self._turns: list[tuple[float, int, str]] = []  # heap of (time, number, host), partly out of date
        self._numbers = count()
        self._inside = 0  # requests in the queues,
        self._busy = 0  # and how many of these are not empty
        self._behind = 0  # requests that only the ledger has
        self._held: set[int] = set()  # rows that are in the queues or were handed out: not to be read again
        self._hungry: set[str] = set()  # hosts with few requests left in memory and more behind
        self._unknown_hosts = False  # whether there may be hosts behind the window that have no queue,
        self._cursor = ""  # after which name they are looked for,
        self._refused = False  # and whether some were left out since that began at the first name

    def __len__(self) -> int:
        return self._inside + self._behind

    @property
    def is_hungry(self) -> bool:
        """Whether `refill` has something to do."""
        return bool(self._hungry) or (self._unknown_hosts and self._busy < self._most_hosts)

    def recover(self, waiting: int) -> None:
        """Begin with so many requests in the ledger, none of them in memory."""
        assert not self._hosts, "a host that is known before would not be looked for in the ledger"
        self._behind = waiting
        self._unknown_hosts = waiting > 0

    def push(self, request: Request, not_before: float = 0.0) -> None:
        host = host_of(request.url)
        queue = self._queue_of(host, always=bool(not_before))
        key = (-request.priority, request.row)
        if queue is None or (not not_before and queue.edge is not None and key > queue.edge):
            self._behind += 1
            self._held.discard(request.row)
            return
        self._take_in(queue, request, not_before)
        if len(queue.ready) > 2 * self._share:
            self._push_out(queue)
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
                not_before, row, request = heapq.heappop(queue.later)
                heapq.heappush(queue.ready, (-request.priority, row, not_before, request))
            if not queue.ready:
                if queue.edge is None:
                    del self._hosts[host]
                continue
            queue.is_open = False
            self._inside -= 1
            _, _, not_before, request = heapq.heappop(queue.ready)
            if not len(queue):
                self._busy -= 1
            if queue.edge is not None and len(queue.ready) <= self._share // 2:
                self._hungry.add(host)
            return request, max(not_before, queue.open_at)
        return None

    def done(self, request: Request) -> None:
        """A request that was handed out is finished; from the next commit on the ledger does not call it waiting."""
        self._held.discard(request.row)

    def open(self, host: str, at: float) -> None:
        """Let `next` hand out a request of this host from the time `at` on."""
        queue = self._queue_of(host, always=True)
        assert queue is not None
        queue.is_open = True
        queue.open_at = at  # an empty queue is kept until this is over, so that the pause is not forgotten
        self._schedule(host, queue)

    def close(self, host: str) -> None:
        """Hand out no request of this host before it is opened again."""
        queue = self._hosts.get(host)
        if queue is not None:
            queue.is_open = False
            queue.turn = None

    def next_time(self) -> float | None:
        """When the next host is due, or None if nothing will be due without `open`, `push` or `refill`."""
        turns = self._turns
        while turns:
            queue = self._hosts.get(turns[0][2])
            if queue is not None and queue.turn is turns[0]:
                return turns[0][0]
            heapq.heappop(turns)
        return None

    def resting(self) -> list[tuple[str, float]]:
        """The hosts that may be asked at some time after now, and that time."""
        now = time.monotonic()
        return [(host, queue.open_at) for host, queue in self._hosts.items() if queue.is_open and queue.open_at > now]

    def refill(self) -> None:
        """Read from the ledger what has room in memory now. All that was pushed and done has to be committed."""
        hungry, self._hungry = self._hungry, set()
        for host in hungry:
            queue = self._hosts.get(host)
            if queue is not None and queue.edge is not None:
                self._fill(host, queue)
        if self._unknown_hosts and self._busy < self._most_hosts:
            most = min(_MOST_NEW_HOSTS, self._most_hosts - self._busy)
            hosts = self._backlog.hosts_waiting(self._cursor, most)
            for host in hosts:
                if host not in self._hosts:
                    queue = self._hosts[host] = _HostQueue()
                    queue.edge = _BEFORE_ALL
                    self._fill(host, queue)
            if len(hosts) < most:  # all names have been looked at
                self._unknown_hosts, self._refused, self._cursor = self._refused, False, ""
            else:
                self._cursor = hosts[-1]
        if not (self._inside or self._hungry or self._unknown_hosts):
            self._behind = 0  # the ledger has been asked for everything, and it knows

    @property
    def _share(self) -> int:
        """How many requests each host may have in memory."""
        least, most = _SHARE
        return min(most, max(least, self._most // (self._busy or 1)))

    def _queue_of(self, host: str, always: bool) -> _HostQueue | None:
        """The queue of a host, a new one if it has none, or None if there are too many of them already."""
        queue = self._hosts.get(host)
        if queue is not None:
            return queue
        if self._busy >= self._most_hosts and not always:
            self._unknown_hosts = self._refused = True
            return None
        queue = self._hosts[host] = _HostQueue()
        if self._unknown_hosts:  # it may be one of those
            queue.edge = _BEFORE_ALL
            self._hungry.add(host)
        return queue

    def _take_in(self, queue: _HostQueue, request: Request, not_before: float) -> None:
        if not len(queue):
            self._busy += 1
        if not_before:
            heapq.heappush(queue.later, (not_before, request.row, request))
        else:
            heapq.heappush(queue.ready, (-request.priority, request.row, 0.0, request))
        self._inside += 1
        self._held.add(request.row)

    def _push_out(self, queue: _HostQueue) -> None:
        """Leave to the ledger what comes last of a host."""
        queue.ready.sort()
        rest = queue.ready[self._share :]
        del queue.ready[self._share :]
        queue.edge = queue.ready[-1][:2]
        self._held.difference_update(row for _, row, _, _ in rest)
        self._inside -= len(rest)
        self._behind += len(rest)

    def _fill(self, host: str, queue: _HostQueue) -> None:
        """Read the next requests of a host, up to its share."""
        now = time.monotonic()
        while queue.edge is not None and (missing := self._share - len(queue)) > 0:
            rank, row = queue.edge
            found = self._backlog.waiting(host, (-rank, row), missing)
            for request, wait in found:
                if request.row not in self._held:
                    self._take_in(queue, request, now + wait if wait else 0.0)
                    self._behind -= 1
            last = found[-1][0] if found else None
            queue.edge = (-last.priority, last.row) if last is not None and len(found) == missing else None
        self._schedule(host, queue)

    def _schedule(self, host: str, queue: _HostQueue) -> None:
        """Put a host into the heap for the time it is due, unless it stands there early enough already."""
        if not queue.is_open or (queue.edge is not None and not len(queue)):  # it waits for `refill`
            return
        due = queue.due()
        if queue.turn is None or due < queue.turn[0]:
            queue.turn = (due, next(self._numbers), host)
            heapq.heappush(self._turns, queue.turn)

"""A host as an object: its permits, and when it may be asked again.

Permits are taken by the parent before dispatch, without blocking, and given back on landing: no worker
sleeps on politeness, and a dead worker cannot keep a permit. Only the parent uses them, so they are
`threading` semaphores; the process-shared kind costs far more and runs out at 65,306 of them.
"""

from __future__ import annotations

from threading import BoundedSemaphore


class Host:
    """One host (name and port) with requests in flight."""

    __slots__ = ("in_flight", "next_start", "permits")

    def __init__(self, permits: int) -> None:
        self.permits = BoundedSemaphore(permits)
        self.in_flight = 0
        self.next_start = 0.0


class Hosts:
    """All hosts with requests in flight; the others need no memory here. Times are seconds of `time.monotonic`."""

    def __init__(self, per_host: int, delay: float) -> None:
        self._per_host = per_host
        self._delay = delay
        self._hosts: dict[str, Host] = {}

    @property
    def in_flight(self) -> int:
        """Permits that are out, over all hosts."""
        return sum(host.in_flight for host in self._hosts.values())

    def enter(self, name: str, start: float) -> float | None:
        """Take a permit for a request that starts at `start`; when the host may start the next one.

        None says that the host has no permit left and has to wait for a landing. Raises `ValueError`
        if there was none to take.
        """
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(self._per_host)
        if not host.permits.acquire(blocking=False):
            raise ValueError(f"{name} has no permit left")
        host.in_flight += 1
        host.next_start = start + self._delay
        return host.next_start if host.in_flight < self._per_host else None

    def leave(self, name: str, started: float | None) -> float:
        """Give a permit back; when the host may start the next request.

        `started` is the true start that the worker reported, None for a request that never started.
        """
        host = self._hosts[name]
        host.permits.release()
        host.in_flight -= 1
        if started is not None:
            host.next_start = max(host.next_start, started + self._delay)
        if not host.in_flight:
            del self._hosts[name]
        return host.next_start

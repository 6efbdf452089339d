"""A host as an object: its permits, and when it may be asked again.

Permits are taken by the parent before dispatch, without blocking, and given back on landing: no worker
sleeps on politeness, and a dead worker cannot keep a permit. Only the parent uses them, so they are
`threading` semaphores; the process-shared kind costs far more and runs out at 65,306 of them.
"""

from __future__ import annotations

from threading import BoundedSemaphore


class Host:
    """One host (name and port) with requests in flight, at most `limit`."""

    __slots__ = ("in_flight", "limit", "next_start", "permits", "surplus")

    def __init__(self, limit: int) -> None:
        self.in_flight = 0
        self.next_start = 0.0
        self.resize(limit)

    def resize(self, limit: int) -> None:
        """Another number of permits, from now on. Those that are out already land without giving one back."""
        self.limit = limit
        self.permits = BoundedSemaphore(limit)
        self.surplus = max(0, self.in_flight - limit)
        for _ in range(self.in_flight - self.surplus):
            self.permits.acquire(blocking=False)

    def release(self) -> None:
        """A request has landed."""
        self.in_flight -= 1
        if self.surplus:
            self.surplus -= 1
        else:
            self.permits.release()


class Hosts:
    """All hosts with requests in flight; the others need no memory here. Times are seconds of `time.monotonic`."""

    def __init__(self, per_host: int, delay: float) -> None:
        self._per_host = per_host
        self._delay = delay
        self._hosts: dict[str, Host] = {}
        self._own_limits: dict[str, int] = {}
        self._own_delays: dict[str, float] = {}
        self.in_flight = 0  # permits that are out, over all hosts

    def delay_of(self, name: str) -> float:
        """Seconds between the starts of two requests to a host."""
        return self._own_delays.get(name, self._delay) if self._own_delays else self._delay

    def set_delay(self, delay: float, name: str = "") -> None:
        """Another delay from now on, for one host, or for all that have none of their own."""
        if name:
            self._own_delays[name] = delay
        else:
            self._delay = delay

    def set_per_host(self, limit: int, name: str = "") -> dict[str, float]:
        """Another number of permits, for one host or all others; the hosts that may be asked again, and from when."""
        if name:
            self._own_limits[name] = limit
        else:
            self._per_host = limit
        opened = {}
        for found, host in self._hosts.items():
            wanted = self._own_limits.get(found, self._per_host)
            if wanted != host.limit:
                host.resize(wanted)
                if host.in_flight < wanted:
                    opened[found] = host.next_start
        return opened

    def enter(self, name: str, start: float) -> float | None:
        """Take a permit for a request that starts at `start`; when the host may start the next one.

        None says that the host has no permit left and has to wait for a landing. Raises `ValueError`
        if there was none to take.
        """
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(self._own_limits.get(name, self._per_host))
        if not host.permits.acquire(blocking=False):
            raise ValueError(f"{name} has no permit left")
        host.in_flight += 1
        self.in_flight += 1
        host.next_start = start + self.delay_of(name)
        return host.next_start if host.in_flight < host.limit else None

    def leave(self, name: str, started: float | None) -> float:
        """Give a permit back; when the host may start the next request.

        `started` is the true start that the worker reported, None for a request that never started.
        """
        host = self._hosts[name]
        host.release()
        self.in_flight -= 1
        if started is not None:
            host.next_start = max(host.next_start, started + self.delay_of(name))
        if not host.in_flight:
            del self._hosts[name]
        return host.next_start

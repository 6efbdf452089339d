"""A host as an object: its permits, and when it may be asked again.

Permits are taken by the parent before dispatch, without blocking, and given back on landing: no worker
sleeps on politeness, and a dead worker cannot keep a permit. Only the parent uses them, so they are
`threading` semaphores; the process-shared kind costs far more and runs out at 65,306 of them.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from threading import BoundedSemaphore

from crawler.host_table import HostTable
from crawler.politeness.adaptive import Adaptive
from crawler.politeness.addresses import Addresses
from crawler.politeness.breaker import Breaker
from crawler.response import Outcome, Response
from crawler.retry_after import retry_after

_MOST_KNOWN = 50_000  # hosts whose own wish is remembered
_ASKS_FOR_LESS = frozenset({429, 503})
_FAULTS_OF_HOSTS = frozenset({"connect", "dns", "timeout", "reset", "protocol"})
_SIGNS_OF_LOAD = frozenset({"timeout", "reset"})  # whoever does not answer at all is the breaker's


class Host:
    """One host (name and port) with requests in flight, at most `limit`. `gap` is the delay after its last start."""

    __slots__ = ("gap", "in_flight", "limit", "next_start", "permits", "surplus")

    def __init__(self, limit: int) -> None:
        self.in_flight = 0
        self.next_start = 0.0
        self.gap = 0.0
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
    """All hosts with requests in flight; the others need no memory here. Times are seconds of `time.monotonic`.

    `table` has what single hosts have for themselves. The delay varies by the part `jitter` of itself. `adaptive`
    and `breaker` say how a host's answers change how it is asked; `max_retry_after` bounds what it may ask for. With
    `addresses` the permits and the pause are those of the server's address, which many hosts may share.
    """

    def __init__(
        self,
        per_host: int,
        delay: float,
        *,
        jitter: float = 0.0,
        table: HostTable | None = None,
        adaptive: Adaptive | None = None,
        breaker: Breaker | None = None,
        max_retry_after: float = 600.0,
        addresses: Addresses | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._per_host = per_host
        self._delay = delay
        self._jitter = jitter
        self._table = table or HostTable(())
        self._adaptive = adaptive
        self._breaker = breaker
        self._max_retry_after = max_retry_after or math.inf
        self._addresses = addresses
        self._parked: set[str] = set()
        self._groups: dict[str, str] = {}  # the addresses of hosts, where they count by these
        self._queues: dict[str, list[str]] = {}  # by address: hosts that wait for a permit of it
        self._uniform = uniform
        self._hosts: dict[str, Host] = {}
        self._own_limits: dict[str, int] = {}
        self._own_delays: dict[str, float] = {}
        self._asked_for: dict[str, float] = {}  # Crawl-delay
        self.in_flight = 0  # permits that are out, over all hosts

    # -- what is wanted of a host --------------------------------------------------------------------------------

    def delay_of(self, name: str) -> float:
        """Seconds between the starts of two requests to a host, before it adapts and varies."""
        delay = self._delay
        if self._table:
            own = self._table.of(name).delay
            delay = delay if own is None else own
        if self._own_delays:
            delay = self._own_delays.get(name, delay)
        if self._asked_for:
            delay = max(delay, self._asked_for.get(name, 0.0))
        return delay

    def limit_of(self, name: str) -> int:
        """Requests a host may have in flight."""
        limit = self._per_host
        if self._table:
            limit = self._table.of(name).per_host or limit
        return self._own_limits.get(name, limit) if self._own_limits else limit

    def set_delay(self, delay: float, name: str = "") -> None:
        """Another delay from now on, for one host, or for all that have none of their own."""
        if name:
            self._own_delays[name] = delay
        else:
            self._delay = delay

    def ask_for(self, name: str, delay: float) -> None:
        """A host asks for at least this delay itself; what it asked for before holds too, if that is longer."""
        delay = max(delay, self._asked_for.pop(name, 0.0))
        if len(self._asked_for) >= _MOST_KNOWN:
            del self._asked_for[next(iter(self._asked_for))]
        self._asked_for[name] = delay

    def set_per_host(self, limit: int, name: str = "") -> dict[str, float]:
        """Another number of permits, for one host or all others; the hosts that may be asked again, and from when."""
        if name:
            self._own_limits[name] = limit
        else:
            self._per_host = limit
        opened = {}
        for found, host in self._hosts.items():
            wanted = self.limit_of(found)
            if wanted != host.limit:
                host.resize(wanted)
                if host.in_flight < wanted and found not in self._parked:
                    opened[found] = host.next_start
        return opened

    # -- permits -------------------------------------------------------------------------------------------------

    def admit(self, name: str, start: float) -> float | None:
        """When a host may start that was to start at `start`; None = not yet, `released` will name it.

        It differs only where hosts count by their address, and others are at the same one.
        """
        if self._addresses is None:
            return start
        address = self._addresses.of(name)
        if address is None:
            self.park(name)
            return None
        self._groups[name] = address
        host = self._hosts.get(address)
        if host is None:
            return start
        if not self._may_have_more(name, host):
            waiting = self._queues.setdefault(address, [])
            if name not in waiting:
                waiting.append(name)
            return None
        return max(start, host.next_start)

    def released(self, name: str) -> list[tuple[str, float]]:
        """After a landing of `name`: the other hosts at its address that waited for that, and when each may start."""
        if not self._queues:
            return []
        address = self._key(name)
        waiting = self._queues.pop(address, [])
        host = self._hosts.get(address)
        at = host.next_start if host is not None else 0.0
        return [(other, at) for other in waiting]

    def can_enter(self, name: str) -> bool:
        """Whether a host has a permit left."""
        host = self._hosts.get(self._key(name))
        return host is None or host.in_flight < host.limit

    def enter(self, name: str, start: float, *, unhurried: bool = True) -> float | None:
        """Take a permit for a request that starts at `start`; when the host may start the next one.

        None says that the host has to wait for a landing. Without `unhurried` the start does not count for the delay.
        Raises `ValueError` if there was no permit to take.
        """
        key = self._key(name)
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = Host(self.limit_of(name))
        if not host.permits.acquire(blocking=False):
            raise ValueError(f"{name} has no permit left")
        host.in_flight += 1
        self.in_flight += 1
        if unhurried:
            host.gap = self._gap_of(name)
            host.next_start = start + host.gap
        return host.next_start if self._may_have_more(name, host) else None

    def gap(self, name: str) -> float:
        """Seconds a request has to keep from the start of another one of its host that may be in flight, 0.0 = none."""
        host = self._hosts.get(self._key(name))
        return host.gap if host is not None and host.limit > 1 else 0.0

    def leave(self, name: str, started: float | None, outcome: Outcome | None = None, now: float = 0.0) -> float | None:
        """Give a permit back; when the host may start the next request, None = it has to wait for another landing.

        `started` is the true start that the worker reported, None for a request of which nobody knows. `outcome`
        tells how the host is; `now` is the time.
        """
        key = self._key(name)
        host = self._hosts[key]
        host.release()
        self.in_flight -= 1
        if outcome is not None:
            self._learn(name, host, started or now, outcome, now)
        if started is not None:
            host.next_start = max(host.next_start, started + host.gap)
        elif now:
            host.next_start = max(host.next_start, now + host.gap)
        next_start = host.next_start if self._may_have_more(name, host) else None
        self._forget(name, key, host)
        return next_start

    def park(self, name: str) -> None:
        """Nothing of this host is to be handed out until `unpark`."""
        self._parked.add(name)

    def unpark(self, name: str) -> float | None:
        """A parked host goes on; when it may start the next request, None = after a landing."""
        self._parked.discard(name)
        key = self._key(name)
        host = self._hosts.get(key)
        if host is None or self._addresses is not None:  # there `admit` says when
            return 0.0
        next_start = host.next_start if self._may_have_more(name, host) else None
        self._forget(name, key, host)
        return next_start

    def given_up(self, name: str) -> str:
        """Why nothing more is asked of this host, or ""."""
        return self._breaker.given_up(name) if self._breaker is not None else ""

    def _may_have_more(self, name: str, host: Host) -> bool:
        if host.in_flight >= host.limit or name in self._parked:
            return False
        return not host.in_flight or self._breaker is None or not self._breaker.is_trying(name)

    def _key(self, name: str) -> str:
        return self._groups.get(name, name) if self._groups else name

    def _forget(self, name: str, key: str, host: Host) -> None:
        """A host without work needs no memory, unless somebody asks when it may start again."""
        if host.in_flight:
            return
        if self._addresses is None:
            if name not in self._parked:
                del self._hosts[key]
        elif len(self._hosts) > _MOST_KNOWN:
            now = time.monotonic()
            self._hosts = {key: host for key, host in self._hosts.items() if host.in_flight or host.next_start > now}
            self._groups = {name: key for name, key in self._groups.items() if key in self._hosts}

    def _gap_of(self, name: str) -> float:
        delay = self.delay_of(name)
        if self._adaptive is not None:
            delay = self._adaptive.delay(name, delay)
        if self._jitter:  # our own delay may be shorter for once, what the host asks for may not
            delay = max(delay * self._uniform(1 - self._jitter, 1 + self._jitter), self._asked_for.get(name, 0.0))
        return delay

    def _learn(self, name: str, host: Host, started: float, outcome: Outcome, now: float) -> None:
        """What an outcome says about the host."""
        if isinstance(outcome, Response):
            fails = is_troubled = outcome.status >= 500 or outcome.status == 429
            if outcome.status in _ASKS_FOR_LESS and (value := outcome.headers.get("retry-after")) is not None:
                seconds = min(retry_after(value, time.time()) or 0.0, self._max_retry_after)
                host.next_start = max(host.next_start, now + seconds)
        elif outcome.kind in _FAULTS_OF_HOSTS:
            fails = True
            is_troubled = outcome.kind in _SIGNS_OF_LOAD
        else:
            return
        if self._adaptive is not None:
            least = self.delay_of(name)
            if is_troubled:
                self._adaptive.troubled(name, least)
                host.gap = max(host.gap, self._gap_of(name))
            elif not fails:
                self._adaptive.answered(name, outcome.seconds / host.limit, least)
        if self._breaker is not None:
            if fails:
                host.next_start = max(host.next_start, self._breaker.failed(name, started, now, _told(outcome)))
            else:
                self._breaker.succeeded(name)


def _told(outcome: Outcome) -> str:
    return f"status {outcome.status}" if isinstance(outcome, Response) else str(outcome)

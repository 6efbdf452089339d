"""Which permits and which delay a host was promised at a moment: the settings of a run, and what changed them since.

Times are seconds since 1970. What the engine does on its own (a delay that adapts, a breaker, Retry-After) only makes
a host wait longer, so it is no part of the promise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from crawler.host_table import HostSettings, HostTable

FOREVER = float("inf")
SETTLING = 1.0  # seconds after a change in which requests may begin that the workers had been given before


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What `crawl set` changed, for one host or ("") for all that have nothing of their own."""

    setting: str
    value: float
    host: str = ""
    at: float = 0.0


class OwnRules(msgspec.Struct, frozen=True):
    """What a `[[host]]` table says about politeness."""

    match: str
    per_host: int | None = None
    delay: float | None = None


class Part(msgspec.Struct, frozen=True):
    """A part of a run, until a resume changed its settings. `changes` are in the order of their times."""

    until: float
    per_host: int
    delay: float
    jitter: float = 0.0
    hosts: list[OwnRules] = []
    changes: list[Change] = []


class Rule(NamedTuple):
    """From `since` on: requests at once, and the least number of seconds between two starts."""

    since: float
    permits: int
    delay: float


@dataclass(frozen=True)
class Promise:
    """What one host was promised. `asked` are its own Crawl-delays, each with the time from which on it was known."""

    rules: Sequence[Rule]
    asked: Sequence[tuple[float, float]] = ()

    def permits(self, at: float) -> int:
        """Requests that may be in flight when one starts at `at`."""
        rules = self.rules if len(self.rules) == 1 else self._between(at, at)
        return max(rule.permits for rule in rules)

    def delay(self, before: float, at: float) -> float:
        """Seconds that a start at `at` has to keep from the one at `before`."""
        rules = self.rules if len(self.rules) == 1 else self._between(before, at)
        delay = min(rule.delay for rule in rules)
        return max([delay, *(asked for since, asked in self.asked if before >= since)]) if self.asked else delay

    def _between(self, before: float, at: float) -> Sequence[Rule]:
        """The rules under which a request may have been handed out: while one takes the place of another, both."""
        first = bisect_right(self.rules, before - SETTLING, key=lambda rule: rule.since)
        last = bisect_right(self.rules, at, key=lambda rule: rule.since)
        return self.rules[max(first - 1, 0) : max(last, 1)]


@dataclass
class _State:
    """The settings at one moment."""

    since: float
    part: Part
    permits: float
    delay: float
    table: HostTable
    own_permits: dict[str, float] = field(default_factory=dict)
    own_delays: dict[str, float] = field(default_factory=dict)

    def rule(self, host: str) -> Rule:
        own = self.table.of(host)
        permits = self.own_permits.get(host, own.per_host or self.permits)
        delay = self.own_delays.get(host, self.delay if own.delay is None else own.delay)
        return Rule(self.since, int(permits), delay * (1 - self.part.jitter))


class InForce:
    """All hosts of a run. `asked(host)` gives a host's own Crawl-delays, see `Promise`."""

    def __init__(
        self, parts: Sequence[Part], asked: Callable[[str], Sequence[tuple[float, float]]] = lambda _: ()
    ) -> None:
        self._asked = asked
        self._states: list[_State] = []
        begins = 0.0
        for part in parts:
            self._add(part, begins)
            begins = part.until

    def of(self, host: str) -> Promise:
        """What a host (`name` or `name:port`) was promised."""
        rules: list[Rule] = []
        for state in self._states:
            rule = state.rule(host)
            if not rules or rules[-1][1:] != rule[1:]:
                rules.append(rule)
        return Promise(rules, self._asked(host))

    def _add(self, part: Part, begins: float) -> None:
        table = HostTable([HostSettings(own.match, per_host=own.per_host, delay=own.delay) for own in part.hosts])
        state = _State(begins, part, part.per_host, part.delay, table)
        self._states.append(state)
        for change in part.changes:
            state = _changed(state, change)
            # A later part begins with what was changed in the earlier ones.
            if change.at <= begins:
                self._states[-1] = state
            else:
                self._states.append(state)


def _changed(state: _State, change: Change) -> _State:
    after = _State(
        max(state.since, change.at),
        state.part,
        state.permits,
        state.delay,
        state.table,
        dict(state.own_permits),
        dict(state.own_delays),
    )
    is_delay = change.setting == "politeness.delay"
    if change.host:
        (after.own_delays if is_delay else after.own_permits)[change.host] = change.value
    elif is_delay:
        after.delay = change.value
    else:
        after.permits = change.value
    return after

"""What can be changed while a crawl runs (`crawl set`): a setting, for all hosts or for one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from crawler.engine.ending import Ending
from crawler.errors import UsageError
from crawler.politeness.hosts import Hosts
from crawler.protocols import Frontier


class Change:
    """`answer` is told what came of it: "" = done, else why not."""

    def __init__(
        self, setting: str, value: Any, host: str = "", answer: Callable[[str], None] = lambda _: None
    ) -> None:
        self.setting = setting
        self.value = value
        self.host = host
        self.answer = answer

    def stored(self, at: float) -> list[Any]:
        """As the ledger keeps it, so that a resumed run goes on with it; `at` is when, in seconds since 1970."""
        return [self.setting, self.value, self.host, at]

    @classmethod
    def of(cls, stored: Sequence[Any]) -> Change:
        """The inverse of `stored`."""
        setting, value, host, *_ = stored
        return cls(setting, value, host)


class Changeable(Protocol):
    """The parts of a running crawl that take changes."""

    hosts: Hosts
    frontier: Frontier
    ending: Ending
    concurrency: int


def apply(change: Change, crawl: Changeable) -> None:
    """Let a change take effect, and answer."""
    _SETTINGS[change.setting](crawl, change.value, change.host)
    change.answer("")


def check(setting: str, host: str) -> None:
    """Raises `UsageError` for what cannot be changed in a running crawl."""
    if setting not in _SETTINGS:
        raise UsageError(
            f"{setting} cannot be changed while a crawl runs", hint=f"these can: {', '.join(sorted(_SETTINGS))}"
        )
    if host and not setting.startswith("politeness."):
        raise UsageError(f"{setting} is a setting of the whole crawl", hint="leave out --host")


def _delay(crawl: Changeable, value: float, host: str) -> None:
    resting = [(name, at) for name, at in crawl.frontier.resting() if not host or name == host]
    before = {name: crawl.hosts.delay_of(name) for name, _ in resting}
    crawl.hosts.set_delay(value, host)
    now = time.monotonic()
    for name, at in resting:  # those that rest now rest as long as they would have from the start
        crawl.frontier.open(name, max(now, at - before[name] + crawl.hosts.delay_of(name)))


def _per_host(crawl: Changeable, value: int, host: str) -> None:
    for name, at in crawl.hosts.set_per_host(value, host).items():
        crawl.frontier.open(name, at)


def _concurrency(crawl: Changeable, value: int, _host: str) -> None:
    crawl.concurrency = value


def _limit(name: str) -> Callable[[Changeable, Any, str], None]:
    return lambda crawl, value, _host: crawl.ending.change(name, value)


_SETTINGS: dict[str, Callable[[Changeable, Any, str], None]] = {
    "politeness.delay": _delay,
    "politeness.per_host": _per_host,
    "crawl.concurrency": _concurrency,
    **{f"limits.{name}": _limit(name) for name in ("max_pages", "max_items", "max_time", "stop_after_errors")},
}

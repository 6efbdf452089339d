"""The numbers of a run, counted from its events as they happen. Written by one thread, read by any."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from heapq import nlargest
from typing import Any

import msgspec

from crawler.errors import CrawlError
from crawler.observe.alarm import Alarm
from crawler.observe.events import (
    Answered,
    Blocked,
    Dropped,
    Event,
    Fetched,
    FetchFailed,
    Finished,
    ItemDropped,
    ItemFailed,
    ItemStored,
    ReadFailed,
    Retried,
    Started,
)
from crawler.observe.report import EndedBy, FailedFetch, Place, Report
from crawler.reading import PageError

OTHERS = "for other reasons"
KINDS = 5  # of files that were declared as pages
LISTED = 100  # errors, failures and blocked pages that are kept one by one
HOSTS = 1000  # hosts whose times are kept
RATE_SECONDS = 5  # "now" means this long
_SLOTS = RATE_SECONDS + 1
_CARRIED = (
    "pages",
    "bytes",
    "truncated",
    "items",
    "retried",
    "item_errors",
    "page_error_count",
    "failed",
    "blocked_count",
)


class HostTimes(msgspec.Struct, frozen=True):
    """How a host has answered: number of answers, and their mean time in seconds."""

    host: str
    requests: int
    mean: float


class Snapshot(msgspec.Struct, frozen=True):
    """The numbers at one moment. `rate` counts pages per second over the last 5 s, `average` over the whole run."""

    spiders: tuple[str, ...]
    seconds: float
    pages: int
    bytes: int
    by_status: dict[int, int]
    items: int
    errors: int
    retried: int
    dropped: dict[str, int]
    blocked: int
    rate: float
    average: float
    slowest: tuple[HostTimes, ...]


class Stats:
    """Listens and counts. `clock` gives monotonic seconds, `today` the time of day in UTC."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._today = today
        self._spiders: tuple[str, ...] = ()
        self._started = today()
        self._start = clock()
        self._reason = ""
        self._pages = 0
        self._bytes = 0
        self._by_status: dict[int, int] = {}
        self._truncated = 0
        self._answered: dict[str, int] = {}
        self._items = 0
        self._retried = 0
        self._dropped: dict[str, int] = {}
        self._no_pages: dict[str, int] = {}
        self._item_errors = 0
        self._item_failures: list[tuple[str, str]] = []
        self._item_places: dict[tuple[str, str], Place] = {}
        self._items_dropped: dict[str, int] = {}
        self._page_error_count = 0
        self._page_errors: list[PageError] = []
        self._places: dict[tuple[str, str], Place] = {}
        self._failure_count = 0
        self._failed = 0
        self._failures: list[FailedFetch] = []
        self._failures_by_kind: dict[str, int] = {}
        self._blocked_count = 0
        self._blocked_start = False
        self._blocked: list[tuple[str, str]] = []
        self._hosts: dict[str, tuple[int, float]] = {}  # requests and the sum of their seconds, least recent first
        self._slots = [(-1, 0)] * _SLOTS  # (second, pages in it), by second modulo their number
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            Started: self._on_started,
            Fetched: self._on_fetched,
            Answered: self._on_answered,
            FetchFailed: self._on_fetch_failed,
            Retried: self._on_retried,
            Dropped: self._on_dropped,
            Blocked: self._on_blocked,
            ReadFailed: self._on_read_failed,
            ItemStored: self._on_item_stored,
            ItemFailed: self._on_item_failed,
            ItemDropped: self._on_item_dropped,
            Finished: self._on_finished,
        }
        self.hears: tuple[type[Any], ...] | None = tuple(self._handlers)

    def hear(self, event: Event) -> None:
        """Count one event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def carried(self) -> dict[str, Any]:
        """The counters that a resumed run begins with; an exit code is about the whole run. JSON values."""
        counters: dict[str, Any] = {name: getattr(self, f"_{name}") for name in _CARRIED}
        by_status = {str(status): count for status, count in self._by_status.items()}
        return {**counters, "by_status": by_status, "items_dropped": self._items_dropped}

    def carry(self, counters: dict[str, Any]) -> None:
        """Begin with what `carried` gave in an earlier part of the run."""
        for name in _CARRIED:
            setattr(self, f"_{name}", counters.get(name, 0))
        self._by_status = {int(status): count for status, count in counters.get("by_status", {}).items()}
        self._items_dropped = dict(counters.get("items_dropped", {}))

    def snapshot(self) -> Snapshot:
        """The numbers now. May be called from any thread."""
        seconds = self._clock() - self._start
        return Snapshot(
            spiders=self._spiders,
            seconds=seconds,
            pages=self._pages,
            bytes=self._bytes,
            by_status=dict(self._by_status),
            items=self._items,
            errors=self._page_error_count + self._failed + self._item_errors,
            retried=self._retried,
            dropped=dict(self._dropped),
            blocked=self._blocked_count,
            rate=self._rate(),
            average=self._pages / seconds if seconds > 0 else 0.0,
            slowest=self._slowest(),
        )

    def report(
        self,
        outputs: Sequence[str] = (),
        kept: Sequence[dict[str, Any]] = (),
        notes: Sequence[str] = (),
        manners: Sequence[str] = (),
        ended_by: EndedBy = "",
        error: CrawlError | None = None,
        max_errors: int = 0,
        allow_empty: bool = False,
        run: str = "",
        verbose: bool = False,
        drift: Sequence[Alarm] = (),
    ) -> Report:
        """The report of the run that ends now.

        `kept` are the items, where they were collected; `notes` are what outputs have to say, `manners` what the
        settings do; `error` is what broke the run; `run` is its folder; `verbose` says that each page was logged;
        `drift` are the alarms.
        """
        return Report(
            spiders=self._spiders,
            started=self._started,
            ended=self._today(),
            seconds=self._clock() - self._start,
            reason=self._reason or ("failed" if error else "ended"),
            pages=self._pages,
            by_status=dict(self._by_status),
            bytes=self._bytes,
            truncated=self._truncated,
            answered=dict(self._answered),
            items=list(kept),
            notes=list(notes),
            manners=list(manners),
            item_count=self._items,
            item_errors=self._item_errors,
            item_failures=list(self._item_failures),
            item_places=sorted(self._item_places.values(), key=lambda place: -place.count),
            items_dropped=dict(self._items_dropped),
            page_errors=list(self._page_errors),
            page_error_count=self._page_error_count,
            places=sorted(self._places.values(), key=lambda place: -place.count),
            failures=list(self._failures),
            failure_count=self._failure_count,
            failures_by_kind=dict(self._failures_by_kind),
            failed=self._failed,
            retried=self._retried,
            dropped=dict(self._dropped),
            no_pages=dict(self._no_pages),
            blocked=list(self._blocked),
            blocked_count=self._blocked_count,
            blocked_start=self._blocked_start,
            outputs=tuple(outputs),
            ended_by=ended_by,
            error=error.message if error else "",
            error_code=error.exit_code if error else 0,
            max_errors=max_errors,
            allow_empty=allow_empty,
            run=run,
            verbose=verbose,
            drift=list(drift),
        )

    def _on_started(self, event: Started) -> None:
        self._spiders = event.spiders
        self._started = self._today()
        self._start = self._clock()

    def _on_fetched(self, event: Fetched) -> None:
        self._pages += 1
        self._bytes += event.size
        self._truncated += event.truncated
        self._by_status[event.status] = self._by_status.get(event.status, 0) + 1
        second = int(self._clock())
        slot = second % _SLOTS
        known, pages = self._slots[slot]
        self._slots[slot] = (second, pages + 1 if known == second else 1)
        requests, seconds = self._hosts.pop(event.host, (0, 0.0))  # taken out and put back: now the most recent
        self._hosts[event.host] = (requests + 1, seconds + event.seconds)
        if len(self._hosts) > HOSTS:
            self._forget_hosts()

    def _on_answered(self, event: Answered) -> None:
        self._answered[event.by] = self._answered.get(event.by, 0) + 1

    def _on_fetch_failed(self, event: FetchFailed) -> None:
        self._failure_count += 1
        self._failed += event.error
        self._failures_by_kind[event.kind] = self._failures_by_kind.get(event.kind, 0) + 1
        if len(self._failures) < LISTED:
            self._failures.append(FailedFetch(event.url, event.kind, event.detail, event.error))

    def _on_retried(self, event: Retried) -> None:
        self._retried += 1

    def _on_dropped(self, event: Dropped) -> None:
        rule = event.reason.partition(":")[0]
        self._dropped[rule] = self._dropped.get(rule, 0) + 1
        if rule == "content":
            what = event.reason.removeprefix("content: ")
            what = what if what in self._no_pages or len(self._no_pages) < KINDS else "other files declared so"
            self._no_pages[what] = self._no_pages.get(what, 0) + 1

    def _on_blocked(self, event: Blocked) -> None:
        self._blocked_count += 1
        self._blocked_start = self._blocked_start or event.start
        if len(self._blocked) < LISTED:
            self._blocked.append((event.url, event.reason))

    def _on_read_failed(self, event: ReadFailed) -> None:
        error = event.error
        self._page_error_count += 1
        if len(self._page_errors) < LISTED:
            self._page_errors.append(error)
        key = (error.where or error.message, error.kind)  # without a line, only what is said tells them apart
        place = self._places.get(key)
        if place is not None:
            self._places[key] = msgspec.structs.replace(place, count=place.count + 1)
        elif len(self._places) < LISTED:
            self._places[key] = Place(error.where, error.kind, error.message, error.url, 1, error.callback)

    def _on_item_stored(self, event: ItemStored) -> None:
        self._items += event.count

    def _on_item_failed(self, event: ItemFailed) -> None:
        self._item_errors += 1
        if len(self._item_failures) < LISTED:
            self._item_failures.append((event.url, event.reason))
        key = (event.where, event.what or event.reason)
        place = self._item_places.get(key)
        if place is not None:
            self._item_places[key] = msgspec.structs.replace(place, count=place.count + 1)
        elif len(self._item_places) < LISTED:
            self._item_places[key] = Place(event.where, key[1], event.reason, event.url, 1)

    def _on_item_dropped(self, event: ItemDropped) -> None:
        reason = event.reason if event.reason in self._items_dropped or len(self._items_dropped) < LISTED else OTHERS
        self._items_dropped[reason] = self._items_dropped.get(reason, 0) + 1

    def _on_finished(self, event: Finished) -> None:
        self._reason = event.reason

    def _rate(self) -> float:
        now = self._clock()
        since = max(int(now) - RATE_SECONDS, self._start)
        pages = sum(pages for second, pages in self._slots if second >= int(since))
        # A run that has just begun has no rate yet that would mean anything; half a second is too short to divide by.
        return pages / max(now - since, 0.5)

    def _slowest(self) -> tuple[HostTimes, ...]:
        known = list(self._hosts.copy().items())  # a copy is one step; other threads cannot come between
        slowest = nlargest(5, known, key=_mean)
        return tuple(HostTimes(host, requests, seconds / requests) for host, (requests, seconds) in slowest)

    def _forget_hosts(self) -> None:
        """Keep the most recent and the slowest hosts, a quarter of the limit each, so that this is rarely needed."""
        known = list(self._hosts.items())
        recent = known[-HOSTS // 4 :]
        slowest = nlargest(HOSTS // 4, known[: -HOSTS // 4], key=_mean)
        self._hosts = dict(slowest + recent)


def _mean(entry: tuple[str, tuple[int, float]]) -> float:
    requests, seconds = entry[1]
    return seconds / requests

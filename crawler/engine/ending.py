"""When a crawl ends: what is counted against the limits, and why nothing departs any more."""

from __future__ import annotations

import time

import msgspec

from crawler.settings import Limits


class Ending:
    """`reason` is why nothing departs any more, "" while something may. What is in flight may land for a while."""

    def __init__(self, limits: Limits, stop_grace: float) -> None:
        self.limits = limits
        self.reason = ""
        self.pages = 0
        self.items = 0
        self.errors = 0
        self.began = time.monotonic()
        self.stop_grace = stop_grace
        self._grace_ends = 0.0

    def end(self, reason: str, at_once: bool = False) -> None:
        """Nothing departs from now on; `at_once`: what is in flight is not waited for. The first reason counts."""
        if not self.reason:
            self.reason = reason
            self._grace_ends = 0.0 if at_once else time.monotonic() + self.stop_grace

    @property
    def is_grace_over(self) -> bool:
        """Whether what is still in flight is not waited for."""
        return time.monotonic() > self._grace_ends

    def count_errors(self, number: int) -> None:
        self.errors += number
        if self.limits.stop_after_errors and self.errors >= self.limits.stop_after_errors:
            self.end("stop_after_errors reached")

    def check(self) -> None:
        """Look at the counters and the clock."""
        limits = self.limits
        if limits.max_pages and self.pages >= limits.max_pages:
            self.end("max_pages reached")
        elif limits.max_items and self.items >= limits.max_items:
            self.end("max_items reached")
            self._grace_ends = 0.0  # nothing that is in flight could be kept
        elif limits.max_time and time.monotonic() - self.began >= limits.max_time:
            self.end("max_time reached")

    def room(self) -> int | None:
        """How many pages more may be asked for, None = any number."""
        return self.limits.max_pages - self.pages if self.limits.max_pages else None

    def change(self, name: str, value: float) -> None:
        """Another limit from now on."""
        self.limits = msgspec.structs.replace(self.limits, **{name: value})

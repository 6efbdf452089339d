"""Trying again what may pass: network failures and statuses that mean "later"."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.request import Request
from crawler.response import Failure, Outcome
from crawler.rules.status import describe
from crawler.verdict import KEEP, After, Again

# A certificate does not get better, an address does not become allowed, a size does not shrink.
# What killed a worker has had its chances before it comes here.
_PASSING = frozenset({"connect", "dns", "timeout", "reset", "partial", "protocol"})
_SAFE = frozenset({"GET", "HEAD"})  # others might do twice what was meant once


class Retry:
    """Up to `times` retries, the first after `pause` seconds, each later one after twice as long."""

    name = "retry"

    def __init__(self, times: int, statuses: Sequence[int], pause: float, max_pause: float) -> None:
        self._times = times
        self._statuses = frozenset(statuses)
        self._pause = pause
        self._max_pause = max_pause

    def after(self, request: Request, outcome: Outcome) -> After:
        if isinstance(outcome, Failure):
            passing, reason = outcome.kind in _PASSING, str(outcome)
        else:
            passing, reason = outcome.status in self._statuses, f"status: {outcome.status}"
        if not passing or request.attempts >= self._times or request.method not in _SAFE:
            return KEEP
        if not isinstance(outcome, Failure):
            reason = f"status: {describe(outcome.status)}"
        delay = min(self._max_pause, self._pause * 2.0 ** min(request.attempts, 64))
        return Again(request.replace(attempts=request.attempts + 1), delay, reason)

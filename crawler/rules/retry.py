"""Trying again what may pass: network failures and statuses that mean "later".

A host may cost so many retries and no more (a budget that grows with the pages it gives), so that a broken site does
not take several times as long as a sound one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.retry_after import retry_after
from crawler.rules.status import describe
from crawler.url import host_of
from crawler.verdict import KEEP, After, Again, Drop

# A certificate does not get better, an address does not become allowed, a size does not shrink.
# What killed a worker has had its chances before it comes here.
_PASSING = frozenset({"connect", "dns", "timeout", "reset", "partial", "protocol"})
# The resolver's words (glibc, macOS, musl) for a name that is not there. A thousand links to such names must not become
# three thousand questions; a resolver that is down itself says other words, and is asked again.
_NO_SUCH_NAME = ("not known", "no address associated", "does not resolve", "not found")
_MOST_HOSTS = 20_000  # whose retries and pages are counted


class Retry:
    """Up to `times` retries, the first after `pause` seconds, each later one after twice as long.

    - `methods`: what may be repeated; others might do twice what was meant once.
    - `jitter`: a pause is shorter by up to this part of itself. `uniform(0, x)` draws it.
    - `max_retry_after`: what a host asks for is waited for, up to so many seconds.
    - `host_budget`, `host_budget_share`: a host may cost so many retries, and this part of the pages it gave on top;
      without a budget there is no limit.
    - `accepted`: statuses that are handed to the spider, if they are all that comes.
    """

    name = "retry"

    def __init__(
        self,
        times: int,
        statuses: Sequence[int],
        pause: float,
        max_pause: float,
        *,
        jitter: float = 0.0,
        methods: Sequence[str] = ("GET", "HEAD"),
        max_retry_after: float = 600.0,
        host_budget: int = 0,
        host_budget_share: float = 0.0,
        accepted: Sequence[int] = (),
        uniform: Callable[[float, float], float] = random.uniform,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._times = times
        self._statuses = frozenset(statuses)
        self._pause = pause
        self._max_pause = max_pause
        self._jitter = jitter
        self._methods = frozenset(method.upper() for method in methods)
        self._max_retry_after = max_retry_after
        self._budget = host_budget
        self._share = host_budget_share
        self._accepted = frozenset(accepted)
        self._uniform = uniform
        self._now = now
        self._pages: dict[str, int] = {}
        self._retries: dict[str, int] = {}

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is Response and outcome.status not in self._statuses:
            if self._budget:
                _count(self._pages, host_of(request.url))
            return KEEP
        if request.attempts >= self._times or request.method not in self._methods or not _may_pass(outcome):
            return KEEP
        reason = str(outcome) if isinstance(outcome, Failure) else f"status: {describe(outcome.status)}"
        if self._budget and not self._can_pay(host_of(request.url)):
            return self._poor(outcome, reason)
        return Again(request.replace(attempts=request.attempts + 1), self._delay(request, outcome), reason)

    def _delay(self, request: Request, outcome: Outcome) -> float:
        delay = min(self._max_pause, self._pause * 2.0 ** min(request.attempts, 64))
        if self._jitter:
            delay -= self._uniform(0.0, delay * self._jitter)
        if isinstance(outcome, Response):
            asked = retry_after(outcome.headers.get("retry-after", ""), self._now()) or 0.0
            delay = max(delay, min(asked, self._max_retry_after))
        return delay

    def _can_pay(self, host: str) -> bool:
        """Take one retry from the budget of a host, if there is one left."""
        if self._retries.get(host, 0) >= self._budget + self._share * self._pages.get(host, 0):
            return False
        _count(self._retries, host)
        return True

    def _poor(self, outcome: Outcome, reason: str) -> After:
        """What is to be said where another retry would be due, and the host has had enough of them."""
        if isinstance(outcome, Response) and (200 <= outcome.status < 300 or outcome.status in self._accepted):
            return KEEP
        return Drop(f"{reason}; retry: the budget of this host is used up (retry.host_budget)", "failed", error=True)


def _may_pass(outcome: Outcome) -> bool:
    if isinstance(outcome, Response):
        return True  # its status is one of those
    if outcome.kind == "dns":
        detail = outcome.detail.lower()
        return not any(words in detail for words in _NO_SUCH_NAME)
    return outcome.kind in _PASSING


def _count(counts: dict[str, int], host: str) -> None:
    """One more. Too many hosts begin anew, all of them."""
    if len(counts) >= _MOST_HOSTS and host not in counts:
        counts.clear()
    counts[host] = counts.get(host, 0) + 1

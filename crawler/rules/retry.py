"""Trying again what may pass: network failures and statuses that mean "later".

Pauses grow exponentially and vary, so that what failed together is not tried again together; a host may ask for
longer ones (Retry-After). What one URL and one host may cost has a limit.
"""

from __future__ import annotations

import math
import random
import time
from collections import OrderedDict
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
_FOR_NOW = ("temporary", "try again", "timed out", "no end")  # a name that does not exist will not exist soon
_MOST_KNOWN = 10_000  # hosts whose retries are counted


class Retry:
    """Up to `times` retries, the first after `pause` seconds, each later one after twice as long, at most `max_pause`.

    Pauses vary by the part `jitter` of themselves. Only requests with one of `methods` are repeated. A host may cost
    `budget` retries (0: any number), and beyond that `share` of the answers it gave. `max_asked` is the longest pause
    that a host may ask for; 0 is no limit for both. `accepted` are statuses that the spider reads if nothing better
    comes.
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
        budget: int = 100,
        share: float = 0.2,
        max_asked: float = 600.0,
        accepted: Sequence[int] = (),
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._times = times
        self._statuses = frozenset(statuses)
        self._pause = pause
        self._max_pause = max_pause or math.inf
        self._jitter = jitter
        self._methods = frozenset(method.upper() for method in methods)
        self._budget = budget
        self._share = share
        self._max_asked = max_asked or math.inf
        self._accepted = frozenset(accepted)
        self._uniform = uniform
        self._costs: OrderedDict[str, float] = OrderedDict()  # retries by host, less the share of its answers

    def after(self, request: Request, outcome: Outcome) -> After:
        asked = 0.0
        if isinstance(outcome, Failure):
            if not may_pass(outcome):
                return KEEP
            reason = str(outcome)
        else:
            if outcome.status not in self._statuses:
                if self._costs:
                    self._answered(host_of(request.url))
                return KEEP
            reason = f"status: {describe(outcome.status)}"
            value = outcome.headers.get("retry-after")
            asked = min(retry_after(value, time.time()) or 0.0, self._max_asked) if value else 0.0
        if request.attempts >= self._times or request.method not in self._methods:
            return KEEP
        if not self._affords(host_of(request.url)):
            return self._poor(outcome, reason)
        delay = min(self._max_pause, self._pause * 2.0 ** min(request.attempts, 64))
        if self._jitter:
            delay *= self._uniform(1 - self._jitter, 1 + self._jitter)
        return Again(request.replace(attempts=request.attempts + 1), max(delay, asked), reason)

    def _poor(self, outcome: Outcome, reason: str) -> After:
        """What is said where another try would be due, and the host has had enough of them."""
        if isinstance(outcome, Response) and (200 <= outcome.status < 300 or outcome.status in self._accepted):
            return KEEP
        return Drop(f"{reason}; retry: the budget of this host is used up (retry.host_budget)", "failed", error=True)

    def _answered(self, host: str) -> None:
        cost = self._costs.get(host)
        if cost is None:
            return
        if cost <= self._share:
            del self._costs[host]
        else:
            self._costs[host] = cost - self._share

    def _affords(self, host: str) -> bool:
        cost = self._costs.get(host, 0.0)
        if 0 < self._budget <= cost:
            return False
        self._costs[host] = cost + 1
        self._costs.move_to_end(host)
        if len(self._costs) > _MOST_KNOWN:
            self._costs.popitem(last=False)
        return True


def may_pass(failure: Failure) -> bool:
    """Whether another try has a chance."""
    if failure.kind == "dns":
        detail = failure.detail.lower()
        return any(words in detail for words in _FOR_NOW)
    return failure.kind in _PASSING

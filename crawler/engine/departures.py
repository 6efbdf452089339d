"""How requests leave for their hosts and come back: permits, pauses, and what has to be fetched first.

What the rules say before a fetch is carried out here; what they say afterwards, in `engine.judge`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, assert_never

from crawler.engine.firsts import Firsts, parked_host
from crawler.engine.judge import Judge, Landed
from crawler.engine.lanes import Lanes
from crawler.frontier.ledger import Ledger
from crawler.observe import events
from crawler.politeness.addresses import Resolved
from crawler.politeness.hosts import Hosts
from crawler.protocols import Frontier
from crawler.request import Request
from crawler.response import Failure, HeaderPairs, Order, Outcome, Response, ToRead
from crawler.rules.base import Rules
from crawler.url import host_of
from crawler.verdict import Again, Answer, Drop, First, Go, Keep

_LONG_PAUSE = 0.2  # a host's pause beyond this is kept in the ledger, seconds


class Departures:
    """The way out and back. `early` is what is to be read without a fetch: answers of rules, and refusals."""

    def __init__(
        self,
        rules: Sequence[Rules],
        frontier: Frontier,
        ledger: Ledger,
        hosts: Hosts,
        lanes: Lanes,
        judge: Judge,
        emit: Callable[[Any], None],
        to_read: Callable[[Request], ToRead] | None = None,
    ) -> None:
        self._to_read = to_read
        self.early: list[Landed] = []
        self._rules = rules
        self._frontier = frontier
        self._ledger = ledger
        self._hosts = hosts
        self._lanes = lanes
        self._judge = judge
        self._emit = emit
        self._firsts = Firsts(hosts)
        self._tokens = count(1)

    def one(self, request: Request, start: float) -> int:
        """Let one request go; how many went (0 if it is dropped). One whose answer is there already went, too."""
        host = host_of(request.url)
        admitted = self._hosts.admit(host, start)
        if admitted != start:  # somebody else at the same address was quicker
            self._frontier.push(request)
            if admitted is not None:
                self._frontier.open(host, admitted)
            return 0
        verdict = self._rules[request.spider].before(request)
        if type(verdict) in (Go, First) and (given_up := self._hosts.given_up(host)):
            verdict = Drop(f"host: given up after {given_up}", state="failed", error=True)
        match verdict:
            case Go():
                self._reopen(host, self._send(request, verdict, host, start))
                return 1
            case Drop():
                self._refuse(request, verdict, start)
            case First():
                self._hosts.park(host)
                self._frontier.push(request)  # it is asked about again
                return self._first(verdict.request, start)
            case Answer():
                self._frontier.open(host, start)
                outcome = verdict.response
                told = outcome.status if isinstance(outcome, Response) else outcome
                self._ledger.attempt(
                    request, time.time(), 0.0, f"{told} from {verdict.by}" if verdict.by else str(told)
                )
                if isinstance(outcome, Response):
                    self._emit(events.Answered(request.url, outcome.status, verdict.by))
                self.early += self._judge.judge(request, outcome)
                return 1
            case _:
                assert_never(verdict)
        return 0

    def _first(self, request: Request, start: float) -> int:
        """Let a request go that a rule wants first; how many went."""
        verdict = self._rules[request.spider].before(request)
        match verdict:
            case Go():
                host = host_of(request.url)
                if not self._hosts.can_enter(host):
                    self._firsts.add(request, start)
                    return 0
                again_at = self._send(request, verdict, host, start)
                if again_at is None:
                    self._frontier.close(host)
                return 1
            case Answer():
                self.take_first(request, verdict.response)
            case Drop():
                self.take_first(request, Failure(request.url, "guard", verdict.reason))
            case First():
                raise ValueError(f"{request.url} is wanted before {verdict.request.url}, and the other way round")
            case _:
                assert_never(verdict)
        return 0

    def firsts(self, until: float, most: int) -> int:
        """Let those go that rules wanted first and whose time has come by `until`, up to `most`; how many went."""
        return sum([self._first(request, start) for request, start in self._firsts.due(until, most)])

    def next_first(self, now: float) -> float | None:
        """When the next one of those is due that is not due at `now`."""
        return self._firsts.next_time(now)

    def put_back(self, request: Request) -> None:
        """A request that was on its way waits again, as if nothing had happened."""
        if request.purpose:
            self._firsts.add(request, time.monotonic())
        else:
            self._frontier.push(request)

    def leave(self, request: Request, started: float | None, outcome: Outcome | None = None) -> None:
        """A request is not with its host any more, which may be asked again, as may others at the same address."""
        host = host_of(request.url)
        if request.purpose:
            outcome = None  # the rule that wanted it has patience of its own
        self._reopen(host, self._hosts.leave(host, started, outcome, time.monotonic()))
        for other, at in self._hosts.released(host):
            self._frontier.open(other, at)

    def resolved(self, message: Resolved) -> None:
        """It is known at which address a host is, and it goes on."""
        self._reopen(message.host, self._hosts.unpark(message.host))

    def take_first(self, request: Request, outcome: Outcome) -> None:
        """What a rule wanted first is there: its host goes on, or has to wait for another hop or another try."""
        verdict = self._rules[request.spider].first(request, outcome)
        match verdict:
            case Keep():
                host = parked_host(request)
                self._reopen(host, self._hosts.unpark(host))
            case Again():
                self._firsts.add(verdict.request, time.monotonic() + verdict.delay)
                if verdict.delay:
                    self._emit(events.Retried(request.url, verdict.reason, verdict.delay))
            case _:
                assert_never(verdict)

    def _send(self, request: Request, go: Go, host: str, start: float) -> float | None:
        """Give an order to a lane; when its host may have the next one."""
        again_at = self._hosts.enter(host, max(start, time.monotonic()), unhurried=not request.purpose)
        gap = self._hosts.gap(host)
        order = Order(
            next(self._tokens),
            request.url,
            request.method,
            _header_pairs(request, go.header_pairs),
            request.body if not isinstance(request.body, str) else request.body.encode(),
            start,
            request.timeout or 0.0,
            gap,
            go.route,
            request.max_body or 0,
            go.into,
            self._to_read(request) if self._to_read is not None and go.into is None and not request.purpose else None,
        )
        self._lanes.give(order, request, host)
        return again_at

    def _refuse(self, request: Request, verdict: Drop, start: float) -> None:
        """A rule says no when the turn of a request has come."""
        self._frontier.open(host_of(request.url), start)
        if verdict.state == "dropped":
            self._judge.finish(request, "dropped", verdict.reason)
            self._emit(events.Dropped(request.url, verdict.reason))
        else:
            self.early += self._judge.give_up(
                request, Failure(request.url, "host", verdict.reason.partition(": ")[2]), verdict
            )

    def _reopen(self, host: str, at: float | None) -> None:
        """Let a host be asked again, None = not before another landing. A long pause outlives this process."""
        if at is None:
            self._frontier.close(host)
            return
        self._frontier.open(host, at)
        pause = at - time.monotonic()
        if pause > _LONG_PAUSE:
            self._ledger.rest_host(host, pause)


def _header_pairs(request: Request, pairs: HeaderPairs) -> HeaderPairs:
    """The fields of the request, then those of the rules that it does not set itself."""
    own = request.headers
    if not own:
        return pairs
    names = {name.lower() for name in own}
    return (*own.items(), *(pair for pair in pairs if pair[0].lower() not in names))

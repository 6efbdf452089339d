"""What the rules say to outcomes, carried out: a page to read, another attempt or hop, or the end of a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, assert_never

from crawler.engine.ending import Ending
from crawler.engine.offers import without_credentials
from crawler.frontier.ledger import Ledger
from crawler.frontier.tables import State
from crawler.observe import events
from crawler.protocols import Frontier, Seen
from crawler.request import Request
from crawler.response import Failure, FailureKind, Outcome, Response
from crawler.rules.base import Rules
from crawler.url_options import UrlOptions
from crawler.verdict import KEEP, Again, Answer, Drop, Keep


class Landed(NamedTuple):
    """An outcome that a callback is to read, and what becomes of its request once that is stored."""

    request: Request
    outcome: Outcome
    state: State = "done"
    reason: str | None = None
    keep: Keep = KEEP
    reading: bytes | None = None  # what its page gave, if a worker has read it


class Judge:
    """Asks the rules of the spider that wanted the request.

    `leads` are dropped requests with what they lead to, which is to be offered before the next transaction.
    """

    def __init__(
        self,
        rules: Sequence[Rules],
        url_options: Sequence[UrlOptions],
        frontier: Frontier,
        ledger: Ledger,
        seen: Seen,
        ending: Ending,
        emit: Callable[[Any], None],
    ) -> None:
        self.leads: list[tuple[Request, tuple[Request, ...]]] = []
        self._rules = rules
        self._url_options = url_options
        self._frontier = frontier
        self._ledger = ledger
        self._seen = seen
        self._ending = ending
        self._emit = emit

    def judge(self, request: Request, outcome: Outcome) -> list[Landed]:
        """What the rules say to an outcome: a page to read, another attempt, or the end of this request."""
        verdict = self._rules[request.spider].after(request, outcome)
        match verdict:
            case Keep():
                self._ending.pages += 1
                return [Landed(request, outcome, keep=verdict)]
            case Again():
                self._do_again(request, verdict)
                return []
            case Drop():
                return self.give_up(request, outcome, verdict)
            case Answer():
                if verdict.by and isinstance(verdict.response, Response):
                    self._emit(events.Answered(request.url, verdict.response.status, verdict.by))
                return self.judge(request, verdict.response)
            case _:
                assert_never(verdict)

    def give_up(self, request: Request, outcome: Outcome, verdict: Drop) -> list[Landed]:
        """Tell why a request gave nothing; its `on_failure` callback may still read that."""
        kind: str
        if verdict.state == "blocked":
            self._emit(events.Blocked(request.url, verdict.reason, start=request.depth == 0))
            self._emit(events.BlockedPage(request, outcome, verdict.reason))
            kind, detail = "status", verdict.reason
        elif isinstance(outcome, Failure):
            kind, detail = outcome.kind, outcome.detail
        else:
            kind, _, detail = verdict.reason.partition(": ")
        if verdict.state == "failed":
            self._ending.count_errors(1 if verdict.error else 0)
            self._emit(events.FetchFailed(request.url, kind, detail, verdict.error))
        elif verdict.state in ("dropped", "done"):
            self._emit(events.Dropped(request.url, verdict.reason))
        if verdict.leads_to:
            self.leads.append((request, verdict.leads_to))
        if request.on_failure is None or verdict.state in ("dropped", "done"):
            self.finish(request, verdict.state, verdict.reason)
            return []
        if not isinstance(outcome, Failure):
            told: FailureKind = "redirect" if kind == "redirect" else "status"
            outcome = Failure(request.url, told, detail, outcome.seconds)
        return [Landed(request, outcome, verdict.state, verdict.reason)]

    def finish(self, request: Request, state: State, reason: str | None = None) -> None:
        """A request has come to its end, whatever that is."""
        self._ledger.end(request, state, reason)
        self._frontier.done(request)

    def _do_again(self, request: Request, verdict: Again) -> None:
        """Continue a request as another one: a retry, or the next hop of a redirect."""
        following = verdict.request
        if following.hops != request.hops:
            tidy = self._url_options[following.spider](following.url)
            # A site that adds a session id or a mark to the URL would add it again, for ever.
            is_loop = tidy in following.hops
            following = without_credentials(following, following.url if is_loop else tidy)
        allowed = self._rules[following.spider].found(following)
        if type(allowed) is Drop:
            # It was fetched, and is not to be fetched again because nobody wants to know where it leads.
            self.finish(request, "done", f"redirect: to {following.url}: {allowed.reason}")
            self._ledger.drop(following.replace(parent_row=request.row), allowed.reason)
            self._emit(events.Dropped(following.url, allowed.reason))
            return
        if following.hops != request.hops:  # a redirect, which may lead to the same URL
            inside = following.url in following.hops or following.again
            # A hop is a page of its own: it is fetched once, whoever leads there. After a POST it is an answer. A file
            # is that of the URL that was asked for.
            can_be_known = request.method == following.method == "GET" and not inside and following.save is None
            if can_be_known and not self._seen.claim([following.fingerprint])[0]:
                reason = f"redirect: duplicate of {following.url}"
                self.finish(request, "done", reason)
                self._emit(events.Dropped(request.url, reason))
                return
            self._emit(events.Redirected(request.url, verdict.reason))
        else:
            self._emit(events.Retried(request.url, verdict.reason, verdict.delay))
        self._ledger.again(following, verdict.delay)
        self._frontier.push(following, time.monotonic() + verdict.delay if verdict.delay else 0.0)

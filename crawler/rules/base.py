"""The rules of one spider as the engine calls them: one list of functions per moment, in `ORDER`."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.protocols import AfterMoment, BeforeMoment, FirstMoment, FoundMoment, Rule
from crawler.request import Request
from crawler.response import HeaderPairs, Outcome, Route
from crawler.saved import Into
from crawler.verdict import GO, KEEP, After, Before, FirstCame, Found, Go, Keep


class Rules:
    """Asks each rule that defines a moment, and stops at the first that decides.

    Raises `ValueError` for rules that do not stand in the order given.
    """

    def __init__(self, rules: Sequence[Rule], order: Sequence[str]) -> None:
        self.wants_bodies = any(getattr(rule, "wants_bodies", False) for rule in rules)
        positions = [order.index(rule.name) for rule in rules]
        if positions != sorted(positions):
            raise ValueError(f"rules out of order: {[rule.name for rule in rules]}")
        self._found: list[FoundMoment] = [rule.found for rule in rules if hasattr(rule, "found")]
        self._before: list[BeforeMoment] = [rule.before for rule in rules if hasattr(rule, "before")]
        self._first: dict[str, FirstMoment] = {rule.name: rule.first for rule in rules if hasattr(rule, "first")}
        self._overhear: list[AfterMoment] = [rule.overhear for rule in rules if hasattr(rule, "overhear")]
        self._after: list[AfterMoment] = [rule.after for rule in rules if hasattr(rule, "after")]

    def found(self, request: Request) -> Found:
        """Asked when a request is offered."""
        for moment in self._found:
            verdict = moment(request)
            if type(verdict) is not Go:
                return verdict
        return GO

    def before(self, request: Request) -> Before:
        """Asked when its turn has come. The `Go` it gives carries the header fields of all rules."""
        pairs: HeaderPairs = ()
        route: Route | None = None
        into: Into | None = None
        for moment in self._before:
            verdict = moment(request)
            if type(verdict) is not Go:
                return verdict
            if verdict.header_pairs:
                pairs += verdict.header_pairs
            if verdict.route is not None:
                route = verdict.route
            if verdict.into is not None:
                into = verdict.into
        return Go(pairs, route, into)

    def first(self, request: Request, outcome: Outcome) -> FirstCame:
        """Asked when the outcome of what a rule wanted first is there; only that rule is, the others may look at it."""
        for moment in self._overhear:
            moment(request, outcome)
        return self._first[request.purpose](request, outcome)

    def after(self, request: Request, outcome: Outcome) -> After:
        """Asked when its outcome is there. `Keep` means that the spider can read it: it is a `Response`."""
        kept = KEEP
        for moment in self._after:
            verdict = moment(request, outcome)
            if type(verdict) is not Keep:
                return verdict
            if verdict is not KEEP:
                kept = verdict  # only one rule compares with another run
        return kept

"""Tells a recorder what came of each fetch, before any other rule makes something of it."""

from __future__ import annotations

from collections.abc import Callable

from crawler.request import Request
from crawler.response import Outcome
from crawler.verdict import KEEP, After


class Record:
    """`take` is told every outcome, also of what rules wanted first (robots.txt)."""

    name = "record"
    wants_bodies = True  # also of pages that are read elsewhere

    def __init__(self, take: Callable[[Request, Outcome], None]) -> None:
        self._take = take

    def after(self, request: Request, outcome: Outcome) -> After:
        self._take(request, outcome)
        return KEEP

    overhear = after

"""Cookies, kept by the parent: workers are interchangeable, sessions are not.

What is kept and sent is decided by the jar (`rules.cookie_jar`, RFC 6265). What changes in a jar is told, so that a
resumed run has it again: session cookies too, as a run is one session, however often it is interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.rules.cookie_jar import Jar
from crawler.verdict import GO, KEEP, After, Before, Go

Keep = Callable[[str, str, str, str, str | None], None]  # jar, domain, path, name, and the cookie as JSON or None


class Cookies:
    """One jar per name in `Request.jar`. A request's own `cookies` are sent as well, and are not kept.

    `keep` is told of each cookie that is set, and with None of each that is gone. `kept` is what it was told in an
    earlier part of the run: pairs of jar and cookie. `now` gives the seconds since 1970.
    """

    name = "cookies"

    def __init__(
        self,
        keep: Keep | None = None,
        kept: Iterable[tuple[str, str]] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keep = keep or _forget
        self._now = now
        self._jars: dict[str, Jar] = {}
        for name, text in kept:
            self._jar(name).restore(text, now())

    def before(self, request: Request) -> Before:
        own = request.cookies
        jar = self._jars.get(request.jar or "") if self._jars else None
        if jar is None and not own:
            return GO
        pairs = list(own.items()) if own else []
        if jar is not None:
            kept = jar.pairs(request.url, self._now())
            pairs += [pair for pair in kept if pair[0] not in own] if own else kept
        return Go((("Cookie", "; ".join([f"{name}={value}" for name, value in pairs])),)) if pairs else GO

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is Response:
            for name, value in outcome.header_pairs:
                if len(name) == 10 and name.lower() == "set-cookie":
                    self._jar(request.jar or "").store(request.url, value, self._now())
        return KEEP

    def _jar(self, name: str) -> Jar:
        jar = self._jars.get(name)
        if jar is None:
            jar = self._jars[name] = Jar(partial(self._keep, name))
        return jar


def _forget(*_: str | None) -> None: ...

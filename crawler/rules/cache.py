"""A cache for development: while a spider is being written, the site is asked once for each page.

`Always` does not ask whether an answer is still true. `cache_rfc9111.py` is the rule for who wants to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from crawler.digest import digest_of
from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.rules.cache_folder import CacheFolder, Stored
from crawler.url import host_of
from crawler.verdict import GO, KEEP, After, Answer, Before

BY = "the cache"  # what people are told
_METHODS = frozenset({"GET", "HEAD", "POST"})
_STATUSES = frozenset({*range(200, 300), 300, 301, 302, 303, 307, 308, 404, 410} - {206})


class Always:
    """Whatever was fetched once is not fetched again, for `max_age` seconds; 0 = ever.

    Kept are whole answers of success, redirects, and 404 and 410, to GET, HEAD, and POST with the same body. A request
    with `again` is fetched, and its answer kept. A form that changes the session (a POST that is answered with a
    redirect or a cookie, as a login is) parts what comes after it from what came before. Part of a page (`Range`) is
    neither kept nor answered. What another rule wanted first (robots.txt) is kept as well, so that a site can be
    crawled again without a network.
    """

    name = "cache"
    wants_bodies = True

    def __init__(self, folder: CacheFolder, max_age: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._max_age = max_age
        self._clock = clock
        self._changes: dict[tuple[str, str], int] = {}  # what changed the sessions of a jar at a host

    def before(self, request: Request) -> Before:
        if request.again or not _is_whole(request):
            return GO
        session = self._session(request)
        for stored in self._folder.read(request):
            is_fresh = not self._max_age or self._clock() - stored.at < self._max_age
            if is_fresh and stored.session == session:
                return Answer(stored.response(request.url), by=BY)
        return GO

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is not Response:
            return KEEP
        session = self._session(request)
        if request.method == "POST" and (300 <= outcome.status < 400 or "set-cookie" in outcome.headers):
            # In any order, as several forms may be under way.
            self._changes[_place(request)] = self._changes.get(_place(request), 0) ^ digest_of(request.fingerprint)
        if outcome.cached or outcome.truncated:
            return KEEP
        if outcome.status in _STATUSES and _is_whole(request):
            stored = Stored(self._clock(), outcome.status, outcome.header_pairs, outcome.body, session)
            others = [one for one in self._folder.read(request) if one.session != session]
            self._folder.write(request, (stored, *others))
        return KEEP

    overhear = after

    def _session(self, request: Request) -> str:
        changes = self._changes.get(_place(request)) if self._changes else None
        jar = request.jar or ""
        return f"{jar} {changes:x}" if changes else jar


def _place(request: Request) -> tuple[str, str]:
    return host_of(request.url), request.jar or ""


def _is_whole(request: Request) -> bool:
    """Whether a request asks for all of a page, by a method whose answers are kept. Files have their own folder."""
    return (
        request.method in _METHODS
        and not request.save
        and not any(name.lower() == "range" for name in request.headers or ())
    )

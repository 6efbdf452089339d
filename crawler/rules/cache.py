"""A cache for development: while a spider is being written, the site is asked once for each page.

`Always` does not ask whether an answer is still true. `cache_rfc9111.py` is the rule for who wants to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.rules.cache_folder import CacheFolder, Stored
from crawler.verdict import GO, KEEP, After, Answer, Before

BY = "the cache"  # what people are told
_METHODS = frozenset({"GET", "HEAD", "POST"})
_STATUSES = frozenset({*range(200, 300), 300, 301, 302, 303, 307, 308, 404, 410} - {206})


class Always:
    """Whatever was fetched once is not fetched again, for `max_age` seconds; 0 = ever.

    Kept are whole answers of success, redirects, and 404 and 410, to GET, HEAD, and POST with the same body. A request
    with `again` is fetched, and its answer kept. Part of a page (`Range`) is neither kept nor answered. What another
    rule wanted first (robots.txt) is kept as well, so that a site can be crawled again without a network.
    """

    name = "cache"

    def __init__(self, folder: CacheFolder, max_age: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._max_age = max_age
        self._clock = clock

    def before(self, request: Request) -> Before:
        if request.again or not _is_whole(request):
            return GO
        for stored in self._folder.read(request):
            if stored.session == (request.jar or "") and (
                not self._max_age or self._clock() - stored.at < self._max_age
            ):
                return Answer(stored.response(request.url), by=BY)
        return GO

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is not Response or outcome.cached or outcome.truncated:
            return KEEP
        if outcome.status in _STATUSES and _is_whole(request):
            stored = Stored(self._clock(), outcome.status, outcome.header_pairs, outcome.body, request.jar or "")
            others = [one for one in self._folder.read(request) if one.session != (request.jar or "")]
            self._folder.write(request, (stored, *others))
        return KEEP

    overhear = after


def _is_whole(request: Request) -> bool:
    """Whether a request asks for all of a page, by a method whose answers are kept."""
    return request.method in _METHODS and not any(name.lower() == "range" for name in request.headers or ())

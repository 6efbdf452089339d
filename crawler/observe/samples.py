"""Which pages the drift alarm may want to see, where workers read them: those that are unlike most, and one of many.

A worker does not know what earlier runs were like. What is unlike them comes rarely here, or for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping

from crawler.expect import Expect, for_callback
from crawler.observe.checks import Checks
from crawler.observe.events import PageYielded
from crawler.observe.profile import Kind, url_form
from crawler.reading import Reading
from crawler.request import Request
from crawler.response import Gist, Response

LARGE = 2_000_000  # bytes: larger bodies are not kept in mind
_EVERY = 16  # pages of a kind: one of them is a sample, whatever it is like
_RARE = 4  # what is bad in one of so many pages, or more, is sampled like all else,
_FIRST = 8  # after so many
_MOST_KINDS = 200
_NOTHING = Reading()


class Samples:
    """Of one spider, in one worker. `expect` is what the spider declares."""

    def __init__(self, expect: Expect | Mapping[str, Expect] | None) -> None:
        self._expect = expect
        self._kinds: dict[tuple[str, str], Checks] = {}

    def look(self, request: Request, response: Response, reading: Reading, gist: Gist) -> tuple[bool, str]:
        """Whether the page is a sample, and its language. `gist`: that of its body."""
        callback = str(request.callback or "parse")
        key = (callback, url_form(request.hops[0] if request.hops else request.url))
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kind(*key)
        known = Response(response.url, response.status, body=response.body, gist=gist)  # so it is not digested again
        page = PageYielded(request, callback, known, reading)
        try:
            bad = kind.read(page)
        except Exception:  # code of the user runs where items are asked for their fields
            return False, ""
        # Neither the body nor the requests are held until the next page.
        kind.previous = PageYielded(request, callback, Response(response.url, response.status, gist=gist), _NOTHING)
        pages = kind.seen.pages
        is_sample = kind.is_new or pages % _EVERY == 1 or reading.error is not None or bool(kind.short)
        for check in bad:
            tally = check.tally
            tally.bad += 1
            if _RARE * tally.bad <= pages + _RARE * _FIRST:
                is_sample = True
        return is_sample and len(response.body) < LARGE, kind.language

    def _kind(self, callback: str, form: str) -> Checks:
        if len(self._kinds) >= _MOST_KINDS:
            form = ""
        expect = for_callback(self._expect, callback)
        return self._kinds.setdefault((callback, form), Checks(Kind(), None, expect))

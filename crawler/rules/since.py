"""Remembers what tells whether a page has changed, and in a run with `--since` leaves out what has not.

The host is asked for a page only if it has changed (RFC 9110, 13); hosts that do not understand that are found out by
the digest of the body. A page that is as it was is not read, and what it led to in the earlier run is offered in its
place. What a changed page led to is offered too, after its own links: its link may have been the first of several that
led to a page, and the others, on pages that have not changed, are not seen in this run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from crawler.digest import digest_of
from crawler.known_page import KnownPage
from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.verdict import GO, KEEP, After, Before, Drop, Go, Keep


class Earlier(Protocol):
    """The run it is compared with."""

    @property
    def name(self) -> str:
        """What people call it."""

    def page(self, request: Request) -> KnownPage | None:
        """What that run knows of the page; None if it has not read it."""


# row, etag, last_modified, digest of the body, digests of the items of a page that is not read
Remember = Callable[[int, str | None, str | None, int, frozenset[int]], None]


class Compared:
    """What came out of it, over all parts and spiders of a run. `keep` is told of each change."""

    def __init__(self, counts: dict[str, int], keep: Callable[[dict[str, int]], None]) -> None:
        self._counts = {"same": 0, "changed": 0, "gone": 0, **counts}
        self._keep = keep

    def count(self, what: str) -> None:
        self._counts[what] += 1
        self._keep(self._counts)

    @property
    def is_any(self) -> bool:
        """Whether a page of the earlier run was there again."""
        return bool(self._counts["same"] or self._counts["changed"])

    def notes(self, since: str, items: int) -> list[str]:
        """For people, with the number of items of this run."""
        same, changed, gone = (self._counts[what] for what in ("same", "changed", "gone"))
        notes = [f"compared with {since}: {same:,} pages not modified, {changed:,} changed, {gone:,} gone"]
        if not items and self.is_any:
            what = "pages have changed, and none of their items" if changed else "nothing has changed"
            notes.append(f"{what} since {since}")
        return notes


class Since:
    """`remember` keeps what a later run asks for, for every page. Without `earlier` that is all.

    With `conditional` false no conditions are sent, as another rule sends its own.
    """

    name = "since"

    def __init__(
        self,
        remember: Remember,
        earlier: Earlier | None = None,
        compared: Compared | None = None,
        conditional: bool = True,
    ) -> None:
        self._remember = remember
        self._earlier = earlier
        self._compared = compared
        self._conditional = conditional

    def before(self, request: Request) -> Before:
        if self._earlier is None or not self._may_ask(request):
            return GO
        known = self._earlier.page(request)
        return Go(_conditions(known)) if known is not None and known.is_whole else GO

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is not Response or request.method == "HEAD":
            return KEEP
        status = outcome.status
        is_page = 200 <= status < 300 and status != 206 and not outcome.truncated
        if is_page:
            etag, last_modified = _validators(outcome)
            digest = _digest(outcome)
            self._remember(request.row, etag, last_modified, digest, frozenset())
        if self._earlier is None or not (is_page or status in (304, 404, 410)):
            return KEEP
        known = self._earlier.page(request)
        if known is None:
            return KEEP
        if is_page:
            if digest == known.digest and known.is_whole:
                return self._same(request, known, etag, last_modified)
            self._count("same" if digest == known.digest else "changed")
            # What insists on being fetched (`again`) is offered by the page itself, or not any more.
            return Keep(tuple(one for one in known.leads_to if not one.again), known.items)
        if status == 304 and self._may_ask(request) and known.is_whole and _conditions(known):
            etag, last_modified = _validators(outcome)
            return self._same(request, known, etag or known.etag, last_modified or known.last_modified)
        if status != 304:
            self._count("gone")
        return KEEP

    def _same(self, request: Request, known: KnownPage, etag: str | None, last_modified: str | None) -> Drop:
        assert self._earlier is not None
        self._remember(request.row, etag, last_modified, known.digest, known.items)
        self._count("same")
        return Drop(f"since: not modified since {self._earlier.name}", state="done", leads_to=known.leads_to)

    def _may_ask(self, request: Request) -> bool:
        """Whether the conditions of a request are ours: no other rule's, and no own ones."""
        if not self._conditional or request.method != "GET" or request.purpose or request.save:
            return False
        return not any(name.lower().startswith(("if-", "range")) for name in request.headers or ())

    def _count(self, what: str) -> None:
        if self._compared is not None:
            self._compared.count(what)


def _conditions(known: KnownPage) -> tuple[tuple[str, str], ...]:
    pairs = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return tuple((name, value) for name, value in pairs if value)


def _digest(response: Response) -> int:
    if response.gist is not None:
        return response.gist.digest
    return digest_of(response.body if response.file is None else response.file.sha256.encode())


def _validators(response: Response) -> tuple[str | None, str | None]:
    """`ETag` and `Last-Modified`. Every page is asked for them, so names of other lengths are passed over quickly."""
    etag = last_modified = None
    for name, value in response.header_pairs:
        if len(name) == 4 and name.lower() == "etag":
            etag = value
        elif len(name) == 13 and name.lower() == "last-modified":
            last_modified = value
    return etag, last_modified

"""An earlier run as a later one asks about it: what its pages were like, and where they led. Only reads."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from crawler.errors import CrawlError
from crawler.frontier.ledger import Ledger
from crawler.known_page import KnownPage
from crawler.request import Request

_encode = msgspec.json.Encoder().encode


class EarlierRuns:
    """The run at `path`, and for pages that it has not read the one that it was compared with itself, and so on.

    So a page that could not be had once, or that a run did not come to, is compared with what it was when it was last
    read. Runs before the first are opened when they are asked, and left out if they are gone. `own_fingerprint(row)`
    is that of a request of this run as it was found. Raises what `Ledger` raises for the first.
    """

    def __init__(self, path: Path, name: str, own_fingerprint: Callable[[int], int | None]) -> None:
        self.name = name
        self._own_fingerprint = own_fingerprint
        self._runs = [EarlierRun(path, name)]

    def close(self) -> None:
        for run in self._runs:
            run.close()

    def page(self, request: Request) -> KnownPage | None:
        """The page of a request as it was last read; None if none of the runs has."""
        # A redirect may have made a GET of a POST, and its page is not that of a GET from the beginning.
        found_as = self._own_fingerprint(request.row) if request.hops else None
        for run in self._runs:
            page = run.page(request, found_as)
            if page is not None:
                return page
            if run is self._runs[-1] and run.since is not None:
                before, run.since = run.since, None
                with suppress(CrawlError):
                    self._runs.append(EarlierRun(before, before.parent.name))
        return None


class EarlierRun:
    """The ledger at `path`, as it is in this moment. Raises what `Ledger` raises.

    Which requests were found on a page has no index in a ledger, as every crawl would pay for it; one is made here, in
    a temporary table beside the file (0.3 s for a million requests).
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._ledger = Ledger(path, read_only=True)
        compared_with = (self._ledger.get("record") or {}).get("since")
        self.since = Path(compared_with) / path.name if compared_with else None  # the ledger of the run before
        try:
            self._ledger.select("CREATE TEMP TABLE found_on AS SELECT parent, id FROM requests WHERE parent > 0")
            self._ledger.select("CREATE INDEX temp.by_parent ON found_on (parent)")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._ledger.close()

    def page(self, request: Request, found_as: int | None = None) -> KnownPage | None:
        """The page of a request, if that run has read it, after the same redirects; else None.

        `found_as` is the fingerprint of the request as it was found; without it, it was as it is now.
        """
        if found_as is None:
            first = request.replace(url=request.hops[0]) if request.hops else request
            found_as = int.from_bytes(first.fingerprint, "little", signed=True)
        rows = self._ledger.select(
            "SELECT id, etag, last_modified, digest, items FROM requests JOIN pages ON pages.request = requests.id"
            " WHERE fingerprint = ? AND url = ? AND state = 1",
            *(found_as, request.url),
        )
        if not rows:
            return None
        row, etag, last_modified, digest, items = rows[0]
        stored = [one for one, *_ in self._ledger.find("id IN (SELECT id FROM temp.found_on WHERE parent = ?)", row)]
        found = [(one, _as_found(one)) for one in stored]
        leads_to = tuple(again for one, again in found if not one.hops or self._is_the_same(one, again))
        known = frozenset(number for (number,) in struct.iter_unpack("<q", items))
        [(own, *_)] = self._ledger.find("id = ?", row)
        # Read by another callback, or with other data, the same page may give something else.
        is_same = own.callback == request.callback and _encode(own.data) == _encode(request.data)
        is_whole = is_same and len(leads_to) == len(stored)
        return KnownPage(etag, last_modified, digest, known, leads_to, is_whole)

    def _is_the_same(self, stored: Request, request: Request) -> bool:
        """Whether a request that was redirected is the one that was found: a hop may have made a GET of a POST."""
        own = request.replace(url=f"{request.url}#{stored.row}") if request.again else request
        fingerprint: int
        [(fingerprint,)] = self._ledger.select("SELECT fingerprint FROM requests WHERE id = ?", stored.row)
        return fingerprint == int.from_bytes(own.fingerprint, "little", signed=True)


def _as_found(stored: Request) -> Request:
    """A request as it was before it was fetched; where it was found is told anew when it is offered."""
    url = stored.hops[0] if stored.hops else stored.url
    return stored.replace(url=url, hops=(), attempts=0, row=0, parent_row=0, parent="")

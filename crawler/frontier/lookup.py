"""What a ledger knows of a URL: where it was found, what was tried, what became of it. Only reads.

Only waiting requests have an index, as every page of a crawl would pay for more: a question about a URL reads the whole
table, 0.1 s for a million requests.
"""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from crawler.frontier.ledger import Ledger
from crawler.frontier.tables import State
from crawler.request import Request

SHOWN = 3  # items of a request that are told, and URLs like one that is not known
_STEPS = 100_000  # pages on the way from a start; more can only be a circle in a damaged ledger


class Attempt(msgspec.Struct, frozen=True):
    """One fetch that came back: when it started (seconds since 1970), seconds it took, its URL, what it gave."""

    at: float
    seconds: float
    url: str
    outcome: str


class Known(msgspec.Struct, frozen=True):
    """A request and its story.

    - `reason`: why the state is what it is, "" if that goes without saying; `not_before`: seconds since 1970.
    - `found_by`: the callback that yielded it, "start()" for a start, "" if that page is not in the ledger; `path`: the
      pages from a start to the one it was found on, empty for a start.
    - `items`: the first few, each one JSON object.
    """

    request: Request
    state: State
    reason: str
    not_before: float | None
    found_by: str
    path: list[str]
    attempts: list[Attempt]
    items: list[bytes]
    item_count: int


def lookup(ledger: Ledger, url: str) -> list[Known]:
    """All requests for a canonical URL: of any spider, method and body, and those that a redirect led there."""
    written = msgspec.json.encode(url).decode()
    rows = ledger.find("url = ? OR (rest LIKE '%\"hops\":%' AND instr(rest, ?))", url, written)
    return [
        _known(ledger, request, not_before, state, reason)
        for request, not_before, state, reason in rows
        if url == request.url or url in request.hops  # data of the user's may hold the URL too
    ]


def similar(ledger: Ledger, url: str) -> list[str]:
    """Known URLs like one that is not: of another scheme, with or without www or query, in other case, or longer."""
    bare = url.partition("://")[2] or url  # "localhost:8000/x" has a scheme too, strictly speaking
    bare = bare.removeprefix("www.").partition("?")[0].rstrip("/")
    begins = re.sub(r"([\\%_])", r"\\\1", bare) + "%"
    found = ledger.select(
        r"SELECT url FROM requests WHERE url LIKE ? ESCAPE '\' OR url LIKE ? ESCAPE '\'"
        f" GROUP BY url ORDER BY length(url), min(id) LIMIT {SHOWN}",
        *(f"http%://{begins}", f"http%://www.{begins}"),
    )
    return [row[0] for row in found]


def is_host_waiting(ledger: Ledger, host: str) -> bool:
    """Whether a request of a host waits."""
    return bool(ledger.select("SELECT 1 FROM requests WHERE state = 0 AND host = ? LIMIT 1", host))


def wanted_callbacks(ledger: Ledger) -> dict[tuple[int, str], int]:
    """How many waiting requests want a callback, by the number of their spider and its name, `on_failure` included."""
    rows = ledger.select(
        "SELECT spider, json_extract(rest, '$.callback'), json_extract(rest, '$.on_failure'), count(*)"
        " FROM requests WHERE state = 0 GROUP BY 1, 2, 3"
    )
    wanted: Counter[tuple[int, str]] = Counter()
    for spider, callback, on_failure, number in rows:
        # A request that says only what reads its failure may belong to a spider without `parse`.
        for name in {callback, on_failure} - {None} or {"parse"}:
            wanted[spider, name] += number
    return wanted


def _known(ledger: Ledger, request: Request, not_before: float | None, state: State, reason: str) -> Known:
    first = request.hops[0] if request.hops else request.url
    attempts = ledger.select(
        "SELECT at, seconds, url, outcome FROM attempts WHERE request = ? ORDER BY at", request.row
    )
    items = ledger.select("SELECT json FROM items WHERE request = ? ORDER BY id", request.row)
    found_by, path = _way(ledger, request)
    return Known(
        request,
        state,
        reason,
        not_before,
        found_by,
        path,
        [Attempt(at, seconds, url or first, outcome) for at, seconds, url, outcome in attempts],
        [row[0] for row in items[:SHOWN]],
        len(items),
    )


def _way(ledger: Ledger, request: Request) -> tuple[str, list[str]]:
    """The callback that yielded a request, and the pages on the way to it."""
    found_by = "" if request.parent_row else "start()"
    path: list[str] = []
    row = request.parent_row
    while row and len(path) < _STEPS:
        rows = ledger.find("id = ?", row)
        if not rows:
            break
        page, _, state, _ = rows[0]
        path.append(page.url)
        if not found_by:
            is_given_up = state in ("failed", "blocked", "dropped")
            found_by = str((is_given_up and page.on_failure) or page.callback or "parse")
        row = page.parent_row
    return found_by, path[::-1]

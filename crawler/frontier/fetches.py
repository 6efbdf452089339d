"""All fetches of a run as its workers reported them, sorted by host and start. Only reads.

SQLite sorts in temporary files what its cache does not hold, so a million of them take no memory here.
"""

from __future__ import annotations

from collections.abc import Iterator

from crawler.frontier.ledger import Ledger
from crawler.url import host_of

Row = tuple[int, str, float, float | None, bool]

# Where a fetch really went: a request that was redirected stands at its last hop, the first one is in `hops`.
_URL = "coalesce(attempts.url, json_extract(requests.rest, '$.hops[0]'), requests.url)"
_HAS_NOT_MOVED = (
    "requests.host IS NOT NULL AND attempts.url IS NULL AND coalesce(requests.rest, '') NOT LIKE '%\"hops\":%'"
)
_OF_WORKER = "outcome LIKE 'worker:%'"  # the worker died of it, or was thrown away
_NO_FETCH = (  # of the cache, or replayed
    "(outcome GLOB '[0-9]* from *' OR outcome LIKE '% from the archive' OR outcome LIKE 'archive: %')"
)


def fetches(ledger: Ledger) -> Iterator[Row]:
    """Number, host, start (seconds since 1970), seconds (None if they are not known), and whether a rule wanted it.

    The last is True for what was fetched on behalf of a request before it, as robots.txt is: its URL is none of those
    that the request had.
    """
    ledger.define("host_of", host_of)
    yield from ledger.stream(
        f"""
        SELECT attempts.rowid,
            CASE WHEN {_HAS_NOT_MOVED} THEN requests.host ELSE host_of({_URL}) END AS host,
            at, CASE WHEN {_OF_WORKER} THEN NULL ELSE seconds END,
            attempts.url IS NOT NULL AND attempts.url IS NOT requests.url
                AND NOT instr(coalesce(requests.rest, ''), json_quote(attempts.url))
        FROM attempts LEFT JOIN requests ON requests.id = attempts.request
        WHERE NOT {_NO_FETCH}
        ORDER BY host, at
        """
    )


def fetched_url(ledger: Ledger, number: int) -> str:
    """The URL of a fetch."""
    rows = ledger.select(
        f"SELECT {_URL} FROM attempts LEFT JOIN requests ON requests.id = attempts.request WHERE attempts.rowid = ?",
        number,
    )
    return str(rows[0][0]) if rows else ""


def robots_of(ledger: Ledger, host: str) -> list[tuple[float, bytes]]:
    """The robots.txt files of a host (of its http and its https): when they were fetched, and what they say."""
    return ledger.select(
        "SELECT fetched, body FROM robots WHERE origin IN (?, ?) AND body IS NOT NULL",
        *(f"http://{host}", f"https://{host}"),
    )

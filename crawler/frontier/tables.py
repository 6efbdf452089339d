"""The tables of a ledger, and how a request becomes a row of them and comes back. `ledger.py` reads and writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from crawler.request import Request
from crawler.saved import Save
from crawler.url import host_of

VERSION = 4

State = Literal["waiting", "done", "failed", "blocked", "dropped"]
STATES: tuple[State, ...] = ("waiting", "done", "failed", "blocked", "dropped")
CODE = {state: code for code, state in enumerate(STATES)}

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY,           -- in the order found
    fingerprint INTEGER NOT NULL,     -- 8 bytes as a signed number
    url TEXT NOT NULL,                -- where it stands now: after a redirect the last hop
    host TEXT NOT NULL,
    spider INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    parent INTEGER NOT NULL,          -- id of the request whose page it was found on, 0 for a start
    state INTEGER NOT NULL,           -- 0 waiting, 1 done, 2 failed, 3 blocked, 4 dropped
    not_before REAL,                  -- seconds since 1970, for a retry,
    pause REAL,                       -- and how long it was to wait: a clock that is set back makes it no longer
    reason TEXT,
    rest TEXT                         -- the other fields as JSON, NULL where they have their defaults
);
CREATE UNIQUE INDEX IF NOT EXISTS by_fingerprint ON requests (fingerprint);
CREATE INDEX IF NOT EXISTS waiting ON requests (host, priority DESC, id) WHERE state = 0;
CREATE TABLE IF NOT EXISTS attempts (
    request INTEGER NOT NULL, at REAL NOT NULL, seconds REAL NOT NULL, url TEXT, outcome TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, request INTEGER NOT NULL, spider INTEGER NOT NULL, json BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS item_keys ( -- what no further item may have as its key
    digest INTEGER PRIMARY KEY, request INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS pages (    -- what tells a later run that a page has not changed since
    request INTEGER PRIMARY KEY, etag TEXT, last_modified TEXT, digest INTEGER NOT NULL, items BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, next_start REAL NOT NULL, pause REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, fetched REAL NOT NULL, body BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cookies (
    jar TEXT NOT NULL, domain TEXT NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, -- JSON
    PRIMARY KEY (jar, domain, path, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exports (path TEXT PRIMARY KEY, mark TEXT NOT NULL, item INTEGER NOT NULL) WITHOUT ROWID;
"""

# The parent's URL is where that page was found in the end, after redirects.
COLUMNS = (
    "id, url, spider, priority, depth, attempts, parent, not_before, pause, rest,"
    " (SELECT url FROM requests AS other WHERE other.id = requests.parent)"
)
NOT_BEFORE = 7  # its place among these

_INSERT = "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)"
# Found again after a rule had refused it: now it is wanted.
ADD = f"""{_INSERT} ON CONFLICT (fingerprint) DO UPDATE SET
    id = excluded.id, url = excluded.url, host = excluded.host, priority = excluded.priority, depth = excluded.depth,
    parent = excluded.parent, state = 0, reason = NULL, rest = excluded.rest WHERE state = 4"""
DROP = f"{_INSERT} ON CONFLICT DO NOTHING"
CHANGE = "UPDATE requests SET url = ?, host = ?, attempts = ?, not_before = ?, pause = ?, rest = ? WHERE id = ?"


class Rest(msgspec.Struct, omit_defaults=True):
    """What few requests have, kept as JSON so that the many others take no room for it."""

    callback: str | None = None
    on_failure: str | None = None
    method: str = "GET"
    headers: dict[str, str] | None = None
    body: bytes | None = None
    data: Any = None
    cookies: dict[str, str] | None = None
    jar: str | None = None
    timeout: float | None = None
    max_body: int | None = None
    again: bool = False
    save: Save | None = None
    hops: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode_rest = msgspec.json.Decoder(Rest).decode


def row_of(row: int, request: Request, state: State, reason: str | None) -> tuple[Any, ...]:
    """What `ADD` and `DROP` take."""
    # No URL of ours has a fragment, so this is the fingerprint of nothing else.
    own = request.replace(url=f"{request.url}#{row}") if request.again else request
    return (
        row,
        int.from_bytes(own.fingerprint, "little", signed=True),
        request.url,
        host_of(request.url),
        request.spider,
        request.priority,
        request.depth,
        request.attempts,
        request.parent_row,
        CODE[state],
        reason,
        _rest_of(request),
    )


def change_of(request: Request, pause: float) -> tuple[Any, ...]:
    """What `CHANGE` takes, for a request that waits for `pause` seconds from now on."""
    wait = (time.time() + pause, pause) if pause else (None, None)
    return (request.url, host_of(request.url), request.attempts, *wait, _rest_of(request), request.row)


def fingerprints_of(request: Request) -> bytes:
    """Those of all places where a request was, 8 bytes each."""
    return b"".join(request.replace(url=url).fingerprint for url in (request.url, *request.hops))


def request_of(values: Sequence[Any], now: float) -> tuple[Request, float]:
    """A request from its `COLUMNS`, and how many seconds it has to wait yet."""
    row, url, spider, priority, depth, attempts, parent_row, not_before, pause, rest, parent = values
    fields = {} if rest is None else msgspec.structs.asdict(_decode_rest(rest))
    request = Request(
        url,
        spider=spider,
        priority=priority,
        depth=depth,
        attempts=attempts,
        row=row,
        parent_row=parent_row,
        parent=parent or "",
        **fields,
    )
    return request, seconds_left(not_before, pause, now) if not_before is not None else 0.0


def seconds_left(not_before: float, pause: float, now: float) -> float:
    """Seconds until a time of day; if somebody has set the clock back since it was written, no more than were meant."""
    return min(max(0.0, not_before - now), pause)


def _rest_of(request: Request) -> str | None:
    text = _encode(Rest(*(getattr(request, name) for name in Rest.__struct_fields__))).decode()
    return None if text == "{}" else text

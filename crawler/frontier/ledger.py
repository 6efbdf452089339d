"""The ledger: one SQLite file per run that says what was found, what became of it, and what was read.

Nothing lost, nothing twice: what one report did (outcomes, new requests, items) is one transaction. Being in
flight is not a state on disk; whatever is not finished is `waiting` after a crash. There is no pickle in the
file: values are JSON, so a ledger from elsewhere cannot run code.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from crawler.errors import UsageError
from crawler.frontier.database import Database
from crawler.frontier.tables import (
    ADD,
    CHANGE,
    CODE,
    COLUMNS,
    DROP,
    NOT_BEFORE,
    SCHEMA,
    STATES,
    VERSION,
    State,
    change_of,
    fingerprints_of,
    request_of,
    row_of,
    seconds_left,
)
from crawler.request import Request
from crawler.url import host_of

_encode = msgspec.json.Encoder().encode

Row = tuple[Request, float | None, State, str]  # a request, its `not_before`, what became of it, and why


class Ledger(Database):
    """The ledger of one run. Used by one thread; other processes may read it meanwhile.

    Changes are collected and written by `commit`, one transaction for all of them. `durability` "process" survives
    any kill of processes, "power" also a loss of power (fsync): also for who only looks into it, as the last one to
    close the file moves what was committed to its place. With `read_only` nothing is written to the file, and all that
    is read is of one moment, whoever writes to it meanwhile. Raises `UsageError` for a file that is none, is damaged or
    of another version, and `OutputError` when it cannot be written (or read at all).
    """

    def __init__(
        self, path: Path | None, durability: Literal["process", "power"] = "power", read_only: bool = False
    ) -> None:
        super().__init__(path, read_only)
        self._new: dict[int, tuple[Any, ...]] = {}  # by row: requests that are not in the file yet
        self._dropped: list[tuple[Any, ...]] = []
        self._changed: dict[int, tuple[Request, float]] = {}  # by row, with its pause
        self._ended: list[tuple[Any, ...]] = []
        self._attempts: list[tuple[Any, ...]] = []
        self._items: list[tuple[Any, ...]] = []
        self._item_keys: dict[int, int] = {}
        self._pages: dict[int, tuple[str | None, str | None, int, bytes]] = {}
        self._page_items: dict[int, bytes] = {}
        self._hosts: dict[str, tuple[float, float]] = {}
        self._robots: dict[str, tuple[float, bytes | None]] = {}
        self._cookies: dict[tuple[str, str, str, str], str | None] = {}
        self._meta: dict[str, str] = {}
        self._exports: dict[str, tuple[str, int]] = {}
        self._pending = (
            self._new, self._dropped, self._changed, self._ended, self._attempts, self._items,
            self._item_keys, self._pages, self._page_items, self._hosts, self._robots, self._cookies, self._meta,
            self._exports,
        )  # fmt: skip
        try:
            with self._told():
                if not read_only:
                    self._open(durability)
                self._check_version()
                if not read_only:  # the items of a damaged ledger can be read
                    self._next_row = self._number("SELECT coalesce(max(id), 0) FROM requests") + 1
                self._next_item = self._number("SELECT coalesce(max(id), 0) FROM items") + 1
        except BaseException:
            self.close()
            raise

    def _open(self, durability: str) -> None:
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'OFF'}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA cache_size = -16000")
        # Also the file of a run that was killed before this. Who lists the runs may do it at the same moment.
        if not self._number("SELECT count(*) FROM sqlite_master"):
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _check_version(self) -> None:
        found = self._number("PRAGMA user_version")
        if not found:
            raise self._damaged("it is empty, or from another program")
        if found != VERSION:
            raise UsageError(
                f"{self.path} is a ledger of version {found}, this crawler writes version {VERSION}",
                hint="finish it with the crawler that wrote it, or start a new run: crawl run",
            )

    # -- what the engine writes ----------------------------------------------------------------------------------

    def add(self, request: Request) -> Request:
        """Take a new request; the same one with its `row`. A dropped one that was found again starts to wait."""
        row = self._next_row
        self._next_row += 1
        self._new[row] = row_of(row, request, "waiting", None)
        return request.replace(row=row)

    def drop(self, request: Request, reason: str) -> None:
        """Remember that a rule refused a request that has no row. Once: a known one stays as it is."""
        row = self._next_row
        self._next_row += 1
        self._dropped.append(row_of(row, request, "dropped", reason))

    def again(self, request: Request, pause: float = 0.0) -> None:
        """A request goes on as this one, in `pause` seconds: another attempt, another hop."""
        self._changed[request.row] = (request, pause)

    def end(self, request: Request, state: State, reason: str | None = None) -> None:
        """A request is finished."""
        self._ended.append((CODE[state], reason, request.row))

    def attempt(self, request: Request, at: float, seconds: float, outcome: str) -> None:
        """One fetch that came back: when it started (seconds since 1970), how long it took, what it gave."""
        url = request.url if request.hops or request.purpose else None  # else it is the one of the request
        self._attempts.append((request.row, at, seconds, url, outcome))

    def store(self, request: Request, lines: Sequence[bytes], digests: bytes = b"", keys: Sequence[int] = ()) -> None:
        """Items of the page of a request, each one JSON object; `digests` are for a later run, see `remember`.

        `keys` (signed numbers of 8 bytes) are those of items that are taken from now on, see `has_key`.
        """
        for key in keys:
            self._item_keys[key] = request.row
        if digests:
            self._page_items[request.row] = digests
        for line in lines:
            self._items.append((self._next_item, request.row, request.spider, line))
            self._next_item += 1

    def remember(
        self, row: int, etag: str | None, last_modified: str | None, digest: int, items: Iterable[int] = ()
    ) -> None:
        """What tells a later run whether the page of a request has changed: its validators, the digests of it and of
        its items. Those of a page that is read are told along with its items.
        """
        known = sorted(items)
        self._pages[row] = (etag, last_modified, digest, struct.pack(f"<{len(known)}q", *known) if known else b"")

    def forget(self, request: Request) -> None:
        """Not all of a page was stored, so that a later run has to read it again."""
        self._pages[request.row] = (None, None, -1, b"")

    def rest_host(self, host: str, pause: float) -> None:
        """A host may be asked again in `pause` seconds."""
        self._hosts[host] = (time.time() + pause, pause)

    def keep_robots(self, origin: str, fetched: float, body: bytes | None) -> None:
        """The robots.txt of an origin such as "https://example.org", None = it has none; when (seconds since 1970)."""
        self._robots[origin] = (fetched, body)

    def keep_cookie(self, jar: str, domain: str, path: str, name: str, value: str | None) -> None:
        """A cookie as JSON; None takes it out of its jar."""
        self._cookies[jar, domain, path, name] = value

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON value of the run: settings, spiders, counters, state."""
        self._meta[key] = _encode(value).decode()

    def mark(self, path: str, mark: Any, item: int) -> None:
        """How far an export file is valid: where it can be cut, and the last item before that place."""
        self._exports[path] = (_encode(mark).decode(), item)

    def commit(self) -> None:
        """Write all of that in one transaction. If it fails, nothing of it is written. Raises `OutputError`."""
        if not any(self._pending):
            return
        with self._told(), self._transaction() as db:
            if self._new:
                db.executemany(ADD, self._new.values())
            if self._dropped:
                db.executemany(DROP, self._dropped)
            if self._changed:
                db.executemany(CHANGE, (change_of(request, pause) for request, pause in self._changed.values()))
            if self._ended:
                db.executemany(
                    "UPDATE requests SET state = ?, reason = ?, not_before = NULL, pause = NULL WHERE id = ?",
                    self._ended,
                )
            if self._attempts:
                db.executemany("INSERT INTO attempts VALUES (?, ?, ?, ?, ?)", self._attempts)
            if self._items:
                db.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", self._items)
            if self._item_keys:
                db.executemany("INSERT OR IGNORE INTO item_keys VALUES (?, ?)", self._item_keys.items())
            if self._pages:
                db.executemany(
                    "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)",
                    ((row, *page) for row, page in self._pages.items()),
                )
            if self._page_items:
                db.executemany(
                    "UPDATE pages SET items = ? WHERE request = ?",
                    ((digests, row) for row, digests in self._page_items.items()),
                )
            if self._hosts:
                db.executemany(
                    "INSERT OR REPLACE INTO hosts VALUES (?, ?, ?)",
                    ((host, *wait) for host, wait in self._hosts.items()),
                )
            if self._robots:
                db.executemany(
                    "INSERT OR REPLACE INTO robots VALUES (?, ?, ?)",
                    ((origin, *kept) for origin, kept in self._robots.items()),
                )
            if self._meta:
                db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", self._meta.items())
            for cookie, value in self._cookies.items():
                db.execute("DELETE FROM cookies WHERE (jar, domain, path, name) = (?, ?, ?, ?)", cookie)
                if value is not None:
                    db.execute("INSERT INTO cookies VALUES (?, ?, ?, ?, ?)", (*cookie, value))
            if self._exports:
                db.executemany(
                    "INSERT OR REPLACE INTO exports VALUES (?, ?, ?)",
                    ((path, mark, item) for path, (mark, item) in self._exports.items()),
                )
        for changes in self._pending:
            changes.clear()

    @property
    def last_item(self) -> int:
        """Number of the last item that was stored, 0 for none."""
        return self._next_item - 1

    # -- what a resumed run and people read ----------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """A JSON value of the run."""
        row = self._row("SELECT value FROM meta WHERE key = ?", key)
        with self._told():
            return default if row is None else msgspec.json.decode(row[0])

    def waiting(self, host: str, after: tuple[int, int], most: int) -> list[tuple[Request, float]]:
        """The next requests of a host that wait, after (priority, row) in their order, and for how many seconds yet."""
        priority, row = after
        rows = self.select(
            f"SELECT {COLUMNS} FROM requests WHERE state = 0 AND host = ?"
            " AND (priority < ? OR (priority = ? AND id > ?)) ORDER BY priority DESC, id LIMIT ?",
            *(host, priority, priority, row, most),
        )
        now = time.time()
        return [request_of(values, now) for values in rows]

    def hosts_waiting(self, after: str, most: int) -> list[str]:
        """Hosts with waiting requests, in the order of their names, after one of them."""
        hosts: list[str] = []
        while len(hosts) < most:  # one step in the index per host, however many requests it has
            last = hosts[-1] if hosts else after
            host = self._row("SELECT min(host) FROM requests WHERE state = 0 AND host > ?", last)[0]
            if host is None:
                break
            hosts.append(host)
        return hosts

    def fingerprint(self, row: int) -> int | None:
        """That of a request as it was found, if it is committed."""
        rows = self.select("SELECT fingerprint FROM requests WHERE id = ?", row)
        return rows[0][0] if rows else None

    def fingerprints(self, chunk: int = 50_000) -> Iterator[bytes]:
        """All fingerprints that count as seen, 8 bytes each, many at once; with those that are not committed yet."""
        for rows in self._chunks("SELECT fingerprint FROM requests WHERE state <> 4", chunk):
            yield b"".join([row[0].to_bytes(8, "little", signed=True) for row in rows])
        yield b"".join(values[1].to_bytes(8, "little", signed=True) for values in self._new.values())
        # Hops have no row of their own, and a request that insists (`again`) has a fingerprint of its own.
        several = self.select(
            f"SELECT {COLUMNS} FROM requests WHERE state <> 4 AND (rest LIKE '%\"hops\":%' OR rest LIKE '%\"again\":%')"
        )
        for values in several:
            yield fingerprints_of(request_of(values, 0.0)[0])
        for request, _ in self._changed.values():
            yield fingerprints_of(request)

    def count(self) -> dict[State, int]:
        """Requests by state."""
        rows = self.select("SELECT state, count(*) FROM requests GROUP BY state")
        return {STATES[code]: number for code, number in rows}

    def count_pages(self) -> int:
        """Requests whose page was read; those that only led to another one have a reason."""
        return self._number("SELECT count(*) FROM requests WHERE state = 1 AND reason IS NULL")

    def count_items(self) -> int:
        """Items that are stored."""
        return self._number("SELECT count(*) FROM items")

    def has_key(self, key: int) -> bool:
        """Whether an item with this key was stored, committed or not."""
        return key in self._item_keys or self._row("SELECT 1 FROM item_keys WHERE digest = ?", key) is not None

    def items_after(self, item: int, spider: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Items with a number above `item`, in their order: number and line of JSON."""
        where, values = ("", ()) if spider is None else (" AND spider = ?", (spider,))
        for rows in self._chunks(f"SELECT id, json FROM items WHERE id > ?{where} ORDER BY id", 1000, item, *values):
            yield from rows

    def marks(self) -> dict[str, tuple[Any, int]]:
        """The marks of all export files, by path."""
        rows = self.select("SELECT path, mark, item FROM exports")
        return {path: (msgspec.json.decode(mark), item) for path, mark, item in rows}

    def resting_hosts(self) -> dict[str, float]:
        """The hosts that may not be asked yet, and for how many seconds."""
        now = time.time()
        rows = self.select("SELECT host, next_start, pause FROM hosts WHERE next_start > ?", now)
        return {host: seconds_left(next_start, pause, now) for host, next_start, pause in rows}

    def find(self, where: str, *values: Any) -> list[Row]:
        """Requests in any state for which an SQL condition holds, in the order found."""
        rows = self.select(f"SELECT state, reason, {COLUMNS} FROM requests WHERE {where} ORDER BY id", *values)
        with self._told():
            return [
                (request_of(columns, 0.0)[0], columns[NOT_BEFORE], STATES[code], reason or "")
                for code, reason, *columns in rows
            ]

    def robots(self, origin: str) -> tuple[float, bytes | None] | None:
        """When the robots.txt of an origin was fetched, and its body; None if that was never done."""
        return self._robots.get(origin) or self._row("SELECT fetched, body FROM robots WHERE origin = ?", origin)

    def start_hosts(self) -> frozenset[str]:
        """The hosts of all start URLs so far."""
        is_start = "depth = 0 AND parent = 0"
        has_moved = "coalesce(rest, '') LIKE '%\"hops\":%'"
        rows = self.select(f"SELECT DISTINCT host FROM requests WHERE {is_start} AND NOT {has_moved}")
        moved = self.find(f"{is_start} AND {has_moved}")
        return frozenset(
            [host for (host,) in rows] + [host_of(request.hops[0]) for request, *_ in moved if request.hops]
        )

    def cookies(self) -> list[tuple[str, str]]:
        """The cookies of all jars: the name of the jar, and the cookie as JSON."""
        return self.select("SELECT jar, value FROM cookies")

    def retry_failed(self) -> int:
        """Let all failed requests wait again, with fresh attempts; how many they are.

        What their `on_failure` gave counts no more, so the files that have it are written anew.
        """
        with self._told(), self._transaction() as db:
            db.execute("DELETE FROM item_keys WHERE request IN (SELECT id FROM requests WHERE state = 2)")
            if db.execute("DELETE FROM items WHERE request IN (SELECT id FROM requests WHERE state = 2)").rowcount:
                # What was printed stays printed. Of a file that is added to it has to be known what is not its own.
                added = [
                    (_encode({"base": mark["base"]}).decode(), path)
                    for path, (mark, _) in self.marks().items()
                    if "base" in mark
                ]
                db.execute("DELETE FROM exports WHERE path <> '-'")
                db.executemany("INSERT INTO exports (mark, path, item) VALUES (?, ?, 0)", added)
                db.execute("UPDATE exports SET item = min(item, (SELECT coalesce(max(id), 0) FROM items))")
            return db.execute("UPDATE requests SET state = 0, attempts = 0, reason = NULL WHERE state = 2").rowcount

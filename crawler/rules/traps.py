"""Sites without end: calendars, session ids in links, paths that repeat themselves, filters in every combination.

How many pages alike a site has tells nothing: a shop may have millions of `/item/12345`. So what is looked at is what
honest sites do not have: dates far from now, one session after the other, very many combinations of few things, paths
that say the same again and again, chains of links that never end. Start URLs are never cut: somebody wants them.

Memory has a bound: when too many paths are counted, the ones that were seen least are forgotten.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from crawler.request import Request
from crawler.rules.date_urls import Dates
from crawler.url import host_of
from crawler.verdict import GO, Before, Drop, Found

_MOST_KINDS = 20_000  # paths that are counted
_MOST_HOSTS = 1000  # whose session ids are known
_FEW = 4  # a query trap is made of so many times fewer values than it has queries
_FILTERS = 3  # parameters from which on a query counts as a choice of filters
# What differs between pages of one kind: ids in hexadecimal (UUIDs too) and numbers.
_VARYING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{16,}(?![0-9a-z])|\d+", re.IGNORECASE
)
_SESSION = re.compile(
    r";jsessionid=([\w.!-]{16,})"
    r"|/\((?:[A-Z]\([\w-]*\))*S\((\w{16,})\)(?:[A-Z]\([\w-]*\))*\)/"
    r"|[?&;](?:phpsessid|jsessionid|aspsessionid[a-z]*|asp\.net_sessionid|session_?id|sess_?id|sid|zenid|oscsid)"
    r"=(?=[a-z]*\d)([\w,-]{16,})",
    re.IGNORECASE,
)


class Traps:
    """One set of counters for a spider. A limit of 0 is none.

    - `max_segments`: segments of a path.
    - `max_repeats`: how often the same segment, or group of them, may stand in a row; and twice as often anywhere.
    - `max_queries`: different queries of one path, where three or more parameters combine few values.
    - `max_dates`: different dates before 1800 or after next year, in URLs that are otherwise alike.
    - `max_sessions`: different session ids in the URLs of one host.
    - `max_chain`: how deep links are followed at all.
    - `max_alike`: pages in whose URLs only numbers and hexadecimal ids differ.
    """

    name = "traps"

    def __init__(
        self,
        *,
        max_segments: int = 0,
        max_repeats: int = 0,
        max_queries: int = 0,
        max_dates: int = 0,
        max_sessions: int = 0,
        max_chain: int = 0,
        max_alike: int = 0,
    ) -> None:
        self._max_segments = max_segments
        self._max_repeats = max_repeats
        self._max_queries = max_queries
        self._max_sessions = max_sessions
        self._max_chain = max_chain
        self._max_alike = max_alike
        self._dates = Dates(max_dates, time.gmtime().tm_year) if max_dates else None
        self._sessions: dict[str, set[int]] = {}
        self._alike: dict[int, int] = {}
        self._queries: dict[int, _Queries] = {}

    def found(self, request: Request) -> Found:
        if _is_start(request):
            return GO
        url = request.url
        if 0 < self._max_chain < request.depth:
            return Drop(f"traps: {request.depth:,} links away from the start, traps.max_chain")
        path, _, query = url[url.index("/", 8) :].partition("?")
        reason = self._of_path(path)
        if not reason and self._max_sessions:
            reason = self._of_sessions(url)
        if not reason and self._dates is not None:
            reason = self._dates.reason(url)
        if not reason and self._max_queries and query.count("&") >= _FILTERS - 1:
            counted = self._queries.get(hash(url[: url.index("?")]))
            if counted is not None and counted.is_trap(self._max_queries):
                reason = _of_queries(path, self._max_queries)
        if not reason and self._max_alike and self._alike.get(hash(kind := _kind(url)), 0) >= self._max_alike:
            reason = _of_alike(kind, self._max_alike)
        return Drop(f"traps: {reason}") if reason else GO

    def before(self, request: Request) -> Before:
        """Counts what is fetched: each page once, however many links lead to it."""
        if _is_start(request) or request.purpose or request.attempts:
            return GO
        url = request.url
        if self._max_alike:
            kind = _kind(url)
            if "#" in kind:
                if self._alike.get(hash(kind), 0) >= self._max_alike:
                    return Drop(f"traps: {_of_alike(kind, self._max_alike)}")
                _count(self._alike, hash(kind))
        if self._max_queries and url.count("&") >= _FILTERS - 1 and "?" in url:
            return self._count_query(url)
        return GO

    def _of_path(self, path: str) -> str:
        segments = path.count("/") - path.endswith("/")
        if 0 < self._max_segments < segments:
            return f"a path of {segments} segments, traps.max_segments"
        if 0 < self._max_repeats < segments:
            parts = path[1:].removesuffix("/").split("/")
            if len(set(parts)) < len(parts):
                return _repeats(parts, self._max_repeats)
        return ""

    def _of_sessions(self, url: str) -> str:
        match = _SESSION.search(url) if "=" in url or "(" in url else None
        if match is None:
            return ""
        host = host_of(url)
        known = self._sessions.get(host)
        if known is None:
            if len(self._sessions) >= _MOST_HOSTS:
                del self._sessions[next(iter(self._sessions))]
            known = self._sessions[host] = set()
        session = hash(match[match.lastindex or 0])
        if session in known:
            return ""
        if len(known) >= self._max_sessions:
            return (
                f"{host} has {self._max_sessions:,} session ids in its URLs, traps.max_sessions "
                "(url.drop_sessions leaves them out)"
            )
        known.add(session)
        return ""

    def _count_query(self, url: str) -> Before:
        base, _, query = url.partition("?")
        kind = hash(base)
        counted = self._queries.get(kind)
        if counted is None:
            if len(self._queries) >= _MOST_KINDS:
                _forget(self._queries, lambda one: one.count)
            counted = self._queries[kind] = _Queries()
        if counted.is_trap(self._max_queries):
            return Drop(f"traps: {_of_queries(base[base.index('/', 8) :], self._max_queries)}")
        counted.add(query, self._max_queries)
        return GO


class _Queries:
    """The queries of one path: how many, and the values they are made of, while those are few."""

    __slots__ = ("count", "values")

    def __init__(self) -> None:
        self.count = 0
        self.values: set[int] | None = set()

    def add(self, query: str, limit: int) -> None:
        self.count += 1
        if self.values is not None:
            self.values.update(map(hash, query.split("&")))
            if len(self.values) * _FEW > limit:
                self.values = None  # these are different things, and no combinations of the same

    def is_trap(self, limit: int) -> bool:
        return self.count >= limit and self.values is not None


def _is_start(request: Request) -> bool:
    return not request.depth and not request.parent


def _kind(url: str) -> str:
    """A URL without what differs between pages of one kind."""
    start = url.index("/", 8)
    return url[:start] + _VARYING.sub("#", url[start:])


def _repeats(parts: list[str], most: int) -> str:
    """What stands in a path more often than it may, in a row or twice as often anywhere; "" for an honest path."""
    for length in range(1, len(parts) // (most + 1) + 1):
        same = 0  # segments in a row that are equal to the one `length` places before
        for at in range(length, len(parts)):
            part = parts[at]
            # Single digits repeat in honest paths too (/1/1/0/1, /2011/11/11/11).
            is_repeated = part == parts[at - length] and not (length == 1 and part.isdigit())
            same = same + 1 if is_repeated else 0
            if same >= length * most:
                group = "/".join(parts[at - length + 1 : at + 1])
                return f"/{group[:100]}/ more than {most} times in a row, traps.max_repeats"
    if len(parts) > 2 * most:
        for part in set(parts):
            if not part.isdigit() and parts.count(part) > 2 * most:
                return f"/{part[:100]}/ more than {2 * most} times in one path, traps.max_repeats"
    return ""


def _of_queries(path: str, limit: int) -> str:
    return f"{path[:100]} has {limit:,} queries made of few values, traps.max_queries"


def _of_alike(kind: str, limit: int) -> str:
    return f"{kind[kind.index('/', 8) :][:100]} has {limit:,} pages, traps.max_alike"


def _count(counts: dict[int, int], kind: int) -> None:
    if len(counts) >= _MOST_KINDS and kind not in counts:
        _forget(counts, lambda count: count)
    counts[kind] = counts.get(kind, 0) + 1


def _forget(counted: dict[int, Any], size: Callable[[Any], int]) -> None:
    """Keep the half that was seen most."""
    kept = sorted(counted.items(), key=lambda pair: size(pair[1]), reverse=True)[: len(counted) // 2]
    counted.clear()
    counted.update(kept)

"""Sites without end: paths that grow for ever, calendars, session ids, queries in all permutations.

How many pages alike a site has tells nothing: a shop may have millions of `/item/12345`. So each limit is about what
honest sites do not have; only `max_alike` counts pages, for crawls in which a large site is worth less than an endless
one costs. Start URLs are what somebody wants, and are not asked about. Memory has a bound, and what is counted begins
anew when a run is resumed.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from typing import TypeVar

from crawler.request import Request
from crawler.rules.date_urls import Dates
from crawler.url import host_of
from crawler.verdict import GO, Before, Drop, Found

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_MOST_KNOWN = 20_000  # hosts, and paths, of which something is remembered
_MOST_ORDERS = 6  # in which the same parameters are met; three have six
# Names that are used for nothing else, and such as might be the number of a story: those count with what looks random.
_SESSION = re.compile(
    r"(?:;jsessionid=|[?&;](?:phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|zenid|oscsid)=)([\w.!-]{8,})"
    r"|[?&;](?:sid|session_?id|sess_?id)=(?=[\w-]*\d)(?=[\w-]*[a-z])([\w-]{16,})"
    r"|/\((?:[a-rt-z]\([\w-]*\))*s\((\w{16,})\)(?:[a-z]\([\w-]*\))*\)/",
    re.IGNORECASE,
)
# What differs between pages of one kind: UUIDs, other ids in hexadecimal, numbers.
_VARYING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{16,}(?![0-9a-z])|\d+",
    re.IGNORECASE,
)


class Traps:
    """0 turns a limit off.

    - `max_segments` of a path · `max_repeats` of a segment, or a group of them, in a row; and twice as often anywhere.
    - `max_queries`: different orders of parameter names for one path: what grows when filters are combined.
    - `max_years`: dates further ahead than this belong to a calendar without end.
    - `max_sessions`: different session ids on one host.
    - `max_chain`: links in a row from a start.
    - `max_alike`: fetched pages of one host in whose URLs only numbers and hexadecimal ids differ.
    """

    name = "traps"

    def __init__(
        self,
        *,
        max_segments: int = 0,
        max_repeats: int = 0,
        max_queries: int = 0,
        max_years: int = 0,
        max_sessions: int = 0,
        max_chain: int = 0,
        max_alike: int = 0,
    ) -> None:
        self._max_segments = max_segments
        self._max_repeats = max_repeats
        self._max_queries = max_queries
        self._dates = Dates(max_years, time.gmtime().tm_year) if max_years else None
        self._max_sessions = max_sessions
        self._max_chain = max_chain
        self._max_alike = max_alike
        self._least = min(max_segments or 1 << 30, max_repeats or 1 << 30)
        self._queries: OrderedDict[int, set[int]] = OrderedDict()
        self._orders: OrderedDict[int, set[int]] = OrderedDict()
        self._sessions: OrderedDict[str, set[str]] = OrderedDict()
        self._alike: OrderedDict[int, int] = OrderedDict()

    def found(self, request: Request) -> Found:
        if _is_start(request):
            return GO
        url = request.url
        reason = (
            self._chain(request.depth)
            or self._path(url)
            or self._query(url)
            or (self._dates.reason(url) if self._dates is not None else "")
            or self._session(url)
            or (self._kind(_kind(url)) if self._max_alike else "")
        )
        return Drop(f"traps: {reason}") if reason else GO

    def before(self, request: Request) -> Before:
        """Counts what is fetched: each page once, however many links lead to it."""
        if not self._max_alike or _is_start(request) or request.purpose or request.attempts:
            return GO
        kind = _kind(request.url)
        reason = self._kind(kind)
        if reason:
            return Drop(f"traps: {reason}")
        if "#" in kind:
            key = hash(kind)
            self._alike[key] = self._alike.get(key, 0) + 1
            self._alike.move_to_end(key)
            if len(self._alike) > _MOST_KNOWN:
                self._alike.popitem(last=False)
        return GO

    def _chain(self, depth: int) -> str:
        if self._max_chain and depth > self._max_chain:
            return f"{depth} links in a row, more than traps.max_chain = {self._max_chain}"
        return ""

    def _path(self, url: str) -> str:
        if url.count("/") - 2 <= self._least:
            return ""
        segments = url.partition("?")[0].removesuffix("/").split("/")[3:]
        if 0 < self._max_segments < len(segments):
            return f"a path of {len(segments)} segments, more than traps.max_segments = {self._max_segments}"
        if 0 < self._max_repeats < len(segments) and len(set(segments)) < len(segments):
            return self._repeats(segments)
        return ""

    def _repeats(self, segments: list[str]) -> str:
        most = self._max_repeats
        for size in range(1, len(segments) // (most + 1) + 1):
            if repeats_in_a_row(segments, size) > most:
                return f"the same more than traps.max_repeats = {most} times in a row in its path"
        if len(segments) > 2 * most:
            for segment in set(segments):
                if not segment.isdigit() and segments.count(segment) > 2 * most:
                    return f"/{segment[:100]}/ more than {2 * most} times in its path, twice traps.max_repeats"
        return ""

    def _query(self, url: str) -> str:
        path, mark, query = url.partition("?")
        if not mark or not self._max_queries or "&" not in query:
            return ""
        pairs = query.split("&")
        each = [pair.partition("=")[0] for pair in pairs]
        if len(set(each)) < len(each) and (reason := self._order(path, pairs)):
            return reason
        names = hash("&".join(each))
        known = _remembered(self._queries, hash(path))
        if names in known or len(known) < self._max_queries:
            known.add(names)
            return ""
        return f"more than traps.max_queries = {self._max_queries} combinations of parameters for {path[:200]}"

    def _order(self, path: str, pairs: list[str]) -> str:
        """Filters of one name (`tag=a&tag=b`): how often the same ones were seen in another order."""
        known = _remembered(self._orders, hash((path, tuple(sorted(pairs)))))
        order = hash(tuple(pairs))
        if order in known or len(known) < _MOST_ORDERS:
            known.add(order)
            return ""
        return f"the same parameters in more than {_MOST_ORDERS} orders for {path[:200]} (see traps.max_queries)"

    def _session(self, url: str) -> str:
        if not self._max_sessions or ("=" not in url and "(" not in url):
            return ""
        match = _SESSION.search(url, url.find("/", 8))
        if match is None:
            return ""
        known = _remembered(self._sessions, host_of(url))
        session = match[match.lastindex or 0]
        if session in known or len(known) < self._max_sessions:
            known.add(session)
            return ""
        return f"one session id more than traps.max_sessions = {self._max_sessions} (see url.drop_sessions)"

    def _kind(self, kind: str) -> str:
        if self._alike.get(hash(kind), 0) < self._max_alike:
            return ""
        return f"more than traps.max_alike = {self._max_alike} pages like {kind[:200]}"


def _is_start(request: Request) -> bool:
    return not request.depth and not request.parent


def _kind(url: str) -> str:
    """A URL without what differs between pages of one kind."""
    path = url.index("/", 8)
    return url[:path] + _VARYING.sub("#", url[path:])


def repeats_in_a_row(segments: list[str], size: int) -> int:
    """How often a group of `size` segments stands in a row, at most. Numbers may repeat: /2011/11/11/11, /1/1/0/1."""
    longest = run = 0  # segments that are equal to the one `size` places before
    for at in range(size, len(segments)):
        is_same = segments[at] == segments[at - size] and not (size == 1 and segments[at].isdigit())
        run = run + 1 if is_same else 0
        longest = max(longest, run)
    return 1 + longest // size


def _remembered(memory: OrderedDict[_Key, set[_Value]], key: _Key) -> set[_Value]:
    known = memory.get(key)
    if known is None:
        known = memory[key] = set()
        if len(memory) > _MOST_KNOWN:
            memory.popitem(last=False)
    else:
        memory.move_to_end(key)
    return known

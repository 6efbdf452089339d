"""Sites without end: paths that grow for ever, calendars, session ids, queries in all permutations.

Each limit is set where honest sites do not come to, and none of them counts pages: a shop may have a million articles.
Start URLs are what somebody wants, and are not asked about.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import TypeVar

from crawler.request import Request
from crawler.url import host_of
from crawler.verdict import GO, Drop, Found

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_LONGEST_GROUP = 4  # segments that are looked at together for repetitions
_MOST_KNOWN = 20_000  # hosts, and paths, of which something is remembered
# A number that may be a year counts only where the URL speaks of dates: "/topic/2087/3" is a topic.
_DATED = re.compile(r"cal|kalend|agenda|event|date|day|month|week|year|schedule|termin|booking|availab", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.])(\d{4})(?:(?=[-/](?:0?[1-9]|1[0-2])(?!\d))|(?![\w.]))")
_SESSION = re.compile(
    r"(?:;jsessionid=|[?&;](?:phpsessid|jsessionid|aspsessionid\w*|sessionid|session_id|sid|cfid|cftoken)=)([\w.!-]{8,})"
    r"|/\([a-z]?\(?([a-z0-9]{20,})\)+/",
    re.IGNORECASE,
)


class Traps:
    """0 turns a limit off.

    - `max_segments` of a path · `max_repeats` of a segment, or of a group of up to four, in a row.
    - `max_queries`: different orders of parameter names for one path: what grows when filters are combined.
    - `max_years`: dates further ahead than this belong to a calendar without end.
    - `max_sessions`: different session ids on one host.
    - `max_chain`: links in a row from a start.
    """

    name = "traps"

    def __init__(
        self,
        *,
        max_segments: int,
        max_repeats: int,
        max_queries: int,
        max_years: int,
        max_sessions: int,
        max_chain: int,
    ) -> None:
        self._max_segments = max_segments
        self._max_repeats = max_repeats
        self._max_queries = max_queries
        self._last_year = time.gmtime().tm_year + max_years if max_years else 0
        self._max_years = max_years
        self._max_sessions = max_sessions
        self._max_chain = max_chain
        self._queries: OrderedDict[bytes, set[bytes]] = OrderedDict()
        self._sessions: OrderedDict[str, set[str]] = OrderedDict()

    def found(self, request: Request) -> Found:
        if not request.depth and not request.parent:
            return GO
        url = request.url
        reason = self._chain(request.depth) or self._path(url) or self._query(url) or self._date(url)
        reason = reason or self._session(url)
        return Drop(f"traps: {reason}") if reason else GO

    def _chain(self, depth: int) -> str:
        if self._max_chain and depth > self._max_chain:
            return f"{depth} links in a row, more than traps.max_chain = {self._max_chain}"
        return ""

    def _path(self, url: str) -> str:
        count = url.count("/") - 2
        least = min(self._max_segments or 1 << 30, self._max_repeats or 1 << 30)
        if count <= least:
            return ""
        segments = url.partition("?")[0].split("/")[3:]
        if self._max_segments and len(segments) > self._max_segments:
            return f"a path of {len(segments)} segments, more than traps.max_segments = {self._max_segments}"
        if self._max_repeats:
            for size in range(1, _LONGEST_GROUP + 1):
                repeated = _longest_run(segments, size)
                if repeated > self._max_repeats:
                    return f"{repeated} times the same in its path, more than traps.max_repeats = {self._max_repeats}"
        return ""

    def _query(self, url: str) -> str:
        path, mark, query = url.partition("?")
        if not mark or not self._max_queries or "&" not in query:
            return ""
        names = "&".join([pair.partition("=")[0] for pair in query.split("&")])
        known = _remembered(self._queries, blake2b(path.encode(), digest_size=8).digest())
        combination = blake2b(names.encode(), digest_size=8).digest()
        if combination in known or len(known) < self._max_queries:
            known.add(combination)
            return ""
        return f"more than traps.max_queries = {self._max_queries} combinations of parameters for {path[:200]}"

    def _date(self, url: str) -> str:
        path = url.find("/", 8)
        if not self._last_year or not _DATED.search(url, path):
            return ""
        for match in _YEAR.finditer(url, path):
            if int(match[1]) > self._last_year:
                return f"a calendar: {match[1]} is more than traps.max_years = {self._max_years} years ahead"
        return ""

    def _session(self, url: str) -> str:
        if not self._max_sessions:
            return ""
        match = _SESSION.search(url, url.find("/", 8))
        if match is None:
            return ""
        known = _remembered(self._sessions, host_of(url))
        session = match[1] or match[2]
        if session in known or len(known) < self._max_sessions:
            known.add(session)
            return ""
        return f"one session id more than traps.max_sessions = {self._max_sessions} (see url.drop_sessions)"


def _longest_run(segments: list[str], size: int) -> int:
    """How often a group of `size` segments stands in a row, at most."""
    longest = run = 1
    for start in range(size, len(segments) - size + 1):
        # Compared with what stands one group before; a run grows by one with each whole group.
        if segments[start : start + size] == segments[start - size : start]:
            run += 1
            longest = max(longest, 1 + (run - 1 + size - 1) // size)
        else:
            run = 1
    return longest


def _remembered(memory: OrderedDict[_Key, set[_Value]], key: _Key) -> set[_Value]:
    known = memory.get(key)
    if known is None:
        known = memory[key] = set()
        if len(memory) > _MOST_KNOWN:
            memory.popitem(last=False)
    else:
        memory.move_to_end(key)
    return known

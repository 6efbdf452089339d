"""The cache as RFC 9111 has it, for one user: fresh answers are used, old ones are asked for with their validators.

What may be stored, used, freshened and thrown away is decided by the library `hishel`, which knows no client and no
disk; here its words are translated into ours. Its ages come from `Date` alone, so that field is told to it as 4.2.3
corrects it: clocks of servers are wrong, and answers come from other caches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate, mktime_tz, parsedate_tz
from hashlib import blake2b
from uuid import UUID, uuid4

import hishel
import msgspec

from crawler.request import Request
from crawler.response import HeaderPairs, Headers, Outcome, Response
from crawler.rules.cache import BY
from crawler.rules.cache_folder import CacheFolder, Stored
from crawler.verdict import GO, KEEP, After, Again, Answer, Before, Go

_OPTIONS = hishel.CacheOptions(shared=False, supported_methods=["GET"], allow_stale=False)
_MOST = 8  # answers to one URL that differ in the fields of `Vary`
_CONDITIONS = ("If-None-Match", "If-Modified-Since")
_LAST = 253_402_300_799.0  # the last second of the year 9999
_LEFT_ALONE = frozenset({"HEAD", "OPTIONS", "TRACE"})  # they change nothing, and have no page

_Waiting = hishel.CacheMiss | hishel.NeedRevalidation


class _Asked:
    """A request that is on its way: what the library thinks of it, and the stored answers it may mean by an id."""

    def __init__(self, request: hishel.Request, session: str, state: _Waiting, known: dict[UUID, Stored]) -> None:
        self.request = request
        self.session = session
        self.state = state
        self.known = known


class PrivateCache:
    """`sent(request)` are the fields that other rules send along with a request.

    Kept are whole answers to GET that RFC 9111 allows to store, but no 5xx and no 429. A request with `again` is
    fetched, and its answer kept; one with conditions of its own, `no-store` or a body is left alone. An answer is for
    the session that asked (its jar and `Authorization`). Any method that may change something and succeeds makes the
    answers forgotten (4.4). What another rule wanted first (robots.txt) has a memory of its own.
    """

    name = "cache"
    wants_bodies = True

    def __init__(
        self,
        folder: CacheFolder,
        sent: Callable[[Request], HeaderPairs],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._sent = sent
        self._clock = clock
        self._asked: dict[tuple[int, str], _Asked] = {}  # by row and URL

    def before(self, request: Request) -> Before:
        is_get = request.method == "GET"
        if request.purpose or request.save or request.method in _LEFT_ALONE or (is_get and request.body):
            return GO
        fields = _fields(request, self._sent(request))
        asked = hishel.Request(request.method, request.url, hishel.Headers(_lists(fields)))
        if any(name.startswith("if-") for name in asked.headers) or "no-store" in asked.headers.get(
            "cache-control", ""
        ):
            return GO
        session = _session(request, asked)
        stored = () if is_get and request.again else self._folder.read(_get(request))
        if is_get:
            stored = tuple(one for one in stored if _fits(one, session, asked))
        known = {uuid4(): one for one in stored}
        entries = [_entry(number, one, asked) for number, one in known.items()]
        state = hishel.IdleClient(_OPTIONS).next(asked, entries)
        if isinstance(state, hishel.FromCache):
            return Answer(self._answer(request.url, known[state.entry.id]), by=BY)
        self._asked[request.row, request.url] = _Asked(asked, session, state, known)
        if isinstance(state, hishel.NeedRevalidation):
            headers = state.request.headers
            return Go(tuple((name, headers[name]) for name in _CONDITIONS if name in headers))
        return GO

    def after(self, request: Request, outcome: Outcome) -> After:
        asked = self._asked.pop((request.row, request.url), None)
        if asked is None or type(outcome) is not Response or outcome.truncated:
            return KEEP
        if outcome.status == 304 and isinstance(asked.state, hishel.CacheMiss):
            return KEEP  # nobody asked for that
        if outcome.status >= 500 or outcome.status == 429:
            return KEEP
        state: hishel.AnyState = asked.state.next(_response(outcome.status, outcome.header_pairs))
        gone: list[Stored] = []
        kept: list[Stored] = []
        if isinstance(state, hishel.InvalidateEntries):
            gone += [asked.known[number] for number in state.entry_ids]
            state = state.next()
        if isinstance(state, hishel.NeedToBeUpdated):
            for entry in state.updating_entries:
                gone.append(asked.known[entry.id])
                kept.append(self._freshened(gone[-1], entry.response.headers, outcome))
        elif isinstance(state, hishel.StoreAndUse):
            kept.append(self._stored(outcome, state.response.headers, asked))
        if gone or kept:
            self._keep(_get(request), gone, kept)
        if isinstance(state, hishel.NeedToBeUpdated):
            return Answer(self._answer(request.url, kept[-1]), by=BY)
        if outcome.status == 304:
            # It means none of the answers that are stored; they are forgotten now, so the next one is a whole one.
            return Again(request, reason="cache: 304 for none of the stored answers")
        return KEEP

    def _keep(self, request: Request, gone: list[Stored], kept: list[Stored]) -> None:
        new = {(one.session, one.asked) for one in kept}
        others = [one for one in self._folder.read(request) if one not in gone and (one.session, one.asked) not in new]
        self._folder.write(request, (*kept, *others)[:_MOST])

    def _stored(self, response: Response, headers: hishel.Headers, asked: _Asked) -> Stored:
        names = sorted({name.strip().lower() for name in headers.get("vary", "").split(",")} - {""})
        depends = tuple((name, _digest(asked.request.headers.get(name, ""))) for name in names)
        return Stored(self._clock(), response.status, _pairs(headers), response.body, asked.session, depends)

    def _freshened(self, stored: Stored, headers: hishel.Headers, not_modified: Response) -> Stored:
        """A stored answer with the fields that "not modified" came with; its age is that of this answer (4.3.4)."""
        told = not_modified.headers
        pairs = tuple(pair for pair in _pairs(headers) if pair[0] not in ("date", "age") or pair[0] in told)
        return msgspec.structs.replace(stored, at=self._clock(), header_pairs=pairs)

    def _answer(self, url: str, stored: Stored) -> Response:
        pairs = tuple(pair for pair in stored.header_pairs if pair[0] != "age")
        age = max(0, int(self._clock() - _generated(stored)))
        return stored.response(url, (*pairs, ("age", str(age))))


def _get(request: Request) -> Request:
    """The request that the answers are stored under."""
    return request if request.method == "GET" else request.replace(method="GET", body=None)


def _fields(request: Request, pairs: HeaderPairs) -> HeaderPairs:
    """What is sent: the fields of the request, then those of the rules that it does not set itself."""
    own = request.headers or {}
    names = {name.lower() for name in own}
    return (*own.items(), *(pair for pair in pairs if pair[0].lower() not in names))


def _session(request: Request, asked: hishel.Request) -> str:
    """Whose answer it is, without giving the credentials away; "" = anybody's."""
    authorization = asked.headers.get("authorization", "")
    if not authorization:
        return request.jar or ""
    return _digest(f"{request.jar or ''}\0{authorization}")


def _digest(value: str) -> str:
    """What tells values of fields apart: they may be credentials, and stay out of files."""
    return blake2b(value.encode(errors="replace"), digest_size=16).hexdigest() if value else ""


def _fits(stored: Stored, session: str, asked: hishel.Request) -> bool:
    """Whether a stored answer could be one to this request (4.1)."""
    return stored.session == session and all(
        _digest(asked.headers.get(name, "")) == value for name, value in stored.asked
    )


def _entry(number: UUID, stored: Stored, asked: hishel.Request) -> hishel.Entry:
    """A stored answer as the library looks at it, with `Date`, and `Expires` along with it, by our clock."""
    pairs = stored.header_pairs
    headers = Headers(pairs)
    generated = _generated(stored)
    dated = {"date": _date(generated)}
    expires, date = _time(headers.get("expires", "")), _time(headers.get("date", ""))
    if expires is not None and date is not None:
        dated["expires"] = _date(generated + expires - date)
    kept = tuple(pair for pair in pairs if pair[0] not in dated)
    return hishel.Entry(number, asked, _response(stored.status, (*kept, *dated.items())))


def _generated(stored: Stored) -> float:
    """When an answer was made, in seconds since 1970 by our clock (4.2.3)."""
    headers = Headers(stored.header_pairs)
    date, age = _time(headers.get("date", "")), headers.get("age", "")
    apparent = stored.at - date if date is not None else 0.0
    return stored.at - max(0.0, apparent, float(age) if age.isdecimal() and len(age) < 12 else 0.0)


def _time(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date, None if it is none."""
    try:
        parsed = parsedate_tz(text)
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def _date(seconds: float) -> str:
    """The inverse. What hosts write may lie before all time and after it."""
    return formatdate(min(max(0.0, seconds), _LAST), usegmt=True)


def _response(status: int, pairs: HeaderPairs) -> hishel.Response:
    return hishel.Response(status, hishel.Headers(_lists(pairs)))


def _lists(pairs: HeaderPairs) -> dict[str, str | list[str]]:
    """Fields as the library takes them: all values of a name together."""
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name.lower(), []).append(value)
    return {**lists}


def _pairs(headers: hishel.Headers) -> HeaderPairs:
    """The inverse; names in small letters."""
    return tuple((name, value) for name in headers for value in headers.get_list(name) or ())

"""What a spider makes of a saved page now: read as a crawl and `crawl parse` would read it, without a network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import msgspec

from crawler.assemble.spider_settings import settings_of
from crawler.errors import UsageError
from crawler.items.chain import Chain
from crawler.request import Request
from crawler.response import Failure, Response
from crawler.shut_network import Door
from crawler.spider.base import Spider
from crawler.spider.load import build
from crawler.spider.read import read_page
from crawler.spider.trace import is_users, place, shown
from crawler.testing.cases import Asked, Case
from crawler.testing.layers import AS_SAVED
from crawler.url import split_credentials
from crawler.visit import Visitor, fetched_now, typed


class Given(msgspec.Struct, frozen=True):
    """What a page gives now; the first four as in `Case`.

    `raised`: the error is an exception of the spider, or the case is none for it any more. `place` is "file:line"
    of the callback, `where` that of each item error, or of the error, and `trace` its traceback.
    """

    items: list[dict[str, Any]] = []
    requests: list[Asked] = []
    item_errors: list[str] = []
    error: str = ""
    raised: bool = False
    place: str = ""
    where: tuple[str, ...] = ()
    trace: str = ""

    def into(self, case: Case) -> Case:
        """The case, expecting this."""
        items = [{key: value for key, value in item.items() if key not in case.ignore} for item in self.items]
        return msgspec.structs.replace(
            case, items=items, requests=self.requests, item_errors=self.item_errors, error=self.error
        )


def read_case(kind: type[Spider], case: Case, folder: Path) -> Given:
    """What a spider of the class makes of the page of a case, which may be gone. Raises `SettingsError`."""
    try:
        body = (folder / case.page).read_bytes()
    except OSError as error:
        return Given(error=f"cannot read {folder / case.page}: {error.strerror}", raised=True)
    return read_body(kind, case, body)


def read_body(kind: type[Spider], case: Case, body: bytes) -> Given:
    """As `read_case`, of a page that is in memory."""
    with Door("saved pages are read without a network").shut():
        return _read_body(kind, case, body)


def _read_body(kind: type[Spider], case: Case, body: bytes) -> Given:
    try:
        spider = build(kind, dict(case.arguments))
        at = _place(spider, case.callback)
        typed(case.url)
    except UsageError as refused:  # the spider has changed, and has no such argument or callback any more
        return Given(error=refused.message, raised=True, trace=getattr(refused, "trace", ""))
    settings = settings_of([spider], None, [AS_SAVED])[0]
    visitor = Visitor(settings, spider)
    spider.page_options = visitor.options
    request = typed(case.url)
    visitor.start(request)
    visited = visitor.judge(request, Response(request.url, case.status, _header_pairs(case), body))
    for failed in visitor.failed:
        error = f"{failed.kind}: {failed.message} in {failed.callback}"
        return Given(error=error, raised=True, place=at, where=(failed.where,), trace=failed.trace)
    if visited.drop is not None:
        return Given(error=visited.drop.reason, place=at)
    if isinstance(visited.outcome, Failure):
        return Given(error=str(visited.outcome), place=at)
    request = visited.request.replace(callback=case.callback, data=case.data)
    reading = read_page(spider, visited.outcome, request, seconds=settings.crawl.parse_timeout)
    if reading.error is not None:
        raised = reading.error
        error = f"{raised.kind}: {raised.message}" if raised.message else raised.kind
        return Given(error=error, raised=True, place=at, where=(raised.where,), trace=raised.trace)
    stored = Chain((), meta=False).store(reading.items, request, request.url, fetched_now())
    errors = [
        f"{one.what} = {one.value}: {one.message}" if one.value else f"{one.what}: {one.message}"
        for one in reading.item_errors
    ]
    return Given(
        items=[msgspec.json.decode(line) for line in stored.lines],
        requests=_requests(visitor, request, reading.requests),
        item_errors=[*errors, *stored.errors],
        place=at,
        where=(*(one.where for one in reading.item_errors), *("" for _ in stored.errors)),
    )


def asked(request: Request) -> Asked:
    """A request as a case has it."""
    parts = split_credentials(request.url)
    save = msgspec.json.encode(request.save) if request.save is not None else b"null"
    return Asked(
        parts[0] if parts else request.url,
        str(request.callback or "parse"),
        request.method,
        _plain(request.data),
        msgspec.json.decode(save),
    )


def _requests(visitor: Visitor, origin: Request, requests: Sequence[Request]) -> list[Asked]:
    """Each request once, in canonical form."""
    found: dict[bytes, Asked] = {}
    for request in requests:
        tidy, _ = visitor.found(request.replace(parent=origin.url, depth=origin.depth + 1))
        found.setdefault(tidy.fingerprint, asked(tidy))
    return list(found.values())


def _plain(data: Any) -> Any:
    """Data of a request as JSON gives it back."""
    return msgspec.json.decode(msgspec.json.encode(data))


def _header_pairs(case: Case) -> tuple[tuple[str, str], ...]:
    headers: Mapping[str, str] = case.headers
    if any(name.lower() == "content-type" for name in headers):
        return tuple(headers.items())
    kind = guess_type(case.page)[0]
    return (*headers.items(), *((("Content-Type", kind),) if kind else ()))


def _place(spider: Spider, name: str) -> str:
    """Where the callback is written; where the spider is, if it is one that spiders inherit."""
    function = inspect.unwrap(spider.callback(name))
    code = getattr(function, "__code__", None)
    if code is not None and is_users(code.co_filename):
        return place(code.co_filename, code.co_firstlineno)
    try:
        return shown(inspect.getfile(type(spider)))
    except (TypeError, OSError):
        return ""

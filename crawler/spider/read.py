"""Reading: a spider's callback is run on a page, and all it yields is collected whole, or nothing is, if it fails.

A yield that is neither an item nor a request is dropped as a wrong item is, and the others stay.

Whatever user code raises, `sys.exit()` included, becomes a `PageError`. Only a BaseException whose class says
`passes_user_code = True` goes through: the crawler's own way to end a run at once. `seconds` is what a call may take.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator
from itertools import islice
from types import GeneratorType
from typing import Annotated, Any

import msgspec

from crawler.errors import CrawlError
from crawler.item import as_yielded, is_item
from crawler.reading import ItemError, PageError, Reading
from crawler.request import Request, as_plain, is_link
from crawler.response import Failure, Response
from crawler.spider.base import Spider
from crawler.spider.page import Page
from crawler.spider.read_items import checked, through_pipelines
from crawler.spider.time_limit import TimeLimit, TimeLimitExceeded
from crawler.spider.trace import is_ours, message_of, passes, place, tell
from crawler.spider.wrong_line import WrongLine

MAX_YIELDS = 1_000_000
_WEB_SCHEMES = ("http://", "https://")
_MOST_WRONG = 100  # yields of one page that are neither items nor requests


class _RefusedError(Exception):
    """Something a callback gave that cannot be meant. `kind` is the exception Python has for it."""

    def __init__(self, kind: type[Exception], message: str) -> None:
        super().__init__(message)
        self.kind = kind.__name__


def read_page(
    spider: Spider, response: Response, request: Request, max_yields: int = MAX_YIELDS, seconds: float = 0.0
) -> Reading:
    """What the request's callback (`parse` without one) gives for a response."""
    return read(
        spider, Page(response, request, spider.page_options), str(request.callback or "parse"), max_yields, seconds
    )


def read_on(spider: Spider, reading: Reading, response: Response, request: Request, seconds: float = 0.0) -> Reading:
    """A reading that began in a worker, whose items have their pipelines still before them."""
    stages = spider.item_stages
    if not reading.items or stages is None or not stages.has_pipelines:
        return reading
    page = Page(response, request, spider.page_options)
    return through_pipelines(reading, stages, page, str(request.callback or "parse"), seconds)


def read_failure(
    spider: Spider, failure: Failure, request: Request, max_yields: int = MAX_YIELDS, seconds: float = 0.0
) -> Reading:
    """What the request's `on_failure` gives for a failure, which gets to know its request; nothing if it has none."""
    if request.on_failure is None:
        return Reading()
    told = msgspec.structs.replace(failure, request=request)
    return read(spider, told, str(request.on_failure), max_yields, seconds)


def read(
    spider: Spider, page: Page | Failure, callback: str, max_yields: int = MAX_YIELDS, seconds: float = 0.0
) -> Reading:
    """What the callback of that name gives for a page or a failure.

    It may be a generator, or return an iterable, a single item or request, or None. Requests stay as they were yielded:
    the engine tells the new ones among them where they come from.
    """
    function: Callable[[Any], Any] | None = None
    try:
        with TimeLimit(seconds, callback, page.url):
            function = spider.callback(callback)
            reading = _read(spider, function, page, callback, max_yields)
        stages = spider.item_stages
        if reading.items and stages is not None and stages.has_pipelines:
            return through_pipelines(reading, stages, page, callback, seconds)
        return reading
    except TimeLimitExceeded as late:
        return Reading(error=_page_error(late, page.url, callback, function))
    except BaseException as error:
        if passes(error):
            raise
        return Reading(error=_page_error(error, page.url, callback, function))


def _read(
    spider: Spider, function: Callable[[Any], Any], page: Page | Failure, callback: str, max_yields: int
) -> Reading:
    """The part of `read` that may be cut at any line: what it has gathered is thrown away then."""
    items: list[Any] = []
    requests: list[Request] = []
    url = page.url
    values: Iterator[Any] = iter(())
    known: set[str | None] = set()
    stages = spider.item_stages if spider.item_stages is not None and spider.item_stages.checks else None
    item_errors: list[ItemError] = []
    dropped: list[str] = []
    wrong = 0
    are_links = True
    try:
        values = values_of(function(page), callback)
        for value in islice(values, max_yields):
            if isinstance(value, Request):
                if type(value) is not Request:
                    value = as_plain(value)
                # Run for every link of every page: most have nothing that is not soon looked at.
                bare = is_link(value)
                are_links = are_links and bare
                if not (
                    bare and value.callback in known and type(value.url) is str and value.url.startswith(_WEB_SCHEMES)
                ):
                    _check(value, callback, spider, known)
                requests.append(value)
            elif is_item(value):
                value = as_yielded(value)
                if stages is not None:
                    value = checked(stages, value, callback, lambda: _line(values, function), item_errors, dropped)
                    if value is None:
                        continue
                items.append(value)
            else:
                told = f"{callback} yielded {_described(value)}"
                wrong += 1
                if wrong > _MOST_WRONG:  # it yields nothing else, perhaps for ever
                    raise _RefusedError(TypeError, told)
                item_errors.append(ItemError(type(value).__name__, callback, told, _line(values, function)))
        if (
            len(items) + len(requests) + len(item_errors) + len(dropped) == max_yields
            and next(values, values) is not values
        ):
            raise _RefusedError(
                OverflowError, f"{callback} yielded more than {max_yields} items and requests for one page"
            )
    except TimeLimitExceeded as late:
        if position := _position(values):  # it came between two yields
            late.where = late.where or place(*position)
            _close(values)
        raise
    except BaseException as error:
        if passes(error):
            raise
        return Reading(error=_page_error(error, url, callback, function, values))
    return Reading(items, requests, item_errors=item_errors, dropped=dropped, are_links=are_links)


def read_start(spider: Spider, position: int = 0) -> Iterator[Request | PageError]:
    """The requests of `spider.start()`, one by one as they are asked for, and an error for each that cannot be used.

    What `start` raises ends it and comes last. `position` is that of the spider in the run.
    """
    values: Iterator[Any] = iter(())
    known: set[str | None] = set()
    try:
        values = values_of(spider.start(), "start")
        for value in values:
            try:
                if not isinstance(value, Request):
                    told = f"start yielded {_described(value, advice=False)}"
                    raise _RefusedError(TypeError, f'{told}: it can only yield requests, such as Request("https://…")')
                _check(value, "start", spider, known)
            except _RefusedError as refused:
                told = getattr(value, "url", "")
                yield _told(refused, told if isinstance(told, str) else "", "start", _own(spider, "start"), values)
                continue
            if type(value) is not Request:
                value = as_plain(value)
            url = str(value.url)  # of a `WrongLine` only the text goes on
            yield msgspec.structs.replace(value, url=url, parent="", depth=0, spider=position, attempts=0, hops=())
    except BaseException as error:
        if isinstance(error, GeneratorExit) or passes(error):
            raise
        yield _page_error(error, "", "start", _own(spider, "start"), values)


def read_blocked(spider: Spider, response: Response, request: Request, seconds: float = 0.0) -> bool | str | PageError:
    """What `spider.blocked` says about a response: whether it is no page, or what it is instead; or what went wrong."""
    try:
        with TimeLimit(seconds, "blocked", response.url):
            answer = spider.blocked(Page(response, request, spider.page_options))
            return answer if isinstance(answer, str) else bool(answer)
    except TimeLimitExceeded as late:
        return _page_error(late, response.url, "blocked", _own(spider, "blocked"))
    except BaseException as error:
        if passes(error):
            raise
        return _page_error(error, response.url, "blocked", _own(spider, "blocked"))


def read_closing(spider: Spider, report: Any, seconds: float = 0.0) -> PageError | None:
    """Run `spider.closing(report)`; the error it ends with, or None."""
    try:
        with TimeLimit(seconds, "closing"):
            spider.closing(report)
    except TimeLimitExceeded as late:
        return _page_error(late, "", "closing", _own(spider, "closing"))
    except BaseException as error:
        if passes(error):
            raise
        return _page_error(error, "", "closing", _own(spider, "closing"))
    return None


def values_of(result: Any, callback: str) -> Iterator[Any]:
    """What a callback returned, as an iterator over what it gives."""
    if type(result) is GeneratorType:
        return result
    if result is None:
        return iter(())
    if isinstance(result, Request) or is_item(result):
        return iter((result,))
    if hasattr(result, "__aiter__") or hasattr(result, "__await__"):
        if hasattr(result, "close"):
            result.close()  # or Python warns that it was never awaited
        raise _RefusedError(TypeError, f"{callback} is async: write a plain def; fetching is concurrent without it")
    if isinstance(result, (str, bytes)) or not hasattr(result, "__iter__"):
        raise _RefusedError(TypeError, f"{callback} returned {_described(result)}")
    return iter(result)


def search_within(seconds: float, pattern: re.Pattern[str], text: str) -> bool | None:
    """Whether a pattern of the user's is found; None if that took longer than `seconds` (0 = however long it takes)."""

    def search() -> bool:  # a frame of its own, which may be cut
        return pattern.search(text) is not None

    try:
        with TimeLimit(seconds, f"the pattern {pattern.pattern!r}", text):
            return search()
    except TimeLimitExceeded:
        return None


def _own(spider: Spider, name: str) -> Callable[..., Any] | None:
    """The spider's method, or the function of its file, of that name; None if it has none."""
    try:
        return spider.callback(name)
    except CrawlError:
        return None


def _check(request: Request, callback: str, spider: Spider, known: set[str | None]) -> None:
    """Raise for a request that cannot be meant. `known` are the callbacks that are known to be there, and grows."""
    if request.callback not in known or request.on_failure not in known:
        _check_callbacks(request, callback, spider)
        # Of a request that has no callback nothing follows for the next one, which has no `on_failure` either.
        known.update(
            name  # type: ignore[misc]
            for name in (request.callback, request.on_failure)
            if name is not None or spider.has_parse
        )
    url = request.url
    is_plain = request.data is None and request.method == "GET" and not request.headers and not request.body
    if (
        not is_plain
        or request.cookies
        or request.timeout is not None
        or request.max_body is not None
        or type(request.priority) is not int
    ):
        _check_fields(request, callback)
    if type(url) is str and url.startswith(_WEB_SCHEMES):  # all but a few
        return
    if isinstance(url, WrongLine):  # told as a fetch that failed
        return
    if not isinstance(url, str):
        raise _RefusedError(TypeError, f"{callback} yielded a Request whose url is {_described(url, advice=False)}")
    if not url.strip().lower().startswith(_WEB_SCHEMES):
        if "://" in url:
            raise _RefusedError(
                ValueError, f"{callback} yielded a Request for {url!r}: only http and https can be fetched"
            )
        advice = f"use page.follow({url!r}, ...)" if callback != "start" else "it has to begin with https:// or http://"
        raise _RefusedError(ValueError, f"{callback} yielded a Request for the relative URL {url!r}: {advice}")


def _check_callbacks(request: Request, callback: str, spider: Spider) -> None:
    if request.callback is None and request.on_failure is None and not spider.has_parse:
        raise _RefusedError(
            AttributeError,
            f"{callback} yielded a Request without a callback, and spider {spider.name} has no parse(self, page)",
        )
    for name in (request.callback, request.on_failure):
        if name is None:
            continue
        try:
            spider.callback(str(name))
        except CrawlError as error:
            raise _RefusedError(
                AttributeError, f"{callback} yielded a Request for {request.url}, but {error.message}; {error.hint}"
            ) from None


_COOKIE_NAME = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?={}]+")
_COOKIE_VALUE = re.compile(r"[^\x00-\x1f\x7f;]*")  # quotes, commas and spaces are against the RFC, and common


class _Fields(msgspec.Struct):
    """What the fields of a request may hold, so that it can be stored and sent."""

    method: Annotated[str, msgspec.Meta(pattern="^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    headers: dict[str, str] | None
    body: bytes | None
    priority: int
    cookies: dict[str, str] | None
    timeout: float | None
    max_body: Annotated[int, msgspec.Meta(ge=1)] | None


def _check_fields(request: Request, callback: str) -> None:
    fields = {name: getattr(request, name) for name in _Fields.__struct_fields__}
    try:
        msgspec.convert(fields, _Fields, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise _RefusedError(TypeError, f"{callback} yielded a Request that cannot be sent: {error}") from None
    for name, value in (request.headers or {}).items():
        if not value.isascii() and any(ord(character) > 0xFF for character in value):
            raise _RefusedError(
                ValueError,
                f"{callback} yielded a Request whose header field {name!r} has a character that none can have "
                "(RFC 9110, 5.5): only Latin-1 can be sent",
            )
    for name, value in (request.cookies or {}).items():
        if not _COOKIE_NAME.fullmatch(name) or not _COOKIE_VALUE.fullmatch(value):
            raise _RefusedError(
                ValueError,
                f"{callback} yielded a Request with the cookie {name!r}, whose name or value has a character that no "
                "cookie can have (RFC 6265, 4.1.1)",
            )
    try:
        msgspec.json.encode(request.data)
    except (TypeError, ValueError) as error:
        raise _RefusedError(
            TypeError, f"{callback} yielded a Request whose data JSON cannot hold: {error}; pass plain values"
        ) from None


def _described(value: Any, advice: bool = True) -> str:
    """A value in an error message, and what to do instead."""
    try:
        text = f"{type(value).__name__} {reprlib.repr(value)}" if value is not None else "None"
    except BaseException as error:  # of a __repr__ of the user's
        if passes(error):
            raise
        text = type(value).__name__
    if not advice:
        return text
    if isinstance(value, str) and value.startswith(("http://", "https://", "/")):
        return f"{text}: to fetch it, yield page.follow(...)"
    if isinstance(value, (list, tuple, set)) or hasattr(value, "__next__"):
        return f"{text}: to yield what is in it, use yield from"
    return f"{text}: a callback yields items (dicts, dataclasses, models) and requests"


def _page_error(
    error: BaseException,
    url: str,
    callback: str,
    function: Callable[..., Any] | None,
    values: Iterator[Any] | None = None,
) -> PageError:
    if isinstance(error, _RefusedError):
        page_error = _told(error, url, callback, function, values)
        _close(values)
        return page_error
    home, line = _home(function)
    stood = ""
    if isinstance(error, TimeLimitExceeded):
        stood = error.where
        error = error.told()
    told = tell(error, home)
    where = told.where or stood or (place(home, line) if home else "")
    kind = type(error).__name__
    message = told.message
    if isinstance(error, CrawlError) and error.hint:
        message = f"{message} ({error.hint})"
    return PageError(url, callback, kind, message, where, told.trace)


def _told(
    refused: _RefusedError, url: str, callback: str, function: Callable[..., Any] | None, values: Any
) -> PageError:
    return PageError(url, callback, refused.kind, message_of(refused), _line(values, function))


def _home(function: Callable[..., Any] | None) -> tuple[str, int]:
    """File and first line of a function, ("", 0) if it has none."""
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None and not is_ours(code.co_filename) else ("", 0)


def _position(values: Any) -> tuple[str, int] | None:
    """File and line of the `yield` a generator stands at, the innermost one if it delegates."""
    position = None
    while (frame := getattr(values, "gi_frame", None)) is not None:
        if not is_ours(frame.f_code.co_filename):
            position = frame.f_code.co_filename, frame.f_lineno
        values = values.gi_yieldfrom
    return position


def _line(values: Any, function: Callable[..., Any] | None) -> str:
    """The line of the `yield` a generator stands at, else the first one of the function; "" if there is none."""
    home, line = _position(values) or _home(function)
    return place(home, line) if home else ""


def _close(values: Any) -> None:
    """End a generator that is not read to its end. What its clean-up raises has no place to go."""
    try:
        close = getattr(values, "close", None)
        if close is not None:
            close()
    except BaseException as error:
        if passes(error):
            raise

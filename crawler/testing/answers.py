"""What a test's `pages` answer: from text, a file, JSON or (status, headers, body) to an answer of HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from mimetypes import guess_type
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from crawler.errors import UsageError
from crawler.fetch.faults import Fault
from crawler.request import Request
from crawler.response import HeaderPairs
from crawler.url import canonical

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MARKUP = "text/html"
_A_FILE = re.compile(r"[^\n<>{}]{1,500}\.[A-Za-z0-9]{1,5}")  # a page of a few words that ends like this is a file name


class Json(NamedTuple):
    """A page that is JSON, whatever `value` is: `Json([1, 2])`. A dict needs no such word."""

    value: Any


Body = str | bytes | Path | dict[str, Any] | Json
Value = Body | tuple[int, Mapping[str, Any], Body] | BaseException


class Answer(NamedTuple):
    status: int
    header_pairs: HeaderPairs
    body: bytes


class Answers:
    """The pages of one crawl. `requests` are those that came, in order. May be asked from any thread."""

    def __init__(self, pages: Mapping[str, Value | list[Value]]) -> None:
        self.requests: list[Request] = []
        self._lock = Lock()
        self._waiting: dict[tuple[str, str], list[Answer | BaseException]] = {}
        for key, value in pages.items():
            method, url = _key(key)
            values = value if isinstance(value, list) else [value]
            if not values:
                raise UsageError(f"pages[{key!r}] is an empty list", hint="it holds one answer for each request")
            self._waiting[method, url] = [_answer(one, url, key) for one in values]

    def register(self, mocked: Any) -> None:
        """Let a mock of `responses` ask this object for everything."""
        for method in METHODS:
            mocked.add_callback(method, re.compile(""), self._respond, content_type=None)

    def _respond(self, sent: Any) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer to a prepared request of `requests`. Raises `Fault` where there is none."""
        url = canonical(sent.url)
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body
        with self._lock:
            self.requests.append(Request(url, method=sent.method, headers=dict(sent.headers), body=body))
            waiting = self._waiting.get((sent.method, url)) or self._waiting.get(("", url))
            answer = waiting.pop(0) if waiting and len(waiting) > 1 else waiting[0] if waiting else None
        if answer is None:
            if urlsplit(url).path == "/robots.txt":
                return 404, [], b""
            raise Fault("invalid", self._no_page(sent.method, url))
        if isinstance(answer, BaseException):
            raise answer
        return answer.status, list(answer.header_pairs), answer.body

    def _no_page(self, method: str, url: str) -> str:
        known = [known for _, known in self._waiting]
        told = f"pages= has no page for {url if method == 'GET' else f'{method} {url}'}"
        others = sorted({other for other, known in self._waiting if known == url})
        if others:
            return f"{told}, only for {', '.join(others)}"
        close = get_close_matches(url, known, n=1, cutoff=0.8)
        return f"{told}; the nearest one is {close[0]}" if close else told


def _key(key: str) -> tuple[str, str]:
    """Method ("" = any) and canonical URL of a key of `pages`."""
    first, space, rest = key.partition(" ")
    method, url = (first, rest.strip()) if space and first in METHODS else ("", key)
    try:
        canonical_url = canonical(url)
        if canonical_url.startswith(("http://", "https://")):
            return method, canonical_url
    except (ValueError, TypeError):
        pass
    raise UsageError(
        f"pages[{key!r}]: the key is no absolute URL", hint="such as https://example.com/ or POST https://example.com/"
    )


def _answer(value: Any, url: str, key: str) -> Answer | BaseException:
    if isinstance(value, BaseException):
        return value
    if isinstance(value, tuple) and not isinstance(value, Json):
        if len(value) != 3 or not isinstance(value[0], int) or not isinstance(value[1], Mapping):
            raise UsageError(f"pages[{key!r}] is a tuple, but not (status, headers, body)", hint='(404, {}, "")')
        status, headers, inner = value
    else:
        status, headers, inner = 200, {}, value
    body, kind = _body(inner, url, key)
    pairs = [
        (name, str(one)) for name, given in headers.items() for one in (given if isinstance(given, list) else [given])
    ]
    if body and not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", kind))
    return Answer(status, tuple(pairs), body)


def _body(value: Any, url: str, key: str) -> tuple[bytes, str]:
    """The bytes of a page and what they are."""
    match value:
        case Path():
            return _file(value, key), guess_type(value.name)[0] or _MARKUP
        case str() if _A_FILE.fullmatch(value) and "://" not in value:
            return _file(Path(value), key), guess_type(value)[0] or _MARKUP
        case str():
            return value.encode(), f"{_kind(url)}; charset=utf-8"
        case bytes():
            return value, _kind(url)
        case Json():
            return msgspec.json.encode(value.value), "application/json"
        case dict():
            return msgspec.json.encode(value), "application/json"
    raise UsageError(
        f"pages[{key!r}] is {type(value).__name__}, which is no page",
        hint="text, bytes, a Path, a dict, Json(...) or (status, headers, body)",
    )


def _kind(url: str) -> str:
    """What the URL says of its page; markup where it says nothing."""
    kind, packed = guess_type(urlsplit(url).path)
    return "application/gzip" if packed == "gzip" else kind or _MARKUP


def _file(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"pages[{key!r}]: cannot read {path}: {error.strerror}", hint=f"seen from {Path.cwd()}"
        ) from None

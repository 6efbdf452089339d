"""Cookies, kept by the parent: workers are interchangeable, sessions are not.

The standard library's jar decides what is kept and sent (domain, path, secure, expiry); it speaks to
requests and responses through two small views. What changes in a jar is told, so that a resumed run has it again:
session cookies too, as a run is one session, however often it is interrupted.
"""

from __future__ import annotations

import email.message
import json
import urllib.request
from collections.abc import Callable, Iterable
from http.cookiejar import Cookie, CookieJar
from typing import Any, cast

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.verdict import GO, KEEP, After, Before, Go

Keep = Callable[[str, str, str, str, str | None], None]  # jar, domain, path, name, and the cookie as JSON or None


class Cookies:
    """One jar per name in `Request.jar`. A request's own `cookies` are sent as well, and are not kept.

    `keep` is told of each cookie that is set, and with None of each that is gone. `kept` is what it was told in an
    earlier part of the run: pairs of jar and cookie.
    """

    name = "cookies"

    def __init__(self, keep: Keep | None = None, kept: Iterable[tuple[str, str]] = ()) -> None:
        self._keep = keep or _forget
        self._jars: dict[str, _Jar] = {}
        for name, text in kept:
            cookie = _cookie(text)
            if not cookie.is_expired():
                CookieJar.set_cookie(self._jar(name), cookie)  # without telling

    def before(self, request: Request) -> Before:
        if not self._jars and not request.cookies:
            return GO
        fields = [f"{name}={value}" for name, value in (request.cookies or {}).items()]
        jar = self._jars.get(request.jar)
        if jar is not None:
            asked = urllib.request.Request(request.url)
            jar.add_cookie_header(asked)
            kept = asked.get_header("Cookie")
            if kept:
                own = set(request.cookies or ())
                fields += [pair for pair in kept.split("; ") if pair.partition("=")[0] not in own]
        return Go((("Cookie", "; ".join(fields)),)) if fields else GO

    def after(self, request: Request, outcome: Outcome) -> After:
        if isinstance(outcome, Response):
            lines = [value for name, value in outcome.header_pairs if name.lower() == "set-cookie"]
            if lines:
                jar = self._jar(request.jar)
                answer = cast(Any, _Answer(lines))
                jar.extract_cookies(answer, urllib.request.Request(request.url))
        return KEEP

    def _jar(self, name: str) -> _Jar:
        return self._jars.setdefault(name, _Jar(name, self._keep))


class _Jar(CookieJar):
    """A jar that tells what comes and goes."""

    def __init__(self, name: str, keep: Keep) -> None:
        super().__init__()
        self._name = name
        self._keep = keep

    def set_cookie(self, cookie: Cookie) -> None:
        super().set_cookie(cookie)
        self._keep(self._name, cookie.domain, cookie.path, cookie.name, json.dumps(vars(cookie)))

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        super().clear(domain, path, name)
        if domain is not None and path is not None and name is not None:  # always so: the library removes one by one
            self._keep(self._name, domain, path, name, None)


def _cookie(text: str) -> Cookie:
    """The inverse of the `json.dumps(vars(cookie))` above."""
    fields = json.loads(text)
    return Cookie(rest=fields.pop("_rest"), **fields)


def _forget(*_: str | None) -> None: ...


class _Answer:
    """A response as `http.cookiejar` looks at it."""

    def __init__(self, lines: list[str]) -> None:
        self._message = email.message.Message()
        for line in lines:
            self._message["Set-Cookie"] = line

    def info(self) -> email.message.Message:
        return self._message

"""Cookies, kept by the parent: workers are interchangeable, sessions are not.

The standard library's jar decides what is kept and sent (domain, path, secure, expiry); it speaks to
requests and responses through two small views.
"""

from __future__ import annotations

import email.message
import urllib.request
from http.cookiejar import CookieJar
from typing import Any, cast

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.verdict import GO, KEEP, After, Before, Go


class Cookies:
    """One jar per name in `Request.jar`. A request's own `cookies` are sent as well, and are not kept."""

    name = "cookies"

    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}

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
                jar = self._jars.setdefault(request.jar, CookieJar())
                answer = cast(Any, _Answer(lines))
                jar.extract_cookies(answer, urllib.request.Request(request.url))
        return KEEP


class _Answer:
    """A response as `http.cookiejar` looks at it."""

    def __init__(self, lines: list[str]) -> None:
        self._message = email.message.Message()
        for line in lines:
            self._message["Set-Cookie"] = line

    def info(self) -> email.message.Message:
        return self._message

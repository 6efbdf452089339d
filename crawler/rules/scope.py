"""Which URLs may be visited: http and https, on the allowed hosts, not too long, by the patterns of the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from crawler.errors import SettingsError
from crawler.request import Request
from crawler.url import host_named, host_of, hostname_of
from crawler.verdict import GO, Drop, Found


class Scope:
    """`allowed_hosts` are host names, subdomains included, or `name:port` for one port only; empty allows all. A URL
    means its host.

    `include` and `exclude` are regular expressions that are searched in the URL: one of the first has to match, if
    there are any, and none of the second. `max_url` is the longest URL, in characters. `search(pattern, url)` says
    whether one matches, None = it took too long, and such a URL is dropped. Raises `SettingsError` for a host or a
    pattern that is none.
    """

    name = "scope"

    def __init__(
        self,
        allowed_hosts: Sequence[str] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        max_url: int = 8192,
        search: Callable[[re.Pattern[str], str], bool | None] = lambda pattern, url: pattern.search(url) is not None,
    ) -> None:
        self._allowed = frozenset(map(_host, allowed_hosts))
        self._include = [_pattern("include", text) for text in include]
        self._exclude = [_pattern("exclude", text) for text in exclude]
        self._max_url = max_url
        self._search = search

    def found(self, request: Request) -> Found:
        url = request.url
        if not url.startswith(("http://", "https://")):
            return Drop(f"scope: {url[:40].partition(':')[0]}: is not fetched, only http and https")
        if len(url) > self._max_url:
            return Drop(f"scope: a URL of {len(url)} characters, more than limits.max_url = {self._max_url}")
        if self._allowed and not self._allows(url):
            return Drop(f"scope: {hostname_of(url)} is not in scope.allowed_hosts")
        if self._include:
            found = [self._search(pattern, url) for pattern in self._include]
            if True not in found:
                late = "; one took longer than crawl.parse_timeout" if None in found else ""
                return Drop(f"scope: no pattern of scope.include matches{late}")
        for pattern in self._exclude:
            is_found = self._search(pattern, url)
            if is_found is None:
                return Drop(f"scope: {pattern.pattern!r} of scope.exclude took longer than crawl.parse_timeout")
            if is_found:
                return Drop(f"scope: {pattern.pattern!r} of scope.exclude matches")
        return GO

    def _allows(self, url: str) -> bool:
        if host_of(url) in self._allowed:
            return True
        name = hostname_of(url).rstrip(".")
        while name:
            if name in self._allowed:
                return True
            name = name.partition(".")[2]
        return False


def _host(text: str) -> str:
    try:
        host = host_named(text.strip()).rstrip(".")
    except ValueError:
        host = ""
    if not host or host.startswith("."):
        raise SettingsError(
            f"scope.allowed_hosts: {text!r} is no host",
            hint="write it as example.org, which includes its subdomains, or as example.org:8080",
        )
    return host


def _pattern(name: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise SettingsError(f"scope.{name}: {text!r} is no regular expression: {error}") from None

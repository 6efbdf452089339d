"""Which URLs may be visited: http and https, on the allowed hosts, as long and of such a form as the settings want."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crawler.request import Request
from crawler.url import host_of, hostname_of
from crawler.verdict import GO, Drop, Found


class Scope:
    """Asks about the URL alone.

    - `allowed_hosts`: host names, subdomains included, or `name:port` for one port only; empty allows all.
    - `include`, `exclude`: regular expressions, searched in the canonical URL. A URL has to match one of `include`, if
      there is one, and none of `exclude`.
    - `max_url`: characters a URL may have; 0 = any number.
    """

    name = "scope"

    def __init__(
        self,
        allowed_hosts: Sequence[str] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        max_url: int = 0,
    ) -> None:
        self._allowed = frozenset(host.lower().rstrip(".") for host in allowed_hosts)
        self._include = [re.compile(pattern) for pattern in include]
        self._exclude = [re.compile(pattern) for pattern in exclude]
        self._max_url = max_url

    def found(self, request: Request) -> Found:
        url = request.url
        if not url.startswith(("http://", "https://")):
            return Drop(f"scope: {url.partition(':')[0]}: is not fetched, only http and https")
        if 0 < self._max_url < len(url):
            return Drop(f"url: {len(url):,} characters, more than limits.max_url")
        if self._allowed and not self._allows(url):
            return Drop(f"scope: {hostname_of(url)} is not in scope.allowed_hosts")
        for pattern in self._exclude:
            if pattern.search(url):
                return Drop(f"scope: {pattern.pattern} is in scope.exclude")
        if self._include and not any(pattern.search(url) for pattern in self._include):
            return Drop("scope: no pattern of scope.include matches")
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

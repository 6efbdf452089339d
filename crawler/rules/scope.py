"""Which URLs may be visited: http and https, on the allowed hosts."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.request import Request
from crawler.url import host_of, hostname_of
from crawler.verdict import GO, Drop, Found


class Scope:
    """`allowed_hosts` are host names, subdomains included, or `name:port` for one port only; empty allows all."""

    name = "scope"

    def __init__(self, allowed_hosts: Sequence[str] = ()) -> None:
        self._allowed = frozenset(host.lower().rstrip(".") for host in allowed_hosts)

    def found(self, request: Request) -> Found:
        url = request.url
        if not url.startswith(("http://", "https://")):
            return Drop(f"scope: {url.partition(':')[0]}: is not fetched, only http and https")
        if self._allowed and not self._allows(url):
            return Drop(f"scope: {hostname_of(url)} is not in scope.allowed_hosts")
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

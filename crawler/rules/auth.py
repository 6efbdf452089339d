"""Who we are, for hosts that want to know: Basic (RFC 7617) and Bearer (RFC 6750) credentials, and other secret fields.

They belong to the hosts of their `[[host]]` table. Each request is looked at anew, so a redirect takes nothing along.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from crawler.host_table import HostTable
from crawler.request import Request
from crawler.response import HeaderPairs
from crawler.secrets import resolve
from crawler.url import host_of
from crawler.verdict import GO, Before, Go

_MOST_KNOWN = 10_000  # hosts whose fields are remembered


class Auth:
    """Sends `auth` and `headers` of the tables. `resolved` gives the value of "env:NAME"; it may raise `UsageError`."""

    name = "auth"

    def __init__(self, table: HostTable, resolved: Callable[[str], str] = resolve) -> None:
        self._table = table
        self._resolved = resolved
        self._known: dict[str, Go] = {}

    def before(self, request: Request) -> Before:
        host = host_of(request.url)
        go = self._known.get(host)
        if go is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            pairs = self._pairs(host)
            go = self._known[host] = Go(pairs) if pairs else GO
        return go

    def _pairs(self, host: str) -> HeaderPairs:
        own = self._table.of(host)
        pairs = [(name, self._resolved(value)) for name, value in (own.headers or {}).items()]
        if own.auth:
            pairs.append(("Authorization", authorization(self._resolved(own.auth))))
        return tuple(pairs)


def authorization(credentials: str) -> str:
    """The value of the header field for "user:password", or for "Bearer TOKEN" and the like, which stays as it is."""
    scheme, blank, _ = credentials.partition(" ")
    if blank and ":" not in scheme:
        return credentials
    return "Basic " + b64encode(credentials.encode()).decode()

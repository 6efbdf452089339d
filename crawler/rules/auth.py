"""Logins and header fields of single hosts: Basic (RFC 7617), Bearer (RFC 6750), and whatever `[[host]]` tables say.

They are decided for each URL anew, so a redirect takes none of them to another host. And they do not follow a host from
https down to http: what has been sent to it over https once is not sent to it in the clear.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from crawler.errors import SettingsError
from crawler.host_table import HostSettings, HostTable
from crawler.request import Request
from crawler.response import HeaderPairs
from crawler.secrets import is_secret, resolve
from crawler.url import host_of
from crawler.verdict import GO, Before, Go

_BEARER = re.compile(r"bearer +([\w\-.~+/]+=*)", re.IGNORECASE | re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_KNOWN = 10_000  # hosts whose fields are remembered


class _Fields(NamedTuple):
    """What a host is sent, and what of it also without TLS."""

    all: Go
    in_the_clear: Go


class Auth:
    """Sends what `tables` say about the host of a URL; a request's own fields win.

    A URL with a login of its own (`http://user:password@host/`) is sent that. `look_up` gives the value of `env:NAME`.
    Raises `SettingsError` for an `auth` that is neither `user:password` nor `Bearer TOKEN`, and for a field that cannot
    be sent, and what `look_up` raises.
    """

    name = "auth"

    def __init__(self, tables: Sequence[HostSettings], look_up: Callable[[str], str] = resolve) -> None:
        said = [table for table in tables if table.auth is not None or table.headers is not None]
        self._table = HostTable([_ready(table, look_up) for table in said])
        # Besides those whose name tells it: nobody puts into the environment what everybody may know.
        self._secret = {
            name.lower() for table in said for name, value in (table.headers or {}).items() if value.startswith("env:")
        }
        self._known: dict[str, _Fields] = {}
        self._with_tls: set[str] = set()  # hosts that were sent something over https

    def before(self, request: Request) -> Before:
        url = request.url
        if not self._table:
            return _of_userinfo(url) if "@" in url else GO
        host = host_of(url)
        fields = self._known.get(host)
        if fields is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            fields = self._known[host] = self._fields(self._table.of(host))
        go = fields.all
        if go is not GO:
            if url.startswith("https:"):
                self._with_tls.add(host)
            elif host in self._with_tls or _comes_from_tls(request, host):
                self._with_tls.add(host)
                go = fields.in_the_clear
        if "@" in url and (own := _of_userinfo(url)) is not GO:
            return Go((*(pair for pair in go.header_pairs if pair[0].lower() != "authorization"), *own.header_pairs))
        return go

    def _fields(self, own: HostSettings) -> _Fields:
        headers = dict(own.headers or {})
        if own.auth:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            headers["Authorization"] = own.auth
        harmless = {
            name: value for name, value in headers.items() if not is_secret(name) and name.lower() not in self._secret
        }
        return _Fields(_go(tuple(headers.items())), _go(tuple(harmless.items())))


def header_of(auth: str) -> str:
    """The value of the Authorization field for `user:password` or `Bearer TOKEN`. Raises `ValueError` for others."""
    if match := _BEARER.fullmatch(auth.strip()):
        return f"Bearer {match[1]}"
    user, colon, _ = auth.partition(":")
    if not colon or _CONTROL.search(auth) or user.lower().startswith("bearer "):
        raise ValueError("neither user:password nor Bearer TOKEN")
    return f"Basic {b64encode(auth.encode()).decode()}"


def _ready(table: HostSettings, look_up: Callable[[str], str]) -> HostSettings:
    """A table whose `auth` is the value of the field, and with secrets in place of the names of variables."""
    auth = table.auth
    if auth:
        try:
            auth = header_of(look_up(auth))
        except ValueError as error:
            raise SettingsError(
                f"auth of [[host]] match = {table.match!r} is {error}",
                hint='another scheme is sent as it is: headers = { Authorization = "env:MY_LOGIN" }',
            ) from None
    headers = {name: look_up(value).strip() for name, value in (table.headers or {}).items()}
    for name, value in headers.items():
        if not name or not name.isascii() or re.search(r"[\s:]", name) or _CONTROL.search(name + value):
            raise SettingsError(f"headers of [[host]] match = {table.match!r}: {name!r} cannot be sent as it is")
    return msgspec.structs.replace(table, auth=auth, headers=headers if table.headers is not None else None)


def _go(pairs: HeaderPairs) -> Go:
    return Go(pairs) if pairs else GO


def _comes_from_tls(request: Request, host: str) -> bool:
    """Whether somebody sends us from the host's own https to its http."""
    origin = request.hops[-1] if request.hops else request.parent
    return origin.startswith("https:") and host_of(origin) == host


def _of_userinfo(url: str) -> Go:
    """The login in a canonical URL, where its characters are escaped."""
    netloc = url.split("/", 3)[2]
    userinfo, at, _ = netloc.rpartition("@")
    if not at:
        return GO
    user, _, password = userinfo.partition(":")
    try:
        return Go((("Authorization", header_of(f"{unquote(user).replace(':', '')}:{unquote(password)}")),))
    except ValueError:
        return GO

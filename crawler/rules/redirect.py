"""Redirects (RFC 9110, 15.4): each hop goes through the frontier, so every rule applies to it.

A fragment is nothing a hop could inherit (RFC 9110, 10.2.2): the URLs of requests have none. The field `Refresh` is not
followed, it stands beside a page that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.secrets import SECRET_FIELDS, mask_url
from crawler.url import host_of, join
from crawler.verdict import KEEP, After, Again, Drop

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Fields that were meant for the first host only, whatever the settings say.
_PERSONAL = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_OF_A_BODY = frozenset(
    {
        "content-type",
        "content-length",
        "content-encoding",
        "content-language",
        "content-location",
        "transfer-encoding",
        "digest",
        "content-digest",
        "last-modified",
    }
)
# Validators are those of one resource.
_OF_A_URL = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # no field value may have one; a tab the URL standard leaves out
_SHOWN = 200  # characters of a Location that are told


class Redirect:
    """Follows up to `max_hops` redirects of one request; with 0 the answer counts as it is.

    `downgrade` allows a hop from https to http. `secret` are fields of the request that do not go to another
    host, besides those that always are secret. A target may have up to `max_url` characters.
    """

    name = "redirect"

    def __init__(
        self,
        max_hops: int,
        downgrade: bool = False,
        secret: Iterable[str] = (),
        max_url: int = 8192,
    ) -> None:
        self._max = max_hops
        self._downgrade = downgrade
        self._secret = _PERSONAL | SECRET_FIELDS | {name.lower() for name in secret}
        self._max_url = max_url

    def after(self, request: Request, outcome: Outcome) -> After:
        if not isinstance(outcome, Response) or outcome.status not in _REDIRECTS or not self._max:
            return KEEP
        places = {place for value in outcome.headers.getall("location") if (place := value.strip())}
        if not places:
            return KEEP
        if len(places) > 1:  # whoever splits a response adds one
            told = " and ".join(repr(_short(place)) for place in sorted(places)[:2])
            return _failed(f"to several places, {told}")
        location = places.pop()
        if len(request.hops) >= self._max:
            return _failed(f"more than {self._max} hops from {request.hops[0]}")
        if _CONTROL.search(location):
            return _failed(f"to {_short(location)!r}, which has control characters")
        try:
            target = join(request.url, _text(location))
        except (ValueError, UnicodeError):
            return _failed(f"to {_short(location)!r}, which is no URL")
        if not target.startswith(("http://", "https://")):
            return _failed(f"to {_short(target)}, which is not fetched")
        if len(target) > self._max_url:
            return _failed(f"to a URL of {len(target):,} characters, more than limits.max_url")
        if _loses_tls(request.url, target) and not self._downgrade:
            return _failed(f"from https to {mask_url(target)}, redirect.downgrade allows it")
        return Again(
            self._hop(request, target, outcome.status), reason=f"redirect: {outcome.status} to {mask_url(target)}"
        )

    def _hop(self, request: Request, target: str, status: int) -> Request:
        """The request for the next hop. 303, and 301/302 after a POST, become a GET without a body."""
        method, body, headers = request.method, request.body, request.headers
        dropped: frozenset[str] = frozenset()
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            dropped |= _OF_A_BODY
        is_trusted = host_of(target) == host_of(request.url) and not _loses_tls(request.url, target)
        if not is_trusted:
            dropped |= self._secret
        if target != request.url:
            dropped |= _OF_A_URL
        if headers:
            headers = {name: value for name, value in headers.items() if name.lower() not in dropped}
        return request.replace(
            url=target,
            method=method,
            body=body,
            headers=headers,
            cookies=request.cookies if is_trusted else None,
            hops=(*request.hops, request.url),
            attempts=0,
        )


def _failed(reason: str) -> Drop:
    return Drop(f"redirect: {reason}", state="failed", error=True)


def _loses_tls(url: str, target: str) -> bool:
    return url.startswith("https:") and target.startswith("http:")


def _text(location: str) -> str:
    """A Location as text. Field values are bytes that were read as Latin-1; what is not ASCII is UTF-8 in practice.

    Where it is not, its bytes are escaped one by one, so that the host gets back what it wrote.
    """
    if location.isascii():
        return location
    try:
        raw = location.encode("latin-1")
    except UnicodeEncodeError:
        return location  # somebody has decoded it already
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"

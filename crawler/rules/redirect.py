"""Redirects (RFC 9110, 15.4): each hop goes through the frontier, so every rule applies to it.

URLs here have no fragment, so there is none to hand on (RFC 9110, 10.2.2). A `Refresh` field is no redirect: such an
answer is a page.
"""

from __future__ import annotations

from collections.abc import Iterable

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.secrets import SECRET_FIELDS
from crawler.url import host_of, join
from crawler.verdict import KEEP, After, Again, Drop

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
_SHOWN = 200  # characters of a target in a reason


class Redirect:
    """Follows up to `max_hops` redirects of one request; with 0 the answer counts as it is.

    From https to http only with `downgrade`. `secret` fields of a request are not sent to another host.
    """

    name = "redirect"

    def __init__(self, max_hops: int, downgrade: bool = False, secret: Iterable[str] = SECRET_FIELDS) -> None:
        self._max = max_hops
        self._downgrade = downgrade
        self._secret = frozenset(name.lower() for name in secret)

    def after(self, request: Request, outcome: Outcome) -> After:
        if not isinstance(outcome, Response) or outcome.status not in _REDIRECTS or not self._max:
            return KEEP
        locations = outcome.headers.getall("location")
        if not locations or not locations[0].strip():
            return KEEP
        if len(request.hops) >= self._max:
            return _failed(f"more than {self._max} hops from {request.hops[0]}")
        if len(set(locations)) > 1:
            return _failed(f"to {len(locations)} places at once")
        try:
            # Field values are bytes that were read as Latin-1; the ones that are not ASCII are UTF-8 in practice.
            target = join(request.url, locations[0].encode("latin-1").decode("utf-8", "replace"))
        except (ValueError, UnicodeError):
            return _failed(f"to {locations[0][:_SHOWN]!r}, which is no URL")
        if not target.startswith(("http://", "https://")):
            return _failed(f"to {target[:_SHOWN]}, which is not fetched")
        if request.url.startswith("https:") and target.startswith("http:") and not self._downgrade:
            return _failed(f"to {target[:_SHOWN]}, from https to http (redirect.downgrade allows it)")
        return Again(self._hop(request, target, outcome.status), reason=f"redirect: {outcome.status} to {target}")

    def _hop(self, request: Request, target: str, status: int) -> Request:
        """The request for the next hop. 303, and 301/302 after a POST, become a GET without a body."""
        method, body = request.method, request.body
        dropped: frozenset[str] = frozenset()
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            dropped = _OF_A_BODY
        loses_tls = request.url.startswith("https:") and target.startswith("http:")
        is_trusted = host_of(target) == host_of(request.url) and not loses_tls
        if not is_trusted:
            dropped |= self._secret
        headers = request.headers
        if headers and dropped:
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

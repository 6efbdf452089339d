"""Redirects (RFC 9110, 15.4): each hop goes through the frontier, so every rule applies to it."""

from __future__ import annotations

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.url import host_of, join
from crawler.verdict import KEEP, After, Again, Drop

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Fields that were meant for the first host only.
_PERSONAL = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})


class Redirect:
    """Follows up to `max_hops` redirects of one request; with 0 the answer counts as it is."""

    name = "redirect"

    def __init__(self, max_hops: int) -> None:
        self._max = max_hops

    def after(self, request: Request, outcome: Outcome) -> After:
        if not isinstance(outcome, Response) or outcome.status not in _REDIRECTS or not self._max:
            return KEEP
        location = outcome.headers.get("location")
        if not location:
            return KEEP
        if len(request.hops) >= self._max:
            return Drop(f"redirect: more than {self._max} hops from {request.hops[0]}", state="failed", error=True)
        try:
            # Field values are bytes that were read as Latin-1; the ones that are not ASCII are UTF-8 in practice.
            target = join(request.url, location.encode("latin-1").decode("utf-8", "replace"))
        except (ValueError, UnicodeError):
            return Drop(f"redirect: to {location[:200]!r}, which is no URL", state="failed", error=True)
        if not target.startswith(("http://", "https://")):
            return Drop(f"redirect: to {target[:200]}, which is not fetched", state="failed", error=True)
        return Again(_hop(request, target, outcome.status), reason=f"redirect: {outcome.status} to {target}")


def _hop(request: Request, target: str, status: int) -> Request:
    """The request for the next hop. 303, and 301/302 after a POST, become a GET without a body."""
    hops = (*request.hops, request.url)
    headers = request.headers
    method, body = request.method, request.body
    dropped: frozenset[str] = frozenset()
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        dropped |= _OF_A_BODY
    loses_tls = request.url.startswith("https:") and target.startswith("http:")
    trusted = host_of(target) == host_of(request.url) and not loses_tls
    if not trusted:
        dropped |= _PERSONAL
    if headers and dropped:
        headers = {name: value for name, value in headers.items() if name.lower() not in dropped}
    cookies = request.cookies if trusted else None
    return request.replace(
        url=target, method=method, body=body, headers=headers, cookies=cookies, hops=hops, attempts=0
    )

"""What becomes of a request that a spider yields: its canonical form, its origin, and whether rules want it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from crawler.engine.ending import Ending
from crawler.frontier.ledger import Ledger
from crawler.frontier.recent import Recent
from crawler.observe import events
from crawler.request import Request
from crawler.rules.base import Rules
from crawler.url import canonical, split_credentials
from crawler.url_options import UrlOptions
from crawler.verdict import Drop

_LONGEST = 16_384  # characters of a refused URL that is kept as it is
_SHOWN = 500


class Offers:
    """Sorts out what is offered, with a set of `rules`, and what counts as the same URL, per spider."""

    def __init__(
        self,
        rules: Sequence[Rules],
        url_options: Sequence[UrlOptions],
        ledger: Ledger,
        emit: Callable[[Any], None],
        ending: Ending,
    ) -> None:
        self._rules = rules
        self._url_options = url_options
        self._ledger = ledger
        self._emit = emit
        self._ending = ending
        self._recent = [Recent() for _ in rules]
        self._refused = [Recent() for _ in rules]

    def allowed(self, requests: Sequence[Request], origin: Request | None) -> list[Request]:
        """The requests in canonical form, told where they come from, without those that rules refuse.

        Most links of most pages were offered a moment ago: those are left out first, before they cost anything.
        """
        allowed: list[Request] = []
        for request in requests:
            url = request.url
            spider = origin.spider if origin is not None else request.spider
            recent = self._recent[spider]
            is_plain = request.method == "GET" and not request.body and not request.again and request.save is None
            jar = request.jar if request.jar is not None or origin is None else origin.jar
            if is_plain and (f"{jar} {url}" if jar else url) in recent:
                continue
            try:
                url = canonical(url)
            except ValueError:
                self._no_url(request, origin)
                continue
            if options := self._url_options[spider]:
                url = options(url)
            if "@" in url:
                request = without_credentials(request, url)
                url = request.url
            if origin is not None:
                request = request.replace(
                    url=url,
                    parent=origin.url,
                    depth=origin.depth + 1,
                    spider=spider,
                    jar=jar,
                    parent_row=origin.row,
                    attempts=0,
                    hops=(),
                )
            elif url is not request.url:
                request = request.replace(url=url)
            verdict = self._rules[spider].found(request)
            if type(verdict) is Drop:
                self._refuse(request, verdict.reason)
                continue
            if is_plain:
                recent.add(f"{jar} {url}" if jar else url)
            allowed.append(request)
        return allowed

    def _no_url(self, request: Request, origin: Request | None) -> None:
        """Pages are full of links to nowhere; a start is what somebody wanted."""
        reason = "this is no absolute URL of http or https"
        if origin is not None:
            self._emit(events.Dropped(request.url, f"url: {reason}"))
            return
        self._ending.count_errors(1)
        self._emit(events.FetchFailed(request.url, "invalid", reason, True))

    def _refuse(self, request: Request, reason: str) -> None:
        """A rule does not want a request. Said and kept once: the same links stand on many pages."""
        if len(request.url) > _LONGEST:
            request = request.replace(url=f"{request.url[:_SHOWN]}…{len(request.url):,} characters")
        if request.url not in self._refused[request.spider]:
            self._refused[request.spider].add(request.url)
            self._ledger.drop(request, reason)
            self._emit(events.Dropped(request.url, reason))


def without_credentials(request: Request, url: str) -> Request:
    """The request for `url`, a canonical one. Its `user:password@` becomes a header field of the request (RFC 7617).

    So no password stands in the ledger's URLs, in logs or in items. A field that the request has already stays.
    """
    parts = split_credentials(url)
    if parts is None:
        return request if request.url == url else request.replace(url=url)
    url, user, password = parts
    headers = request.headers or {}
    if not any(name.lower() == "authorization" for name in headers):
        token = b64encode(f"{user}:{password}".encode()).decode()
        headers = {**headers, "Authorization": f"Basic {token}"}
    return request.replace(url=url, headers=headers)

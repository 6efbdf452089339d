"""robots.txt (RFC 9309): fetched before anything else of an origin, and obeyed.

What a fetch gives (RFC 9309, 2.3.1): a file is obeyed · up to five redirects are followed, beyond that it counts as
missing · missing (4xx) allows everything · an error of the server or of the network (and 429, "too many requests")
is tried again while the host waits if it may pass, and forbids everything if it stays. What was learned holds for a
day; if it cannot be renewed then, it goes on holding (2.4).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from crawler.host_table import HostTable
from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.retry_after import retry_after
from crawler.robots_text import RobotsText, token_of
from crawler.rules.retry import may_pass
from crawler.settings import Settings
from crawler.url import host_of, join
from crawler.verdict import GO, KEEP, Again, Before, Drop, First, FirstCame

_MOST_HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_KNOWN = 2_000  # origins whose rules are in memory; those of the others are read from the store
_MOST_BYTES = 10_000_000  # of their files, which take ten times as much when they are read
_SHORT = 600.0  # seconds for which a host is written off whose robots.txt could not be had


class Store(Protocol):
    """Keeps files for later parts of the run: when one was fetched (seconds since 1970), and its body, if any."""

    def robots(self, origin: str) -> tuple[float, bytes | None] | None: ...

    def keep_robots(self, origin: str, fetched: float, body: bytes | None) -> None: ...


class Known(NamedTuple):
    """One origin in memory: its file if there is one, or why nobody knows, and until when that is believed."""

    text: RobotsText | None
    unreachable: str
    until: float
    size: int = 0  # bytes of the file


class RobotsMemory:
    """The robots.txt files of a run, shared by its spiders. Times are seconds since 1970.

    `max_size` bytes of a file are read, it is believed for `max_age` seconds (0: as long as the run takes). `tokens`
    are what the spiders call themselves that obey it; `slow(host, seconds)` is told of the longest Crawl-delay that a
    file has for one of them, at most `max_crawl_delay` (0: whatever it is).
    """

    def __init__(
        self,
        store: Store,
        max_size: int,
        max_age: float,
        *,
        tokens: Sequence[str] = (),
        max_crawl_delay: float = 0.0,
        slow: Callable[[str, float], None] | None = None,
    ) -> None:
        self.max_size = max_size
        self._store = store
        self._max_age = max_age or math.inf
        self._tokens = tokens
        self._max_crawl_delay = max_crawl_delay or math.inf
        self._slow = slow
        self._known: dict[str, Known] = {}
        self._bytes = 0
        self._unused: set[str] = set()  # origins whose answer has just come: it is good for one request in any case

    def get(self, origin: str, now: float) -> Known | None:
        """What is known of an origin such as "https://example.org", or None if it is to be fetched."""
        known = self._any(origin)
        if known is None or now < known.until:
            return known
        if origin not in self._unused:
            return None
        self._unused.discard(origin)
        return known

    def learn(self, origin: str, body: bytes | None, keep: bool = True) -> None:
        """A file was fetched, or None: there is none. Without `keep` a resumed run finds out again."""
        now = time.time()
        self._remember(origin, now, body)
        self._unused.add(origin)
        if keep:
            self._store.keep_robots(origin, now, body)

    def give_up(self, origin: str, why: str) -> None:
        """Nobody knows, or what was known cannot be renewed. For a while that has to do, and no resumed run is told."""
        until = time.time() + _SHORT
        known = self._any(origin)
        if known is None or known.unreachable:
            known = Known(None, why, until)
        self._put(origin, known._replace(until=until))
        self._unused.add(origin)

    def sitemaps(self, url: str) -> tuple[str, ...]:
        """The `Sitemap:` lines of the file for a canonical URL; () if it has none or was not fetched."""
        known = self._any(origin_of(url))
        return known.text.sitemaps if known is not None and known.text is not None else ()

    def _any(self, origin: str) -> Known | None:
        """What is known, however old."""
        known = self._known.get(origin)
        if known is None and (kept := self._store.robots(origin)) is not None:
            known = self._remember(origin, *kept)
        return known

    def _remember(self, origin: str, fetched: float, body: bytes | None) -> Known:
        text = RobotsText(body, self.max_size) if body else None
        if (
            self._slow is not None
            and text is not None
            and (delay := max((text.crawl_delay(token) or 0.0 for token in self._tokens), default=0.0))
        ):
            self._slow(host_of(f"{origin}/"), min(delay, self._max_crawl_delay))
        return self._put(origin, Known(text, "", fetched + self._max_age, len(body or b"")))

    def _put(self, origin: str, known: Known) -> Known:
        before = self._known.pop(origin, None)
        self._known[origin] = known
        self._bytes += known.size - (before.size if before is not None else 0)
        while len(self._known) > _MOST_KNOWN or (self._bytes > _MOST_BYTES and len(self._known) > 1):
            oldest = next(iter(self._known))
            self._bytes -= self._known.pop(oldest).size
            self._unused.discard(oldest)
        return known


class Robots:
    """Obeys robots.txt for one spider, which calls itself `token`.

    With `obey` False only the hosts that `table` names are asked. A robots.txt that cannot be had is tried `times`
    times, after `pause` seconds at first, each time after twice as long, or when the host says so (at most
    `max_pause`; 0: however long that is).
    """

    name = "robots"

    def __init__(
        self,
        memory: RobotsMemory,
        token: str,
        *,
        obey: bool,
        table: HostTable,
        times: int,
        pause: float,
        max_pause: float,
    ) -> None:
        self._memory = memory
        self._token = token
        self._obey = obey
        self._table = table
        self._times = times
        self._pause = pause
        self._max_pause = max_pause or math.inf

    def before(self, request: Request) -> Before:
        if request.purpose:
            return GO
        url = request.url
        if not self._is_asked(host_of(url)):
            return GO
        origin = origin_of(url)
        known = self._memory.get(origin, time.time())
        if known is None:
            return First(self._request(request, origin))
        if known.unreachable:
            reason = f"robots: {origin}/robots.txt cannot be had ({known.unreachable}), so nothing is fetched there"
            return Drop(reason, state="failed", error=True)
        if known.text is None:
            return GO
        if known.text.allows(url, self._token):
            return GO
        return Drop(f"robots: {origin}/robots.txt disallows it for {self._token}")

    def first(self, request: Request, outcome: Outcome) -> FirstCame:
        """The outcome of a fetch of robots.txt."""
        origin = origin_of(request.hops[0] if request.hops else request.url)
        if isinstance(outcome, Response):
            status = outcome.status
            if 200 <= status < 300:
                return self._learn(origin, outcome.body[: self._memory.max_size])
            if status in _REDIRECTS:
                return self._follow(request, origin, outcome)
            if status < 500 and status != 429:
                return self._learn(origin, None)
            why = f"status {status}"
            asked = retry_after(outcome.headers.get("retry-after", ""), time.time())
        else:
            assert isinstance(outcome, Failure)
            why, asked = str(outcome), None
            if outcome.kind == "invalid":  # no fault of the host: there is nothing to send, or nobody plays it offline
                self._memory.learn(origin, None, keep=False)
                return KEEP
            if not may_pass(outcome):
                self._memory.give_up(origin, why)
                return KEEP
        if request.attempts + 1 >= self._times:
            told = f"tried {self._times} times, at last: {why}" if self._times > 1 else why
            self._memory.give_up(origin, told)
            return KEEP
        pause = max(self._pause * 2.0**request.attempts, min(asked or 0.0, self._max_pause))
        again = self._request(request, origin).replace(attempts=request.attempts + 1)
        return Again(again, pause, f"robots: {origin}/robots.txt: {why}")

    def _is_asked(self, host: str) -> bool:
        own = self._table.of(host).robots if self._table else None
        return self._obey if own is None else own

    def _learn(self, origin: str, body: bytes | None) -> FirstCame:
        self._memory.learn(origin, body)
        return KEEP

    def _follow(self, request: Request, origin: str, response: Response) -> FirstCame:
        location = response.headers.get("location", "")
        try:
            target = join(request.url, location.encode("latin-1").decode("utf-8", "replace")) if location else ""
        except (ValueError, UnicodeError):
            target = ""
        if not target.startswith(("http://", "https://")) or len(request.hops) >= _MOST_HOPS:
            return self._learn(origin, None)
        return Again(request.replace(url=target, hops=(*request.hops, request.url)))

    def _request(self, request: Request, origin: str) -> Request:
        """Fetches the origin's robots.txt on behalf of a request, whose row it has; what is not read is not fetched."""
        return request.replace(
            url=f"{origin}/robots.txt",
            method="GET",
            headers=None,
            body=None,
            cookies=None,
            callback=None,
            on_failure=None,
            timeout=None,
            max_body=self._memory.max_size,
            hops=(),
            attempts=0,
            purpose="robots",
        )


def tokens_of(settings: Sequence[Settings]) -> list[str]:
    """The product tokens of those spiders of a run that obey robots.txt somewhere."""
    obeying = [one for one in settings if one.robots.obey or any(table.robots for table in one.host)]
    return list(dict.fromkeys(token_of(one.fetch.user_agent) for one in obeying))


def origin_of(url: str) -> str:
    """Scheme and authority of a canonical URL: "https://example.org:8443"."""
    return url[: url.find("/", 8)]

"""robots.txt (RFC 9309): fetched before anything else of an origin, and obeyed.

What a fetch gives (RFC 9309, 2.3.1): a file is obeyed · up to five redirects are followed, beyond that it counts as
missing · missing (4xx) allows everything · an error of the server or of the network (and 429, "too many requests")
is tried again while the host waits, and forbids everything if it stays. What was learned holds for a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from crawler.host_table import HostTable
from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.retry_after import retry_after
from crawler.robots_text import RobotsText
from crawler.rules.retry import may_pass
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

    `max_size` bytes of a file are read, it is believed for `max_age` seconds.
    """

    def __init__(self, store: Store, max_size: int, max_age: float) -> None:
        self.max_size = max_size
        self._store = store
        self._max_age = max_age
        self._known: dict[str, Known] = {}
        self._bytes = 0

    def get(self, origin: str, now: float) -> Known | None:
        """What is known of an origin such as "https://example.org", or None if it is to be fetched."""
        known = self._known.get(origin)
        if known is None:
            kept = self._store.robots(origin)
            if kept is None:
                return None
            known = self._remember(origin, *kept)
        return known if now < known.until else None

    def learn(self, origin: str, body: bytes | None, keep: bool = True) -> None:
        """A file was fetched, or None: there is none. Without `keep` a resumed run finds out again."""
        now = time.time()
        self._remember(origin, now, body)
        if keep:
            self._store.keep_robots(origin, now, body)

    def give_up(self, origin: str, why: str) -> None:
        """Nobody knows. It is not kept: whoever resumes the run finds out again."""
        self._put(origin, Known(None, why, time.time() + _SHORT))

    def sitemaps(self, url: str) -> tuple[str, ...]:
        """The `Sitemap:` lines of the file for a canonical URL; () if it has none or was not fetched."""
        known = self.get(origin_of(url), 0.0)
        return known.text.sitemaps if known is not None and known.text is not None else ()

    def _remember(self, origin: str, fetched: float, body: bytes | None) -> Known:
        text = RobotsText(body, self.max_size) if body else None
        return self._put(origin, Known(text, "", fetched + self._max_age, len(body or b"")))

    def _put(self, origin: str, known: Known) -> Known:
        before = self._known.pop(origin, None)
        self._known[origin] = known
        self._bytes += known.size - (before.size if before is not None else 0)
        while len(self._known) > _MOST_KNOWN or (self._bytes > _MOST_BYTES and len(self._known) > 1):
            self._bytes -= self._known.pop(next(iter(self._known))).size
        return known


class Robots:
    """Obeys robots.txt for one spider, which calls itself `token`.

    With `obey` False only the hosts that `table` names are asked. A robots.txt that cannot be had is tried `times`
    times, after `pause` seconds at first, each time after twice as long, or when the host says so (at most
    `max_pause`). `slow(host, seconds)` is told of a Crawl-delay, at most `max_crawl_delay`.
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
        max_crawl_delay: float,
        slow: Callable[[str, float], None],
    ) -> None:
        self._memory = memory
        self._token = token
        self._obey = obey
        self._table = table
        self._times = times
        self._pause = pause
        self._max_pause = max_pause
        self._max_crawl_delay = max_crawl_delay
        self._slow = slow
        self._told: set[str] = set()  # origins whose Crawl-delay was told

    def before(self, request: Request) -> Before:
        if request.purpose:
            return GO
        url = request.url
        if not self._is_asked(host_of(url)):
            return GO
        origin = origin_of(url)
        known = self._memory.get(origin, time.time())
        if known is None:
            return First(_robots_request(request, origin))
        if known.unreachable:
            reason = f"robots: {origin}/robots.txt cannot be had ({known.unreachable}), so nothing is fetched there"
            return Drop(reason, state="failed", error=True)
        if known.text is None:
            return GO
        if origin not in self._told:
            self._tell(origin, known.text)
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
            if not may_pass(outcome):  # a certificate, a name that does not exist: pages meet it as well
                self._memory.learn(origin, None, keep=False)
                return KEEP
        if request.attempts + 1 >= self._times:
            self._memory.give_up(origin, f"tried {self._times} times, at last: {why}")
            return KEEP
        pause = max(self._pause * 2.0**request.attempts, min(asked or 0.0, self._max_pause))
        again = _robots_request(request, origin).replace(attempts=request.attempts + 1)
        return Again(again, pause, f"robots: {origin}/robots.txt: {why}")

    def _is_asked(self, host: str) -> bool:
        own = self._table.of(host).robots if self._table else None
        return self._obey if own is None else own

    def _learn(self, origin: str, body: bytes | None) -> FirstCame:
        self._memory.learn(origin, body)
        self._told.discard(origin)
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

    def _tell(self, origin: str, text: RobotsText) -> None:
        if len(self._told) >= _MOST_KNOWN:
            self._told.clear()
        self._told.add(origin)
        delay = text.crawl_delay(self._token)
        if delay:
            self._slow(host_of(f"{origin}/"), min(delay, self._max_crawl_delay))


def origin_of(url: str) -> str:
    """Scheme and authority of a canonical URL: "https://example.org:8443"."""
    return url[: url.find("/", 8)]


def _robots_request(request: Request, origin: str) -> Request:
    """Fetches the origin's robots.txt on behalf of a request, whose row it has."""
    return request.replace(
        url=f"{origin}/robots.txt",
        method="GET",
        headers=None,
        body=None,
        cookies=None,
        callback=None,
        on_failure=None,
        timeout=None,
        max_body=None,
        hops=(),
        attempts=0,
        purpose="robots",
    )

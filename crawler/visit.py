"""Single pages, fetched as a crawl fetches them, but without one: for `crawl fetch`, `shell`, `view` and `parse`.

The rules are those of a crawl, from the settings: proxy, logins, header fields, cookies, cache, redirects, private
addresses. Left out are those that steer a crawl on its way: nobody asks for robots.txt on behalf of a URL that a person
has typed, nothing is tried again, and scope, depth and traps are asked about what a page leads to, not about the page.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple, assert_never

import msgspec

from crawler.assemble.readers import page_options
from crawler.assemble.rules import Shared, rules_of
from crawler.assemble.spider_settings import check_secrets, layers_of
from crawler.assemble.workshop import limits_of
from crawler.engine.offers import without_credentials
from crawler.errand import close_client, fetch_in_turn, open_client
from crawler.errors import CrawlError, UsageError
from crawler.host_table import HostTable
from crawler.pool.context import context_for
from crawler.pool.crew import map_in_processes, map_in_threads
from crawler.reading import PageError
from crawler.request import Request
from crawler.response import Failure, HeaderPairs, Landing, Order, Outcome, Response, Route
from crawler.rules import ORDER
from crawler.rules.base import Rules
from crawler.rules.cookies import Cookies
from crawler.rules.robots import RobotsMemory
from crawler.rules.route import Starts
from crawler.rules.since import Since
from crawler.settings import Layer, Settings, cores, merge
from crawler.spider.base import Spider
from crawler.spider.page import Page
from crawler.url import canonical, host_of
from crawler.url_options import UrlOptions
from crawler.verdict import Again, Answer, Drop, First, Go, Keep

# Of the rules before a fetch and after it.
_NOT_FOR_A_VISIT = frozenset({"scope", "depth", "traps", "robots", "since", "retry"})


class NotRead(CrawlError):
    """A page that could not be fetched, or that the spider could not read. `trace` is what of it is in user files."""

    def __init__(self, message: str, hint: str = "", exit_code: int = 1, trace: str = "") -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code
        self.trace = trace


class Visited(NamedTuple):
    """What came of a request.

    `request` is the last hop, and has the URLs before it in `hops`. `sent` are the header fields it went with. `drop`
    is why a crawl would not give the outcome to a spider, None if it would. `by` is who answered, if it was not the
    host.
    """

    request: Request
    sent: HeaderPairs
    outcome: Outcome
    drop: Drop | None = None
    by: str = ""

    def response(self) -> Response:
        """The answer, of whatever status. Raises `NotRead` if there is none."""
        if isinstance(self.outcome, Failure):
            raise NotRead(f"{self.request.url}: {self.outcome}")
        if self.drop is not None and self.drop.reason.startswith("redirect:"):
            raise NotRead(f"{self.request.url}: {self.drop.reason}")
        return self.outcome

    def page(self) -> Response:
        """The answer, if a crawl would give it to a spider. Raises `NotRead` that says why not; 4 for block pages."""
        if self.drop is not None and self.drop.state == "blocked":
            raise NotRead(f"{self.request.url}: {self.drop.reason}", exit_code=4)
        response = self.response()
        if self.drop is not None:
            is_status = self.drop.reason.startswith("status:")
            hint = f"-s fetch.accept_status={response.status} gives it to the spider" if is_status else ""
            raise NotRead(f"{self.request.url}: {self.drop.reason}, so no spider is given it", hint=hint)
        return response


class Visitor:
    """Fetches pages with the settings of a crawl, cookies kept in between. A `spider` may say what is blocked."""

    def __init__(self, settings: Settings, spider: Spider | None = None) -> None:
        self.settings = settings
        self.options = page_options(settings)
        self.url_options = UrlOptions(**msgspec.structs.asdict(settings.url))
        self.failed: list[PageError] = []  # what `spider.blocked` raised
        self._table = HostTable(settings.host)
        # Nobody is asked for robots.txt, and nothing compared: these rules are left out, and need no memory.
        shared = Shared(
            cookies=Cookies(),
            robots=RobotsMemory(_NoStore(), settings.robots.max_size, settings.robots.max_age),
            starts=Starts(),
            since=Since(lambda *_: None),
            read_failed=self.failed.append,
        )
        every = rules_of(spider or Spider(), settings, shared)
        self._found = Rules([rule for rule in every if rule.name in ("scope", "depth", "traps", "route")], ORDER)
        self._rules = Rules([rule for rule in every if rule.name not in _NOT_FOR_A_VISIT], ORDER)
        self._last: dict[str, float] = {}  # host -> its latest start, in seconds of `time.monotonic`
        self._tokens = 0

    def fetch(self, request: Request) -> Visited:
        """One page, fetched in this process."""
        return self.fetch_all([request])[0]

    def fetch_all(self, requests: Sequence[Request]) -> list[Visited]:
        """Pages in the order they were asked for. Hosts are asked side by side, each as politely as by a crawl."""
        visited: list[Visited | None] = [None] * len(requests)
        waiting = [(number, self._ready(request)) for number, request in enumerate(requests)]
        while waiting:
            orders: dict[int, Order] = {}
            outcomes: list[tuple[int, Request, HeaderPairs, Outcome, str]] = []
            for number, request in waiting:
                verdict = self._rules.before(request)
                match verdict:
                    case Go():
                        pairs = _sent(request, verdict.header_pairs)
                        orders[number] = self._order(request, pairs, verdict.route)
                    case Answer():
                        outcomes.append((number, request, (), verdict.response, verdict.by))
                    case Drop():
                        failure = Failure(request.url, "guard", verdict.reason)
                        visited[number] = Visited(request, (), failure, verdict)
                    case First():
                        raise ValueError(f"{request.url} wants {verdict.request.url} first")
                    case _:
                        assert_never(verdict)
            landed = self._landed(orders)
            asked = dict(waiting)
            for number, landing in landed.items():
                outcomes.append((number, asked[number], orders[number].header_pairs, landing.outcome, ""))
            waiting = []
            for number, request, pairs, outcome, by in outcomes:
                result = self._judged(request, pairs, outcome, by)
                if isinstance(result, Visited):
                    visited[number] = result
                else:
                    waiting.append((number, result))
        return [one for one in visited if one is not None]

    def judge(self, request: Request, response: Response) -> Visited:
        """What a crawl would make of a saved page."""
        # What says that it comes from a cache is not put into one.
        result = self._judged(request, (), msgspec.structs.replace(response, cached=True), "a file")
        assert isinstance(result, Visited), "a file leads nowhere"
        return result

    def found(self, request: Request) -> tuple[Request, str]:
        """A request as a page of the spider yields it: its canonical form, and why it would not be fetched, or ""."""
        try:
            url = self.url_options(canonical(request.url))
        except ValueError:
            return request, "url: this is no absolute URL"
        verdict = self._found.found(request.replace(url=url))
        return request.replace(url=url), verdict.reason if isinstance(verdict, Drop) else ""

    def start(self, request: Request) -> None:
        """Its host is one that somebody has asked for, so it may have a private address."""
        self._found.found(self._ready(request.replace(parent="", depth=0, hops=())))

    def _ready(self, request: Request) -> Request:
        request = without_credentials(request, self.url_options(canonical(request.url)))
        verdict = self._rules.found(request)
        if isinstance(verdict, Drop):
            raise NotRead(f"{request.url}: {verdict.reason}")
        return request

    def _order(self, request: Request, pairs: HeaderPairs, route: Route | None) -> Order:
        host = host_of(request.url)
        own = self._table.of(host).delay
        delay = self.settings.politeness.delay if own is None else own
        self._tokens += 1
        body = request.body.encode() if isinstance(request.body, str) else request.body
        start = self._last[host] + delay if host in self._last else 0.0
        return Order(
            self._tokens,
            request.url,
            request.method,
            pairs,
            body,
            start,
            request.timeout or 0.0,
            delay,
            route,
            request.max_body or 0,
        )

    def _landed(self, orders: dict[int, Order]) -> dict[int, Landing]:
        """The landings of the orders, by their numbers. Those of one host go one after the other."""
        hosts: dict[str, list[int]] = {}
        for number, order in orders.items():
            hosts.setdefault(host_of(order.url), []).append(number)
        numbers = list(hosts.values())
        tasks = [tuple(orders[number] for number in group) for group in numbers]
        crawl, limits = self.settings.crawl, limits_of(self.settings)
        is_one = len(tasks) < 2 or crawl.pool == "inline"
        size = 1 if is_one else min(len(tasks), crawl.workers or cores())
        if crawl.pool == "process" and not is_one:
            context = context_for(crawl.start_method)
            landed = map_in_processes(context, size, fetch_in_turn, tasks, open_client, (limits,))
        else:
            # Never in this thread: a client makes a failure of whatever interrupts it, of a Ctrl-C as well.
            open_client(limits)
            landed = map_in_threads(size, fetch_in_turn, tasks)
            close_client()
        found: dict[int, Landing] = {}
        for group, landings in zip(numbers, landed, strict=True):
            found.update(zip(group, landings, strict=True))
        for number, landing in found.items():
            host = host_of(orders[number].url)
            self._last[host] = max(landing.started, self._last.get(host, 0.0))
        return found

    def _judged(self, request: Request, pairs: HeaderPairs, outcome: Outcome, by: str) -> Visited | Request:
        """What the rules say to an outcome: the end, or the request for the next hop."""
        while True:
            verdict = self._rules.after(request, outcome)
            match verdict:
                case Keep():
                    return Visited(request, pairs, outcome, None, by)
                case Drop():
                    return Visited(request, pairs, outcome, verdict, by)
                case Answer():
                    outcome, by = verdict.response, verdict.by
                case Again():
                    following = verdict.request
                    tidy = self.url_options(following.url)
                    # As in a crawl: a site that adds a session id to the URL would add it again, for ever.
                    url = following.url if tidy in following.hops else tidy
                    following = without_credentials(following, url)
                    refused = self._rules.found(following)
                    if not isinstance(refused, Drop):
                        return following
                    drop = Drop(f"redirect: to {following.url}: {refused.reason}", "failed", error=True)
                    return Visited(request, pairs, outcome, drop, by)
                case _:
                    assert_never(verdict)


def typed(text: str) -> Request:
    """The request for a URL that a person has typed. Raises `UsageError` for what is none."""
    try:
        url = canonical(text)
        if url.startswith(("http://", "https://")):
            return Request(url)
    except ValueError:
        pass
    hint = "it begins with https:// or http://"
    if "://" not in text and text[:1].isalnum():
        with suppress(ValueError):
            hint = f"did you mean {canonical(f'https://{text}')}?"
    raise UsageError(f"{text!r} is no URL that can be fetched", hint=hint)


def settings_alone(config: str | None, flags: Sequence[Layer]) -> Settings:
    """The settings where there is no spider. Raises `SettingsError`."""
    (layers,) = layers_of([None], config, flags)
    settings = merge(layers)
    check_secrets(settings)
    return settings


def opened(target: str, url: str | None, settings: Settings) -> Page:
    """The page of a URL, or of a file that comes from `url`; of whatever status. Raises `NotRead`, `UsageError`."""
    visitor = Visitor(settings)
    if is_url(target):
        if url is not None:
            raise UsageError("--url says where a file comes from, and this is a URL", hint="leave one of them out")
        visited = visitor.fetch(typed(target))
        return Page(visited.response(), visited.request, visitor.options)
    origin = typed(url).url if url is not None else ""
    response = saved(target, origin)
    return Page(response, Request(response.url), visitor.options)


def page_of(response: Response) -> Page:
    """A response opened for reading, by nobody in particular."""
    return Page(response, Request(response.url))


def is_url(target: str) -> bool:
    """Whether a person means a URL, and not a file."""
    return "://" in target


def saved(target: str, url: str = "") -> Response:
    """A page in a file ("-": standard input) as a response from `url`, or from the file's own. Raises `UsageError`."""
    if target == "-":
        return Response(url or "file:///dev/stdin", 200, (), sys.stdin.buffer.read())
    path = Path(target)
    try:
        body = path.read_bytes()
    except OSError as error:
        hint = f"a URL begins with https:// or http://: https://{target}" if "." in target else ""
        raise UsageError(f"cannot read {target}: {error.strerror}", hint=hint) from None
    kind = guess_type(path.name)[0]
    fields = (("Content-Type", kind),) if kind else ()
    return Response(url or path.resolve().as_uri(), 200, fields, body)


def fetched_now() -> str:
    """The moment of a fetch as items have it in `_fetched`: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _sent(request: Request, pairs: HeaderPairs) -> HeaderPairs:
    """The fields of the request, then those of the rules that it does not set itself."""
    own = request.headers or {}
    names = {name.lower() for name in own}
    return (*own.items(), *(pair for pair in pairs if pair[0].lower() not in names))


class _NoStore:
    """For robots.txt files that nobody asks for."""

    def robots(self, origin: str) -> tuple[float, bytes | None] | None:
        return None

    def keep_robots(self, origin: str, fetched: float, body: bytes | None) -> None: ...

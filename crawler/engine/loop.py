"""The walk of a URL, as five methods in the order of the walk: offer, depart, land, read, store.

Everything here runs in one thread. Workers are reached through lanes, their reports come through the
inbox. What happens is told to listeners as events; nobody answers back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from queue import Empty
from typing import Any, assert_never

from crawler.control.room import RoomLost
from crawler.control.switch import Level, Switch
from crawler.errors import CrawlError, StopNow
from crawler.frontier.ledger import Ledger
from crawler.frontier.recent import Recent
from crawler.items.chain import Chain
from crawler.observe import events
from crawler.observe.emit import Emitter
from crawler.politeness.hosts import Hosts
from crawler.pool.lane import Arrival, Inbox, Lane
from crawler.protocols import Frontier, Seen
from crawler.reading import PageError, Reading
from crawler.request import Request
from crawler.response import Failure, FailureKind, HeaderPairs, Order, Outcome, Response
from crawler.rules.base import Rules
from crawler.settings import Limits
from crawler.spider.base import Spider
from crawler.spider.read import read_failure, read_page, read_start
from crawler.url import canonical, host_of
from crawler.verdict import Again, Drop, Go, Keep

_STARTS = 256  # start requests taken at once,
_START_TURN = 0.1  # and the seconds after which no further one is asked for
_FIRST = (1 << 62, 0)  # before any (priority, row)
_ALL = 1 << 62
_LONG_PAUSE = 0.2  # a host's pause beyond this is kept in the ledger, seconds
_TURN = 0.25  # the loop looks at the switch and the clock at least this often, seconds
_WATCH = 1.0  # seconds between looks at the workers
_HOPELESS = 5  # workers lost in a row without a single landing

Landed = tuple[Request, Outcome]
Read = tuple[Request, Outcome, Reading]


class Engine:
    """One crawl. `run` walks until there is nothing left, a limit is reached, or the switch says stop.

    `new_lane(number)` starts a worker. `publish` is given the live numbers about once a second. `carried` gives the
    counters that a resumed run begins with. With `sync` the outputs are on the disk before the ledger says so.
    `parse_timeout` is how many seconds a callback may take for a page; 0 = no limit.
    """

    def __init__(
        self,
        *,
        spiders: Sequence[Spider],
        rules: Sequence[Rules],
        frontier: Frontier,
        ledger: Ledger,
        seen: Seen,
        hosts: Hosts,
        chain: Chain,
        inbox: Inbox,
        new_lane: Callable[[int], Lane],
        workers: int,
        concurrency: int,
        horizon: float,
        stop_grace: float,
        limits: Limits,
        switch: Switch,
        emitter: Emitter,
        publish: Callable[[dict[str, Any]], None],
        carried: Callable[[], dict[str, Any]] = dict,
        sync: bool = False,
        parse_timeout: float = 0.0,
    ) -> None:
        self._spiders = spiders
        self._rules = rules
        self._frontier = frontier
        self._ledger = ledger
        self._seen = seen
        self._hosts = hosts
        self._chain = chain
        self._inbox = inbox
        self._new_lane = new_lane
        self._workers = workers
        self._concurrency = concurrency
        self._horizon = horizon
        self._stop_grace = stop_grace
        self._limits = limits
        self._switch = switch
        self._emit = emitter.emit
        self._fetched_is_heard = emitter.hears(events.Fetched)
        self._publish = publish
        self._carried = carried
        self._sync = sync
        self._parse_timeout = parse_timeout
        self._lanes: list[Lane] = []
        self._lane_of: dict[str, int] = {}
        self._recent = [Recent() for _ in spiders]
        self._refused = [Recent() for _ in spiders]
        self._to_wall = 0.0  # what makes a time of day (seconds since 1970) of one of the monotonic clock
        self._tokens = count(1)
        self._starts: list[tuple[int, Iterator[Request | PageError]]] = []
        self._pages = 0
        self._items = 0
        self._errors = 0
        self._ending = ""  # why nothing departs any more
        self._grace_ends = 0.0
        self._lost_in_a_row = 0
        self._is_paused = False  # what the ledger says
        self._next_watch = 0.0
        self._began = 0.0
        self.reading: tuple[str, float] | None = None  # the page being read and since when, for the live view

    # -- what others may look at, from any thread ---------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Requests that wait in the frontier."""
        return len(self._frontier)

    @property
    def in_flight(self) -> int:
        """Requests that are with the workers."""
        return sum(len(lane) for lane in self._lanes)

    def idle_reason(self) -> str:
        """Why nothing more is in flight, in a few words; "" while there is plenty."""
        if self._switch.level == Level.PAUSE:
            return "paused"
        if self._ending:
            return "stopping: waiting for what is in flight"
        reading = self.reading
        if reading is not None and time.monotonic() - reading[1] > 2:
            return f"reading {reading[0]} for {time.monotonic() - reading[1]:.0f} s"
        if not self.waiting:
            return "" if self._starts else "waiting for the last answers"
        if self.in_flight < self._concurrency:
            return "politeness: hosts rest between requests"
        return ""

    # -- the crawl ----------------------------------------------------------------------------------------------

    def run(self) -> str:
        """Crawl; why it ended: "finished", "stopped", or the limit that was reached.

        Raises `OutputError` if an output fails, and `CrawlError` if workers cannot be kept alive.
        """
        self._began = time.monotonic()
        self._next_watch = self._began + _WATCH
        self._recover()
        try:
            for number in range(self._workers):
                if self._switch.level >= Level.STOP:
                    break
                self._lanes.append(self._new_lane(number))
            while not self._is_over():
                self._take_starts()
                next_time = self.depart()
                arrival = self._wait(next_time)
                if arrival is not None:
                    landed = self.land(arrival)
                    self.depart()  # the workers go on while the pages are read here
                    self.store(self.read(landed))
                self._look_around()
                self._keep_pause()
        except StopNow:
            self.reading = None
            self._end("stopped")
        finally:
            self._close_lanes()
        self._keep_and_commit()
        return self._ending or "finished"

    def offer(self, requests: Sequence[Request], origin: Request | None = None) -> None:
        """Put the requests that are new and allowed into the frontier. `origin` is the request whose page gave them."""
        self._claim(self._allowed(requests, origin))

    def depart(self) -> float | None:
        """Give due requests to lanes as far as permits reach; when to try again, None = after the next landing."""
        next_time: float | None = None
        if not self._ending and self._switch.level == Level.RUN:
            room = self._concurrency - self.in_flight
            if self._limits.max_pages:
                room = min(room, self._limits.max_pages - self._pages - self.in_flight)
            until = time.monotonic() + self._horizon
            while room > 0:
                due = self._frontier.next(until)
                if due is None:
                    next_time = self._frontier.next_time()
                    break
                room -= self._depart_one(*due)
        for lane in self._lanes:
            lane.call()
        return next_time

    def land(self, arrival: Arrival) -> list[Landed]:
        """Settle what came back and ask the rules; what is left for the spider to read."""
        lane = arrival.lane
        if self._lanes[lane.number] is not lane:
            return []  # a worker that was replaced meanwhile
        if arrival.error is not None:
            return self._replace(lane, f"its report could not be read: {arrival.error}")
        landed: list[Landed] = []
        self._to_wall = time.time() - time.monotonic()
        for request, landing in lane.settle(arrival):
            self._lost_in_a_row = 0
            host = host_of(request.url)
            outcome = landing.outcome
            self._reopen(host, self._hosts.leave(host, landing.started))
            self._ledger.attempt(request, landing.started + self._to_wall, outcome.seconds, _told(outcome))
            if type(outcome) is Response and self._fetched_is_heard:
                self._emit(events.Fetched(host, outcome.status, len(outcome.body), outcome.seconds))
            landed += self._judge(request, outcome)
        return landed

    def read(self, landed: Sequence[Landed]) -> list[Read]:
        """Open the pages and let the spider's callbacks read them."""
        readings: list[Read] = []
        for request, outcome in landed:
            if self._switch.level == Level.STOP_NOW:
                break
            spider = self._spiders[request.spider]
            self.reading = (request.url, time.monotonic())
            if type(outcome) is Response:
                reading = read_page(spider, outcome, request, seconds=self._parse_timeout)
                callback = str(request.callback or "parse")
            else:
                assert isinstance(outcome, Failure)
                reading = read_failure(spider, outcome, request, seconds=self._parse_timeout)
                callback = str(request.on_failure)
            self.reading = None
            if reading.error is not None:
                self._count_errors(1)
                self._emit(events.ReadFailed(reading.error))
            else:
                self._emit(events.PageRead(request.url, callback, len(reading.items), len(reading.requests)))
            readings.append((request, outcome, reading))
        return readings

    def store(self, readings: Sequence[Read]) -> None:
        """Items, new requests and what is done go into the ledger, once for a whole report; the outputs follow."""
        fetched = datetime.now(UTC).isoformat(timespec="milliseconds")
        found: list[Request] = []
        most = self._limits.max_items
        lines: list[bytes] = []
        for request, outcome, reading in readings:
            items = reading.items
            if most:
                items = items[: max(0, most - self._items)]
            if items:
                stored = self._chain.store(items, request, request.url, fetched)
                self._items += stored.count
                self._ledger.store(request, stored.lines)
                lines += stored.lines
                for reason in stored.errors:
                    self._count_errors(1)
                    self._emit(events.ItemFailed(request.url, reason))
            found += self._allowed(reading.requests, request)
            if reading.error is not None:
                self._ledger.end(request, "failed", f"{reading.error.callback}: {reading.error}")
            elif type(outcome) is Response:
                self._ledger.end(request, "done")
        self._claim(found)
        self._keep_and_commit()
        if lines:
            # What is in the ledger is stored; the files follow it, and are written again from there if they have to be.
            self._chain.write(lines, self._ledger.last_item)
            self._emit(events.ItemStored(len(lines)))
        self._check_limits()

    # -- steps of the walk --------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Go on where the ledger stands; in a new run it stands nowhere."""
        self._to_wall = time.time() - time.monotonic()
        for fingerprints in self._ledger.fingerprints():
            self._seen.claim([fingerprints[start : start + 8] for start in range(0, len(fingerprints), 8)])
        for host, next_start in self._ledger.resting_hosts().items():
            self._frontier.open(host, next_start - self._to_wall)
        host = ""
        while hosts := self._ledger.hosts_waiting(host, 1000):
            for host in hosts:
                for request, not_before in self._ledger.waiting(host, _FIRST, _ALL):
                    self._frontier.push(request, not_before - self._to_wall if not_before else 0.0)
        self._starts = [
            (number, read_start(spider, number))
            for number, spider in enumerate(self._spiders)
            if not self._ledger.get(f"started {number}")
        ]
        self._is_paused = bool(self._ledger.get("paused"))
        if self._is_paused:
            self._switch.pause()
        self._items = self._ledger.last_item
        self._pages = self._ledger.count().get("done", 0)

    def _keep_and_commit(self) -> None:
        """One transaction: all that has changed since the last one, and what the spiders want to remember."""
        for number, spider in enumerate(self._spiders):
            if spider.state:
                self._keep_state(number, spider)
        if self._sync:
            self._chain.flush(sync=True)
        self._ledger.set("carried", self._carried())
        for path, mark, item in self._chain.marks():
            self._ledger.mark(path, mark, item)
        self._ledger.commit()

    def _keep_pause(self) -> None:
        """A run that ends while it is paused, killed or not, is paused when it goes on: only `go` ends a pause."""
        level = self._switch.level
        if level < Level.STOP and (level == Level.PAUSE) != self._is_paused:
            self._is_paused = level == Level.PAUSE
            self._ledger.set("paused", self._is_paused)
            self._ledger.commit()

    def _keep_state(self, number: int, spider: Spider) -> None:
        try:
            self._ledger.set(f"state {number}", spider.state)
        except (TypeError, ValueError) as error:
            self._count_errors(1)
            told = f"{error}; the state of spider {spider.name} can hold JSON values only, it is emptied"
            self._emit(events.ReadFailed(PageError("", "state", type(error).__name__, told)))
            spider.state.clear()

    def _reopen(self, host: str, at: float) -> None:
        """Let a host be asked again; a long pause outlives this process."""
        self._frontier.open(host, at)
        if at > time.monotonic() + _LONG_PAUSE:
            self._ledger.rest_host(host, at + self._to_wall)

    def _take_starts(self) -> None:
        """Take some more start requests while few wait, so that a `start()` of millions does not fill the memory."""
        if not self._wants_starts():
            return
        number, starts = self._starts[0]
        batch: list[Request] = []
        until = time.monotonic() + _START_TURN
        while len(batch) < _STARTS and time.monotonic() < until:
            self.reading = (f"start() of {self._spiders[number].name}", time.monotonic())
            start = next(starts, None)
            self.reading = None
            if isinstance(start, Request):
                batch.append(start)
            elif start is not None:
                self._count_errors(1)
                self._emit(events.ReadFailed(start))
            else:
                self._starts.pop(0)
                self._ledger.set(f"started {number}", True)
                break
        self.offer(batch)
        self._keep_and_commit()

    def _wants_starts(self) -> bool:
        return bool(self._starts) and len(self._frontier) < _STARTS and not self._ending

    def _allowed(self, requests: Sequence[Request], origin: Request | None) -> list[Request]:
        """The requests in canonical form, told where they come from, without those that rules refuse.

        Most links of most pages were offered a moment ago: those are left out first, before they cost anything.
        """
        allowed: list[Request] = []
        for request in requests:
            url = request.url
            spider = origin.spider if origin is not None else request.spider
            recent = self._recent[spider]
            is_plain = request.method == "GET" and not request.body and not request.again
            if is_plain and url in recent:
                continue
            try:
                url = canonical(url)
            except ValueError:
                self._no_url(request, origin)
                continue
            if origin is not None:
                request = request.replace(
                    url=url,
                    parent=origin.url,
                    depth=origin.depth + 1,
                    spider=spider,
                    jar=request.jar or origin.jar,
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
                recent.add(url)
            allowed.append(request)
        return allowed

    def _no_url(self, request: Request, origin: Request | None) -> None:
        """Pages are full of links to nowhere; a start is what somebody wanted."""
        reason = "this is no absolute URL"
        if origin is not None:
            self._emit(events.Dropped(request.url, f"url: {reason}"))
            return
        self._count_errors(1)
        self._emit(events.FetchFailed(request.url, "invalid", reason, True))

    def _claim(self, requests: Sequence[Request]) -> None:
        """Push the requests that nobody has found before. One question for all of them."""
        if requests:
            claims = self._seen.claim([request.fingerprint for request in requests])
            for request, is_new in zip(requests, claims, strict=True):
                if is_new or request.again:
                    self._frontier.push(self._ledger.add(request))

    def _refuse(self, request: Request, reason: str) -> None:
        """A rule does not want a request. Said and kept once: the same links stand on many pages."""
        if request.url not in self._refused[request.spider]:
            self._refused[request.spider].add(request.url)
            self._ledger.drop(request, reason)
            self._emit(events.Dropped(request.url, reason))

    def _depart_one(self, request: Request, start: float) -> int:
        """Let one request go; how many went (0 if a rule drops it)."""
        host = host_of(request.url)
        verdict = self._rules[request.spider].before(request)
        match verdict:
            case Drop():
                self._frontier.open(host, start)
                self._ledger.end(request, "dropped", verdict.reason)
                self._emit(events.Dropped(request.url, verdict.reason))
                return 0
            case Go():
                pass
            case _:
                assert_never(verdict)
        again_at = self._hosts.enter(host, max(start, time.monotonic()))
        if again_at is not None:
            self._reopen(host, again_at)
        order = Order(
            next(self._tokens),
            request.url,
            request.method,
            _header_pairs(request, verdict.header_pairs),
            request.body if not isinstance(request.body, str) else request.body.encode(),
            start,
            request.timeout or 0.0,
        )
        self._lane_for(host).give(order, request)
        return 1

    def _lane_for(self, host: str) -> Lane:
        """The lane that served the host last, for its open connections, unless it is clearly fuller than another."""
        emptiest = min(self._lanes, key=len)
        known = self._lane_of.get(host)
        if known is not None and len(self._lanes[known]) <= len(emptiest) * 1.25 + 4:
            return self._lanes[known]
        if len(self._lane_of) > 10_000:
            self._lane_of.clear()
        self._lane_of[host] = emptiest.number
        return emptiest

    def _judge(self, request: Request, outcome: Outcome) -> list[Landed]:
        """What the rules say to an outcome: a page to read, another attempt, or the end of this request."""
        verdict = self._rules[request.spider].after(request, outcome)
        match verdict:
            case Keep():
                self._pages += 1
                return [(request, outcome)]
            case Again():
                self._do_again(request, verdict)
                return []
            case Drop():
                return self._give_up(request, outcome, verdict)
            case _:
                assert_never(verdict)

    def _do_again(self, request: Request, verdict: Again) -> None:
        """Continue a request as another one: a retry, or the next hop of a redirect."""
        following = verdict.request
        allowed = self._rules[following.spider].found(following)
        if type(allowed) is Drop:
            self._ledger.end(request, "dropped", allowed.reason)
            self._emit(events.Dropped(following.url, allowed.reason))
            return
        if following.url != request.url:
            inside = following.url in following.hops or following.again
            # A hop is a page of its own: it is fetched once, whoever leads there. After a POST it is an answer.
            can_be_known = request.method == following.method == "GET" and not inside
            if can_be_known and not self._seen.claim([following.fingerprint])[0]:
                reason = f"redirect: duplicate of {following.url}"
                self._ledger.end(request, "done", reason)
                self._emit(events.Dropped(request.url, reason))
                return
        else:
            self._emit(events.Retried(request.url, verdict.reason, verdict.delay))
        self._ledger.again(following, time.time() + verdict.delay if verdict.delay else None)
        self._frontier.push(following, time.monotonic() + verdict.delay if verdict.delay else 0.0)

    def _give_up(self, request: Request, outcome: Outcome, verdict: Drop) -> list[Landed]:
        """Tell why a request gave nothing; its `on_failure` callback may still read that."""
        self._ledger.end(request, verdict.state, verdict.reason)
        kind: str
        if verdict.state == "blocked":
            self._emit(events.Blocked(request.url, verdict.reason, start=request.depth == 0))
            kind, detail = "status", verdict.reason
        elif isinstance(outcome, Failure):
            kind, detail = outcome.kind, outcome.detail
        else:
            kind, _, detail = verdict.reason.partition(": ")
        if verdict.state == "failed":
            self._count_errors(1 if verdict.error else 0)
            self._emit(events.FetchFailed(request.url, kind, detail, verdict.error))
        elif verdict.state == "dropped":
            self._emit(events.Dropped(request.url, verdict.reason))
        if request.on_failure is None:
            return []
        if not isinstance(outcome, Failure):
            told: FailureKind = "redirect" if kind == "redirect" else "status"
            outcome = Failure(request.url, told, detail, outcome.seconds)
        return [(request, outcome)]

    # -- time, limits, faults -----------------------------------------------------------------------------------

    def _wait(self, next_time: float | None) -> Arrival | None:
        """The next arrival, or None when it is time to look around or to depart."""
        timeout = 0.0 if self._wants_starts() else _TURN
        if next_time is not None:
            timeout = min(timeout, next_time - self._horizon - time.monotonic())
        try:
            return self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
        except Empty:
            return None

    def _is_over(self) -> bool:
        level = self._switch.level
        if level == Level.STOP_NOW:
            self._end("stopped")
            return True
        if level == Level.STOP and not self._ending:
            self._end("stopped")
            self._emit(events.Stopping(self._stop_grace if self.in_flight else 0.0))
        if self._ending:
            return not self.in_flight or time.monotonic() > self._grace_ends
        return not self._starts and not len(self._frontier) and not self.in_flight

    def _end(self, reason: str) -> None:
        """Nothing departs from now on; what is in flight may land for a while."""
        if not self._ending:
            self._ending = reason
            self._grace_ends = time.monotonic() + self._stop_grace

    def _check_limits(self) -> None:
        limits = self._limits
        if limits.max_pages and self._pages >= limits.max_pages:
            self._end("max_pages reached")
        elif limits.max_items and self._items >= limits.max_items:
            self._end("max_items reached")
            self._grace_ends = 0.0  # nothing that is in flight could be kept
        elif limits.max_time and time.monotonic() - self._began >= limits.max_time:
            self._end("max_time reached")

    def _count_errors(self, number: int) -> None:
        self._errors += number
        if self._limits.stop_after_errors and self._errors >= self._limits.stop_after_errors:
            self._end("stop_after_errors reached")

    def _look_around(self) -> None:
        """Once a second: the clock, the workers, the live numbers."""
        now = time.monotonic()
        if now < self._next_watch:
            return
        self._next_watch = now + _WATCH
        self._check_limits()
        for lane in list(self._lanes):
            fault = lane.fault()
            if fault:
                self.store(self.read(self._replace(lane, fault)))
        with suppress(RoomLost):  # the numbers are for those who look; nothing here depends on them
            self._publish(
                {
                    "pages": self._pages,
                    "items": self._items,
                    "errors": self._errors,
                    "waiting": self.waiting,
                    "in_flight": self.in_flight,
                    "seconds": round(now - self._began, 1),
                }
            )

    def _replace(self, lane: Lane, reason: str) -> list[Landed]:
        """Throw a faulty worker away, start another one, and let the rules decide about what it had."""
        lost = lane.abandon()
        self._emit(events.WorkerLost(lane.number, reason, len(lost)))
        self._lost_in_a_row += 1
        if self._lost_in_a_row > _HOPELESS:
            raise CrawlError(
                f"{self._lost_in_a_row} workers in a row were lost without a single page, the last one: {reason}",
                hint="see the log above; `--pool thread` runs without worker processes",
            )
        self._lanes[lane.number] = self._new_lane(lane.number)
        landed: list[Landed] = []
        for request in lost:
            host = host_of(request.url)
            self._reopen(host, self._hosts.leave(host, None))
            landed += self._judge(request, Failure(request.url, "worker", reason))
        return landed

    def _close_lanes(self) -> None:
        """A worker without orders leaves by itself; one that still has some is not waited for."""
        for lane in self._lanes:
            lane.close(0.5 if not lane.in_flight else 0.0)


def _told(outcome: Outcome) -> str:
    """An outcome in the ledger's words: "200", or a failure's kind and detail."""
    return str(outcome.status) if type(outcome) is Response else str(outcome)


def _header_pairs(request: Request, pairs: HeaderPairs) -> HeaderPairs:
    """The fields of the request, then those of the rules that it does not set itself."""
    own = request.headers
    if not own:
        return pairs
    names = {name.lower() for name in own}
    return (*own.items(), *(pair for pair in pairs if pair[0].lower() not in names))

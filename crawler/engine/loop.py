"""The walk of a URL, as five methods in the order of the walk: offer, depart, land, read, store.

Everything here runs in one thread. Workers are reached through lanes; their reports, what the watchdog finds and what
other terminals ask for come through the inbox. What happens is told to listeners as events; nobody answers back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from queue import Empty
from typing import Any

from crawler.control.switch import Level, Switch
from crawler.engine.changes import Change, apply
from crawler.engine.clock import to_wall
from crawler.engine.departures import Departures
from crawler.engine.ending import Ending
from crawler.engine.judge import Judge, Landed
from crawler.engine.lanes import Lanes
from crawler.engine.losses import Losses, guilty
from crawler.engine.offers import Offers
from crawler.engine.starts import BATCH, Starts
from crawler.engine.watch import RoomFault
from crawler.errors import CrawlError, SpiderLoadError, StopNow, UnfitWorker
from crawler.frontier.ledger import Ledger
from crawler.items.chain import Chain
from crawler.memory import LARGE, give_back
from crawler.observe import events
from crawler.observe.emit import Emitter
from crawler.observe.from_workers import FromWorkers
from crawler.packed import NOTHING, unpack
from crawler.politeness.addresses import Resolved
from crawler.politeness.hosts import Hosts
from crawler.pool.lane import Arrival, Fault, Inbox, Lane
from crawler.protocols import Frontier, Seen
from crawler.reading import PageError, Reading
from crawler.request import Request
from crawler.response import Failure, Outcome, Response, ToRead
from crawler.rules.base import Rules
from crawler.settings import Limits
from crawler.spider.base import Spider
from crawler.spider.read import read_failure, read_on, read_page
from crawler.url import host_of
from crawler.url_options import UrlOptions

_TURN = 0.25  # the loop looks at the switch and the clock at least this often, seconds
_MOST_EARLY = 64  # pages that need no fetch are read after so many
_ENOUGH = 20_000  # items and requests that are kept in memory before they are stored
_LONGEST_REASON = 300  # characters


Read = tuple[Landed, Reading]


class Engine:
    """One crawl. `run` walks until there is nothing left, a limit is reached, or the switch says stop.

    `lanes` starts and keeps the workers. `is_room` tells whether a control room is still the one in use. `carried`
    gives the counters that a resumed run begins with. With `sync` outputs are on the disk before the ledger says so.
    `parse_timeout` is how many seconds a callback may take for a page; 0 = no limit. With `to_read` pages are read by
    the workers that fetch them, which are told what it gives for a request.
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
        lanes: Lanes,
        concurrency: int,
        horizon: float,
        stop_grace: float,
        limits: Limits,
        switch: Switch,
        emitter: Emitter,
        is_room: Callable[[object], bool] = lambda _: False,
        carried: Callable[[], dict[str, Any]] = dict,
        sync: bool = False,
        parse_timeout: float = 0.0,
        url_options: Sequence[UrlOptions] = (),
        to_read: Callable[[Request], ToRead] | None = None,
    ) -> None:
        url_options = url_options or [UrlOptions() for _ in spiders]
        self.hosts = hosts
        self.frontier = frontier
        self.concurrency = concurrency
        self.switch = switch
        self.ending = Ending(limits, stop_grace)
        self.starts = Starts(spiders, ledger)
        self._spiders = spiders
        self._ledger = ledger
        self._seen = seen
        self._chain = chain
        self._inbox = inbox
        self._lanes = lanes
        self._horizon = horizon
        self._emit = emitter.emit
        self._fetched_is_heard = emitter.hears(events.Fetched)
        self._yielded_is_heard = emitter.hears(events.PageYielded)
        self._is_room = is_room
        self._carried = carried
        self._sync = sync
        self._offers = Offers(rules, url_options, ledger, emitter.emit, self.ending)
        self._parse_timeout = parse_timeout
        self._to_wall = 0.0  # what makes a time of day (seconds since 1970) of one of the monotonic clock
        self._judge = Judge(rules, url_options, frontier, ledger, seen, self.ending, emitter.emit)
        self._departures = Departures(rules, frontier, ledger, hosts, lanes, self._judge, emitter.emit, to_read)
        self._losses = Losses(lanes, self._departures, ledger, emitter.emit)
        self._from_workers = FromWorkers()
        self._unread = 0  # pages that have landed and are not in the ledger yet
        self.next_time: float | None = None  # when the next request may go, None = after a landing
        self.reading: tuple[str, float] | None = None  # the page being read and since when, for the live view

    @property
    def in_flight(self) -> int:
        """Requests that are with the workers."""
        return self._lanes.in_flight

    def run(self) -> str:
        """Crawl; why it ended: "finished", "stopped", or the limit that was reached.

        Raises `OutputError` if an output fails, and `CrawlError` if workers cannot be kept alive.
        """
        self._recover()
        is_whole = True  # no page was left in the middle, of which the spider may remember something
        try:
            self._lanes.open(lambda: self.switch.level < Level.STOP)
            while not self._is_over():
                self._take_starts()
                next_time = self.depart()
                if self._departures.early or self._judge.leads:
                    early, self._departures.early = self._departures.early, []
                    self._read_and_store(early)
                    continue
                message = self._wait(next_time)
                if message is not None:
                    self._take(message)
                self.ending.check()
                if self.frontier.is_hungry:
                    self._ledger.commit()
                    self.frontier.refill()
        except StopNow:
            self.reading = None
            self.ending.end("stopped")
            is_whole = False
        finally:
            self._lanes.close()
        self._keep_and_commit(is_whole)
        if not self.ending.reason and self._ledger.hosts_waiting("", 1):
            raise CrawlError(
                "requests still wait and none of them was handed out", hint="crawl resume goes on with them"
            )
        return self.ending.reason or "finished"

    def offer(self, requests: Sequence[Request], origin: Request | None = None) -> None:
        """Put the requests that are new and allowed into the frontier. `origin` is the request whose page gave them."""
        self._claim(self._offers.allowed(requests, origin))

    def depart(self) -> float | None:
        """Give due requests to lanes as far as permits reach; when to try again, None = after the next landing."""
        next_time: float | None = None
        if not self.ending.reason and self.switch.level == Level.RUN:
            in_flight = self.in_flight
            room = self.concurrency - in_flight - self._unread - len(self._departures.early)
            pages = self.ending.room()
            if pages is not None:
                room = min(room, pages - in_flight)
            now = time.monotonic()
            until = now + self._horizon
            room -= self._departures.firsts(until, room)
            while room > 0 and len(self._departures.early) < _MOST_EARLY:
                due = self.frontier.next(until)
                if due is None:
                    next_time = self.frontier.next_time()
                    break
                room -= self._departures.one(*due)
            first_time = self._departures.next_first(until)
            if first_time is not None:
                next_time = first_time if next_time is None else min(first_time, next_time)
        self.next_time = next_time
        self._lanes.call()
        in_flight = self.in_flight
        assert in_flight == self.hosts.in_flight, f"{in_flight} tokens are out, and {self.hosts.in_flight} permits"
        return next_time

    def land(self, arrival: Arrival) -> list[Landed]:
        """Settle what came back and ask the rules; what is left for the spider to read."""
        if arrival.error is not None:
            # The library's error for what cannot be pickled shows the whole report, pages and all; `exc` is the reason.
            if isinstance(arrival.error, UnfitWorker):
                raise SpiderLoadError(*arrival.error.args)
            reason = str(getattr(arrival.error, "exc", arrival.error))[:_LONGEST_REASON]
            return self._lose(arrival.lane, f"no report: {reason}")
        landed: list[Landed] = []
        self._to_wall = to_wall()
        settled = self._lanes.settle(arrival)
        if settled:
            self._losses.in_a_row = 0
        for request, landing in settled:
            host = host_of(request.url)
            outcome = landing.outcome
            self._departures.leave(request, landing.started, outcome)
            self._ledger.attempt(request, landing.started + self._to_wall, outcome.seconds, _told(outcome))
            if type(outcome) is Response:
                if self._fetched_is_heard and not request.purpose:
                    told = events.Fetched(
                        request.url, host, outcome.status, _size(outcome), outcome.seconds, outcome.truncated
                    )
                    self._emit(told)
            elif type(outcome) is Failure and outcome.kind == "worker":
                if not self._lanes.suspect([request], self._lanes.is_alone(arrival.lane)):
                    self._departures.put_back(request)
                    continue
                outcome = guilty(request, outcome.detail)
            self._lanes.acquit(request)
            judged = self._judged(request, outcome)
            if landing.reading is not None and judged and judged[0].outcome is outcome:
                judged = [judged[0]._replace(reading=landing.reading)]
            landed += judged
        self._unread = len(landed)
        return landed

    def read(self, landed: Sequence[Landed]) -> list[Read]:
        """Open the pages and let the spider's callbacks read them, until they have given enough for one transaction."""
        readings: list[Read] = []
        given = 0
        for one in landed:
            request, outcome = one.request, one.outcome
            if self.switch.level == Level.STOP_NOW or given > _ENOUGH:
                break
            spider = self._spiders[request.spider]
            self.reading = (request.url, time.monotonic())
            if one.reading is not None:
                assert isinstance(outcome, Response)
                reading = self._unpacked(spider, one.reading, outcome, request)
                callback = str(request.callback or "parse")
            elif type(outcome) is Response:
                reading = read_page(spider, outcome, request, seconds=self._parse_timeout)
                callback = str(request.callback or "parse")
            else:
                assert isinstance(outcome, Failure)
                reading = read_failure(spider, outcome, request, seconds=self._parse_timeout)
                callback = str(request.on_failure)
            self.reading = None
            if type(outcome) is Response and len(outcome.body) > LARGE:
                give_back()
            if reading.error is not None:
                self.ending.count_errors(1)
                self._emit(events.ReadFailed(reading.error))
            else:
                self._emit(events.PageRead(request.url, callback, len(reading.items), len(reading.requests)))
            if self._yielded_is_heard and type(outcome) is Response:
                self._emit(events.PageYielded(request, callback, outcome, reading))
            readings.append((one, reading))
            given += len(reading.items) + len(reading.requests)
        return readings

    def store(self, readings: Sequence[Read]) -> None:
        """Items, new requests and what is done go into the ledger, once for a whole report; the outputs follow."""
        fetched = datetime.now(UTC).isoformat(timespec="milliseconds")
        found: list[Request] = []
        most = self.ending.limits.max_items
        lines: list[bytes] = []
        for landed, reading in readings:
            request = landed.request
            items = reading.items
            for failed in reading.item_errors:
                self.ending.count_errors(1)
                self._emit(events.ItemFailed(request.url, str(failed), failed.where, failed.trace, failed.what))
            for reason in reading.dropped:
                self._emit(events.ItemDropped(request.url, reason))
            if most:
                items = items[: max(0, most - self.ending.items)]
            if items:
                stored = self._chain.store(items, request, request.url, fetched, landed.keep.known, reading.keys)
                self.ending.items += stored.count
                self._ledger.store(request, stored.lines, stored.digests, stored.keys)
                lines += stored.lines
                for reason in stored.errors:
                    self.ending.count_errors(1)
                    self._emit(events.ItemFailed(request.url, reason))
                if stored.errors:
                    self._ledger.forget(request)
            stages = self._spiders[request.spider].item_stages
            if stages is not None and reading.keys:
                stages.forget(reading.keys)  # what was stored of them is in the ledger
            if len(items) < len(reading.items) or reading.item_errors:
                self._ledger.forget(request)  # a later run has to read it, to have the others
            found += self._offers.allowed(reading.requests, request)
            if landed.keep.leads_to and reading.error is None:
                found += self._offers.allowed(landed.keep.leads_to, request)
            if reading.error is not None:
                self._judge.finish(request, "failed", f"{reading.error.callback}: {reading.error}")
            else:
                self._judge.finish(request, landed.state, landed.reason)
        self._claim(found)
        self._keep_and_commit()
        if lines:
            # What is in the ledger is stored; the files follow it, and are written again from there if they have to be.
            self._chain.write(lines, self._ledger.last_item)
            self._emit(events.ItemStored(len(lines)))

    # -- steps of the walk --------------------------------------------------------------------------------------

    def _take(self, message: object) -> None:
        """Do what a message in the inbox asks for."""
        match message:
            case Arrival():
                landed = self.land(message)
                self.depart()  # the workers go on while the pages are read here
                self._read_and_store(landed)
            case Fault():
                self._read_and_store(self._lose(message.lane, message.reason))
            case RoomFault():
                if self._is_room(message.room):
                    self._seen.recover()
            case Resolved():
                self._departures.resolved(message)
            case Change():
                apply(message, self)
                self._ledger.set("changes", [*self._ledger.get("changes", []), message.stored(time.time())])
                self._ledger.commit()

    def _read_and_store(self, landed: list[Landed]) -> None:
        """All pages of a report, in several steps if they give very much."""
        leads, self._judge.leads = self._judge.leads, []
        for origin, requests in leads:
            self.offer(requests, origin)
        while True:
            readings = self.read(landed)
            self.store(readings)
            landed = landed[len(readings) :]
            self._unread = len(landed)
            if not readings or not landed:
                return

    def _unpacked(self, spider: Spider, packed: bytes, response: Response, request: Request) -> Reading:
        """What a worker has read, with its items through the pipelines, which are here."""
        reading, told = unpack(packed)
        if told is not NOTHING:
            self._from_workers.hear(told)
        return read_on(spider, reading, response, request, seconds=self._parse_timeout)

    def _recover(self) -> None:
        """Go on where the ledger stands; in a new run it stands nowhere."""
        self._to_wall = to_wall()
        self._seen.fill()
        counts = self._ledger.count()
        self.frontier.recover(counts.get("waiting", 0))
        for host, pause in self._ledger.resting_hosts().items():
            self.frontier.open(host, time.monotonic() + pause)
        self.frontier.refill()
        self.starts.open()
        self.ending.items = self._ledger.count_items()
        self.ending.pages = self._ledger.count_pages()
        for stored in self._ledger.get("changes", []):
            apply(Change.of(stored), self)

    def _keep_and_commit(self, with_states: bool = True) -> None:
        """One transaction: all that has changed since the last one, and what the spiders want to remember."""
        for number, spider in enumerate(self._spiders):
            if spider.state and with_states:
                self._keep_state(number, spider)
        if self._sync:
            self._chain.flush(sync=True)
        self._ledger.set("carried", self._carried())
        for path, mark, item in self._chain.marks():
            self._ledger.mark(path, mark, item)
        self._ledger.commit()

    def _keep_state(self, number: int, spider: Spider) -> None:
        try:
            self._ledger.set(f"state {number}", spider.state)
        except (TypeError, ValueError) as error:
            self.ending.count_errors(1)
            told = f"{error}; the state of spider {spider.name} can hold JSON values only, it is emptied"
            self._emit(events.ReadFailed(PageError("", "state", type(error).__name__, told)))
            spider.state.clear()

    def _take_starts(self) -> None:
        """Take some more start requests while few wait."""
        if not self._wants_starts():
            return
        batch = self.starts.take(self._reads)
        for start in batch:
            if isinstance(start, PageError):
                self.ending.count_errors(1)
                self._emit(events.ReadFailed(start))
        self.offer([start for start in batch if isinstance(start, Request)])
        self._keep_and_commit()

    def _wants_starts(self) -> bool:
        return bool(self.starts) and len(self.frontier) < BATCH and not self.ending.reason

    def _reads(self, what: str) -> None:
        """Say what the user's code is busy with; "" = nothing."""
        self.reading = (what, time.monotonic()) if what else None

    def _claim(self, requests: Sequence[Request]) -> None:
        """Push the requests that nobody has found before. One question for all of them."""
        if requests:
            claims = self._seen.claim([request.fingerprint for request in requests])
            for request, is_new in zip(requests, claims, strict=True):
                if is_new or request.again:
                    self.frontier.push(self._ledger.add(request))

    # -- time, limits, faults -----------------------------------------------------------------------------------

    def _wait(self, next_time: float | None) -> object | None:
        """The next message, or None when it is time to look around or to depart."""
        timeout = 0.0 if self._wants_starts() or self.frontier.is_hungry or self._departures.early else _TURN
        if next_time is not None:
            timeout = min(timeout, next_time - self._horizon - time.monotonic())
        try:
            return self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
        except Empty:
            return None

    def _is_over(self) -> bool:
        level = self.switch.level
        ending = self.ending
        if level == Level.STOP_NOW:
            ending.end("stopped")
            return True
        if level == Level.STOP and not ending.reason:
            ending.end("stopped")
            self._emit(events.Stopping(ending.stop_grace if self.in_flight else 0.0))
        if ending.reason:
            return not self.in_flight or ending.is_grace_over
        return not self.starts and not len(self.frontier) and not self.in_flight and not self._departures.early

    def _lose(self, lane: Lane, reason: str) -> list[Landed]:
        """A worker is faulty; what is left for the spider to read: the failures of those that are to blame."""
        landed: list[Landed] = []
        for request, failure in self._losses.take(lane, reason, self._to_wall):
            landed += self._judged(request, failure)
        return landed

    def _judged(self, request: Request, outcome: Outcome) -> list[Landed]:
        if request.purpose:
            self._departures.take_first(request, outcome)
            return []
        return self._judge.judge(request, outcome)


def _size(response: Response) -> int:
    """Bytes of a body, wherever it went."""
    if response.gist is not None:
        return response.gist.size
    return len(response.body) if response.part is None else response.part.size


def _told(outcome: Outcome) -> str:
    """An outcome in the ledger's words: "200", or a failure's kind and detail."""
    return str(outcome.status) if type(outcome) is Response else str(outcome)

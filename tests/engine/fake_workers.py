"""An engine whose workers answer at once, in its own thread, so that every turn can be looked at."""

import time
from queue import SimpleQueue

from crawler import Request, Spider
from crawler.control.gauges import Gauges
from crawler.control.room import local_room
from crawler.engine.lanes import Lanes
from crawler.engine.loop import Engine
from crawler.engine.watch import Watchdog
from crawler.frontier.ledger import Ledger
from crawler.frontier.seen import SeenSet
from crawler.frontier.window import Window
from crawler.items.chain import Chain
from crawler.observe.emit import Emitter
from crawler.politeness.hosts import Hosts
from crawler.pool.lane import Lane
from crawler.response import Landing, Response
from crawler.rules import ORDER
from crawler.rules.base import Rules
from crawler.rules.redirect import Redirect
from crawler.rules.retry import Retry
from crawler.rules.status import Status
from crawler.settings import Layer, merge

opened = []  # ledgers, see conftest.py


class FakeWorker:
    """A pool and its worker in one. `answer(order)` gives an outcome, or None to keep the order for a later call."""

    pid = 0

    def __init__(self, answer, row):
        self.answer = answer
        self.row = row
        self.held = {}
        self.calls = []
        self.dead = ""
        self.closed = 0
        self.again = []  # landings to send a second time
        self.shuffle = lambda batch: None

    def apply_async(self, func, args, callback, error_callback):
        assert not self.closed
        self.calls.append((args[1], callback, error_callback))
        self.row.begin(len(args[1]))
        for order in args[1]:
            self.held[order.token] = order
        self.deliver()

    def deliver(self):
        """Finish the call that is out, with what is done."""
        _, callback, error_callback = self.calls.pop()
        batch, self.again = list(self.again), []
        try:
            for token, order in list(self.held.items()):
                outcome = self.answer(order)
                if outcome is not None:
                    del self.held[token]
                    batch.append(Landing(token, time.monotonic(), outcome))
        except BrokenReport as error:
            error_callback(error)
            return
        except Dies as death:
            self.dead = str(death)  # and the call never comes back
            return
        self.shuffle(batch)
        callback(tuple(batch))

    def death(self):
        return self.dead

    def close(self, timeout):
        self.closed += 1

    def abandon(self):
        self.closed += 1


class BrokenReport(Exception):
    pass


class Dies(Exception):
    pass


class Heard:
    hears = None

    def __init__(self):
        self.events = []

    def hear(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


class Pages(Spider):
    urls: list[str] = []

    def start(self):
        for url in self.urls:
            yield Request(url)

    def parse(self, page):
        yield {"url": page.url}


def fine(order):
    return Response(order.url, 200, (("Content-Type", "text/html"),), b"<p>x")


class Setting:
    """An engine with fake workers around it."""

    def __init__(
        self, spider, answer=fine, *, workers=2, per_host=4, concurrency=100, delay=0.0, exporters=(), first=(),
        rules=None, **limits
    ):  # fmt: skip
        values = {f"limits.{name}": value for name, value in limits.items()}
        merged = merge([Layer("test", values)])
        self.inbox = SimpleQueue()
        self.heard = Heard()
        self.hosts = Hosts(per_host, delay)
        self.ledger = Ledger(None)
        opened.append(self.ledger)
        self.frontier = Window(self.ledger)
        gauges = Gauges(workers + 1)
        self.room, self.switch = local_room(gauges)
        self.workers = []
        self.chain = Chain(exporters, meta=False, keep=True)
        rules = rules or [*first, Redirect(5), Retry(2, [500], 0.0, 0.0), Status((), [500])]

        def new_lane(number, one_at_a_time):
            worker = FakeWorker(self.answer_of(len(self.workers), answer), gauges.row(number))
            self.workers.append(worker)
            return Lane(number, str(number), worker, None, self.inbox, 0.01, worker.row, 10.0, one_at_a_time)

        self.lanes = Lanes(new_lane, workers)
        self.watchdog = Watchdog(self.lanes, self.inbox)
        self.engine = Engine(
            spiders=[spider],
            rules=[Rules(rules, ORDER)],
            frontier=self.frontier,
            ledger=self.ledger,
            seen=SeenSet(lambda: self.room, self.ledger.fingerprints),
            hosts=self.hosts,
            chain=self.chain,
            inbox=self.inbox,
            lanes=self.lanes,
            concurrency=concurrency,
            horizon=0.01,
            stop_grace=0.2,
            limits=merged.limits,
            switch=self.switch,
            emitter=Emitter([self.heard]),
        )

    def answer_of(self, number, answer):
        """What worker `number` (in the order they were started) answers."""
        return answer

    def run(self):
        try:
            return self.engine.run()
        finally:
            self.ledger.close()

    @property
    def items(self):
        return [item["url"] for item in self.chain.kept]


def urls(number, hosts=1):
    return [f"http://h{n % hosts}.example/{n}" for n in range(number)]


class Watched(Setting):
    """With a watchdog that looks before each message."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        stock = self.engine._wait

        def wait(next_time):
            self.watchdog.look()
            return stock(next_time)

        self.engine._wait = wait

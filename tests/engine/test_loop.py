"""The loop without workers: lanes whose pool answers at once, so that every turn can be looked at."""

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crawler import CrawlError, Request
from crawler.control.switch import Level
from crawler.engine.outlook import idle_reason
from crawler.errors import OutputError, StopNow
from crawler.observe import events
from crawler.response import Failure, Response
from crawler.rules.status import Status
from crawler.verdict import KEEP, Again, Answer, Drop, First, Go
from tests.engine.fake_workers import BrokenReport, Dies, Pages, Setting, Watched, fine, urls


def test_every_page_is_read_once_and_the_crawl_ends_by_itself():
    setting = Setting(Pages(urls=urls(300, hosts=7)))
    assert setting.run() == "finished"
    assert sorted(setting.items) == sorted(urls(300, hosts=7))
    assert all(worker.closed == 1 for worker in setting.workers)


@hypothesis_settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), hosts=st.integers(1, 5), per_host=st.integers(1, 4), workers=st.integers(1, 3))
def test_permits_out_equal_requests_in_flight_equal_tokens_outstanding(seed, hosts, per_host, workers):
    random = Random(seed)
    wanted = urls(40, hosts)
    asked = {}

    def answer(order):
        kind = random.random()
        if kind < 0.3:
            return None
        if kind < 0.32:
            raise BrokenReport("unreadable")
        if kind < 0.35:
            raise Dies("killed by signal 9")
        asked[order.url] = asked.get(order.url, 0) + 1
        if kind < 0.37:
            return Failure(order.url, "worker", "no memory")
        if kind < 0.42:
            return Failure(order.url, "reset", "gone")
        if kind < 0.5:
            return Response(order.url, 500)
        if kind < 0.6 and order.url in wanted:
            return Response(order.url, 302, (("Location", f"/to-{random.randrange(5)}"),))
        return fine(order)

    setting = Setting(Pages(urls=wanted), answer, per_host=per_host, workers=workers, concurrency=10)
    engine = setting.engine
    stock_depart, stock_land, stock_wait = engine.depart, engine.land, engine._wait

    def check():
        lanes = list(setting.lanes)
        alive = [worker for worker in setting.workers if not worker.closed]
        in_flight = sum(map(len, lanes))
        assert setting.hosts.in_flight == in_flight == engine.in_flight <= 10
        # What a lane holds is at its worker, on its way back in the inbox, or not handed in yet.
        for lane in lanes:
            assert lane.pool in alive
            lane.pool.shuffle = random.shuffle
            assert set(lane.pool.held) <= set(lane.in_flight)
        per = {}
        for lane in lanes:
            for request in lane.in_flight.values():
                host = request.url.split("/")[2]
                per[host] = per.get(host, 0) + 1
        assert all(number <= per_host for number in per.values())

    def depart():
        next_time = stock_depart()
        check()
        return next_time

    def land(arrival):
        if random.random() < 0.2 and arrival.batch:  # a twin that comes late
            arrival.lane.pool.again.append(random.choice(arrival.batch))
        landed = stock_land(arrival)
        check()
        return landed

    def wait(next_time):
        setting.watchdog.look()
        return stock_wait(next_time)

    engine.depart, engine.land, engine._wait = depart, land, wait
    try:
        setting.run()
    except CrawlError as error:  # so many losses in a row are not likely, but they are the end if they come
        if "in a row" not in error.message:
            raise
        return
    assert engine.in_flight == setting.hosts.in_flight == 0
    assert not setting.frontier._held
    assert len(setting.items) == len(set(setting.items))
    failed = [event.url for event in setting.heard.of(events.FetchFailed)]
    # Each URL has one end: read, failed, or a redirect to something that has been seen.
    ends = [url for url in [*setting.items, *failed] if url in wanted]
    assert len(ends) == len(set(ends))
    assert set(asked) >= set(setting.items)


def test_a_late_twin_is_ignored():
    setting = Setting(Pages(urls=urls(6)), workers=1, per_host=1)
    engine = setting.engine
    stock_land = engine.land
    seen = []

    def land(arrival):
        seen.extend(arrival.batch)
        arrival.lane.pool.again = seen[:1]
        return stock_land(arrival)

    engine.land = land
    assert setting.run() == "finished"
    assert sorted(setting.items) == urls(6)


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("most", [1, 7, 20])
def test_max_pages_lets_exactly_so_many_depart(most, batch):
    asked = []

    def answer(order):
        asked.append(order.url)
        return fine(order)

    setting = Setting(Pages(urls=urls(50, hosts=3)), answer, per_host=batch, max_pages=most)
    assert setting.run() == "max_pages reached"
    assert len(asked) == len(setting.items) == most


def test_max_items_cuts_the_last_page():
    class Five(Pages):
        def parse(self, page):
            for number in range(5):
                yield {"url": f"{page.url}#{number}"}

    setting = Setting(Five(urls=urls(50)), max_items=13)
    assert setting.run() == "max_items reached"
    assert len(setting.items) == 13


def test_stop_lets_what_is_in_flight_land_and_starts_nothing():
    def answer(order):
        setting.switch.stop()
        return fine(order) if len(asked) > 3 else asked.append(order)

    asked = []
    setting = Setting(Pages(urls=urls(100)), answer, per_host=4)
    assert setting.run() == "stopped"
    assert len(setting.items) == 4


def test_stop_waits_no_longer_than_the_grace():
    def answer(order):
        setting.switch.stop()

    setting = Setting(Pages(urls=urls(5)), answer)
    start = time.monotonic()
    assert setting.run() == "stopped"
    assert 0.2 <= time.monotonic() - start < 2


def test_stop_now_reads_nothing_more():
    class Stopping(Pages):
        def parse(self, page):
            setting.switch.stop(now=True)
            yield {"url": page.url}

    setting = Setting(Stopping(urls=urls(20)), per_host=20)
    assert setting.run() == "stopped"
    assert len(setting.items) == 1


def test_stop_now_out_of_a_callback_gives_nothing_of_its_page():
    class Hanging(Pages):
        def parse(self, page):
            yield {"url": page.url}
            if page.url.endswith("/3"):
                raise StopNow

    setting = Setting(Hanging(urls=urls(20)), per_host=1)
    assert setting.run() == "stopped"
    assert setting.items == urls(3)
    assert setting.engine.reading is None
    assert all(worker.closed for worker in setting.workers)


def test_a_paused_crawl_starts_nothing_until_it_goes_on():
    asked = []

    def answer(order):
        asked.append(order.url)
        if len(asked) == 4:
            setting.switch.pause()
        return fine(order)

    setting = Setting(Pages(urls=urls(12)), answer, per_host=2)
    reasons = []
    stock_wait = setting.engine._wait

    def wait(next_time):
        if setting.switch.level == Level.PAUSE and not setting.engine.in_flight:
            reasons.append((idle_reason(setting.engine), len(asked)))
            setting.switch.go()
        return stock_wait(next_time)

    setting.engine._wait = wait
    assert setting.run() == "finished"
    assert reasons == [("paused", 4)]
    assert len(setting.items) == 12


def test_an_output_that_fails_ends_the_crawl_and_closes_the_lanes():
    class Full:
        path = "full"

        def write(self, lines):
            raise OutputError("disk full")

        def mark(self):
            return {}, 0

    setting = Setting(Pages(urls=urls(20)), exporters=[Full()])
    with pytest.raises(OutputError):
        setting.run()
    assert all(worker.closed == 1 for worker in setting.workers)


def test_a_host_keeps_its_lane_unless_that_is_clearly_fuller():
    setting = Setting(Pages(urls=urls(60, hosts=6)), workers=3, per_host=2)
    lanes = {}
    stock = setting.lanes._lane_for

    def lane_for(host, stays):
        lane = stock(host, stays)
        lanes.setdefault(host, set()).add(lane.number)
        return lane

    setting.lanes._lane_for = lane_for
    setting.run()
    assert len(lanes) == 6
    assert all(len(numbers) == 1 for numbers in lanes.values())


def test_a_crawl_without_any_request_ends_at_once():
    setting = Setting(Pages(urls=[]))
    assert setting.run() == "finished"


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/"])
def test_a_start_that_is_no_url_is_an_error_and_the_others_are_fetched(url):
    setting = Setting(Pages(urls=[url, *urls(1)]))
    assert setting.run() == "finished"
    assert setting.items == urls(1)
    (failed,) = setting.heard.of(events.FetchFailed)
    assert (failed.url, failed.kind, failed.error) == (url, "invalid", True)


class Mourning(Pages):
    """Every page is missing, and `on_failure` says so."""

    def start(self):
        for url in self.urls:
            yield Request(url, on_failure=self.mourn)

    def mourn(self, failure):
        if failure.url.endswith("/3"):
            raise StopNow
        yield {"url": failure.url}


def test_a_failure_that_nobody_has_read_yet_is_not_finished():
    setting = Setting(Mourning(urls=urls(6)), lambda order: Response(order.url, 404), per_host=1)
    counts = []
    stock = setting.ledger.close
    setting.ledger.close = lambda: (counts.append(setting.ledger.count()), stock())
    assert setting.run() == "stopped"
    assert setting.items == urls(3)
    assert counts == [{"failed": 3, "waiting": 3}]


def test_a_state_that_knows_of_a_page_which_counts_no_more_is_not_kept():
    class Counting(Pages):
        def parse(self, page):
            self.state["read"] = self.state.get("read", 0) + 1
            if page.url.endswith("/3"):
                raise StopNow
            yield {"url": page.url}

    setting = Setting(Counting(urls=urls(6)), per_host=1)
    kept = []
    stock = setting.ledger.close
    setting.ledger.close = lambda: (kept.append(setting.ledger.get("state 0")), stock())
    assert setting.run() == "stopped"
    assert kept == [{"read": 3}]


def test_a_redirect_to_where_no_rule_lets_it_was_fetched_and_is_done():
    class Never:
        name = "scope"

        def found(self, request):
            return Drop("scope: not there") if "forbidden" in request.url else Go()

    def answer(order):
        return Response(order.url, 302, (("Location", "http://forbidden.example/"),))

    setting = Setting(Pages(urls=urls(2)), answer)
    setting.engine._judge._rules[0]._found.insert(0, Never().found)
    counts = []
    stock = setting.ledger.close
    setting.ledger.close = lambda: (counts.append(setting.ledger.count()), stock())
    assert setting.run() == "finished"
    assert counts == [{"done": 2, "dropped": 1}]


# -- verdicts that need no fetch, or another one first ------------------------------------------------------------


def number_of(request):
    return int(request.url.rpartition("/")[2])


class Says:
    """A rule that says to each request what `verdict(request)` gives."""

    name = "robots"

    def __init__(self, verdict, came=None):
        self.verdict = verdict
        self.came = came

    def before(self, request):
        return Go() if request.purpose else self.verdict(request)

    def first(self, request, outcome):
        return self.came(request, outcome)


def test_an_answer_is_read_like_a_page_and_takes_no_permit():
    def verdict(request):
        is_known = number_of(request) % 2
        return Answer(Response(request.url, 200, (), b"from here"), by="the test") if is_known else Go()

    fetched = []
    setting = Setting(
        Pages(urls=urls(200, hosts=2)), lambda order: fetched.append(order.url) or fine(order), first=[Says(verdict)]
    )
    assert setting.engine.run() == "finished"
    assert len(setting.items) == 200
    assert len(fetched) == 100
    outcomes = [outcome for (outcome,) in setting.ledger.select("SELECT outcome FROM attempts")]
    assert sorted(set(outcomes)) == ["200", "200 from the test"]
    assert setting.ledger.count() == {"done": 200}


def test_an_answer_counts_for_the_limit_of_pages():
    setting = Setting(
        Pages(urls=urls(50)), first=[Says(lambda request: Answer(Response(request.url, 200)))], max_pages=7
    )
    assert setting.run() == "max_pages reached"
    assert len(setting.items) == 7


def test_what_a_rule_wants_first_is_fetched_before_anything_else_of_the_host():
    known = set()

    def verdict(request):
        host = request.url.split("/")[2]
        return Go() if host in known else First(Request(f"http://{host}/-1", purpose="robots", row=request.row))

    def came(request, outcome):
        known.add(request.url.split("/")[2])
        return KEEP

    fetched = []
    setting = Setting(
        Pages(urls=urls(60, hosts=3)),
        lambda order: fetched.append(order.url) or fine(order),
        first=[Says(verdict, came)],
        per_host=4,
    )
    assert setting.run() == "finished"
    assert len(setting.items) == 60
    for host in range(3):
        own = [number_of(Request(url)) for url in fetched if f"h{host}.example" in url]
        assert own[0] == -1
        assert own.count(-1) == 1


def test_what_is_wanted_first_is_tried_again_when_its_worker_dies():
    known = []

    def verdict(request):
        return Go() if known else First(Request("http://h0.example/-1", purpose="robots", row=request.row))

    def came(request, outcome):
        known.append(outcome)
        return KEEP

    deaths = iter(["killed", "", ""])

    def answer(order):
        if order.url.endswith("-1") and next(deaths):
            raise Dies("killed by signal 9")
        return fine(order)

    setting = Watched(Pages(urls=urls(5)), answer, first=[Says(verdict, came)])
    assert setting.run() == "finished"
    assert [outcome.status for outcome in known] == [200]
    assert len(setting.items) == 5


def test_a_fetch_that_is_wanted_first_may_be_told_to_wait():
    tries = []

    def verdict(request):
        return Go() if len(tries) == 3 else First(Request("http://h0.example/-1", purpose="robots", row=request.row))

    def came(request, outcome):
        tries.append(time.monotonic())
        return KEEP if len(tries) == 3 else Again(request, 0.02, "not yet")

    starts = []

    def answer(order):
        if order.url.endswith("-1"):
            starts.append(order.start)
        return fine(order)

    setting = Setting(Pages(urls=urls(5)), answer, first=[Says(verdict, came)])
    assert setting.run() == "finished"
    assert len(setting.items) == 5
    assert [start - told >= 0.02 for told, start in zip(tries, starts[1:], strict=False)] == [True, True]
    assert len(setting.heard.of(events.Retried)) == 2


def test_a_request_that_is_refused_as_failed_is_told_to_its_spider():
    class Told(Pages):
        def start(self):
            yield Request("http://h0.example/1", on_failure=self.failed)

        def failed(self, failure):
            yield {"url": f"{failure.kind}: {failure.detail}"}

    setting = Setting(Told(), first=[Says(lambda request: Drop("robots: gone", state="failed", error=True))])
    assert setting.engine.run() == "finished"
    assert setting.items == ["host: gone"]
    assert setting.engine.ending.errors == 1
    assert setting.ledger.count() == {"failed": 1}


def test_what_a_dropped_page_leads_to_is_offered_in_its_place():
    class Unchanged:
        name = "redirect"

        def after(self, request, outcome):
            leads_to = (Request("http://h0.example/8"), Request("http://h0.example/9"))
            return KEEP if request.depth else Drop("since: the same", leads_to=leads_to)

    setting = Setting(Pages(urls=["http://h0.example/1"]), rules=[Unchanged(), Status()])
    assert setting.engine.run() == "finished"
    assert sorted(setting.items) == ["http://h0.example/8", "http://h0.example/9"]
    (child,) = setting.ledger.find("url LIKE '%/8'")
    assert (child[0].depth, child[0].parent) == (1, "http://h0.example/1")


def test_an_outcome_may_be_replaced():
    class Stored:
        name = "redirect"

        def after(self, request, outcome):
            return Answer(Response(request.url, 200, (), b"kept")) if outcome.status == 304 else KEEP

    setting = Setting(Pages(urls=urls(3)), lambda order: Response(order.url, 304), rules=[Stored(), Status()])
    assert setting.run() == "finished"
    assert len(setting.items) == 3

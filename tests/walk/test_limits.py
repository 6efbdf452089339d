"""Where a crawl stops: pages, items, depth, time, errors; and how many requests a host has to bear."""

import time
from itertools import count, pairwise

import pytest

from crawler import Request, Spider

POOLS = ["inline", "thread", "process"]


class Many(Spider):
    """`number` pages of a site, or without end; each gives `each` items."""

    site: str
    number: int = 0
    each: int = 1

    def start(self):
        for number in range(self.number) if self.number else count():
            yield Request(f"{self.site}/{number}")

    def parse(self, page):
        for number in range(self.each):
            yield {"url": page.url, "number": number}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("per_host", [1, 8])
def test_max_pages_asks_the_site_for_exactly_so_many_pages(walk, serve, pool, per_host):
    server = serve({"*": "x"})
    report = walk(
        Many, pool=pool, arguments={"site": server.url}, limits={"max_pages": 20}, politeness={"per_host": per_host}
    )
    assert len(server.log) == len(report.items) == report.pages == 20
    assert (report.reason, report.exit_code) == ("max_pages reached", 0)


def test_max_pages_counts_over_several_hosts(walk, serve):
    servers = [serve({"*": "x"}) for _ in range(3)]

    class Hosts(Spider):
        def start(self):
            for number in range(30):
                for server in servers:
                    yield Request(f"{server.url}/{number}")

        def parse(self, page):
            yield {"url": page.url}

    report = walk(Hosts, pool="thread", limits={"max_pages": 10})
    assert sum(len(server.log) for server in servers) == len(report.items) == 10


@pytest.mark.parametrize("pool", POOLS)
def test_max_items_is_exact(walk, serve, pool, tmp_path):
    server = serve({"*": "x"})
    out = tmp_path / "out.jsonl"
    report = walk(
        Many, pool=pool, out=out, arguments={"site": server.url, "number": 50, "each": 4}, limits={"max_items": 10}
    )
    assert len(out.read_text().splitlines()) == report.item_count == 10
    assert (report.reason, report.exit_code) == ("max_items reached", 0)


def test_max_items_does_not_wait_for_what_is_in_flight(walk, serve):
    server = serve({"/0": "x", "*": lambda hit: server.over.wait(20) and "x"})
    start = time.monotonic()
    report = walk(Many, pool="thread", arguments={"site": server.url, "number": 5}, limits={"max_items": 1})
    assert len(report.items) == 1
    assert time.monotonic() - start < 5


def test_max_time_ends_an_endless_crawl(walk, serve):
    server = serve({"*": "x"}, latency=0.02)
    report = walk(Many, pool="thread", arguments={"site": server.url}, limits={"max_time": 0.3})
    assert report.reason == "max_time reached"
    assert 0.3 <= report.seconds < 2
    assert report.exit_code == 0


def test_max_time_ends_a_crawl_in_which_nothing_comes(walk, serve):
    server = serve({"*": lambda hit: server.over.wait(20) and "x"})
    report = walk(
        Many,
        pool="thread",
        arguments={"site": server.url, "number": 1},
        limits={"max_time": 0.2},
        crawl={"stop_grace": 0.2},
    )
    assert report.reason == "max_time reached"
    assert report.seconds < 3


def test_stop_after_errors_ends_the_crawl(walk, serve):
    server = serve({"*": (500, {}, "")})
    report = walk(
        Many,
        arguments={"site": server.url, "number": 100},
        limits={"stop_after_errors": 3},
        retry={"times": 0},
        politeness={"per_host": 1},
    )
    assert (report.reason, report.failed, len(server.log)) == ("stop_after_errors reached", 3, 3)
    assert report.exit_code == 1


@pytest.mark.parametrize(("most", "code"), [(0, 1), (2, 0)])
def test_max_errors_says_how_many_still_count_as_success(walk, serve, most, code):
    server = serve({"/0": (500, {}, ""), "/1": (500, {}, ""), "*": "x"})
    report = walk(Many, arguments={"site": server.url, "number": 5}, limits={"max_errors": most}, retry={"times": 0})
    assert (report.error_count, len(report.items), report.exit_code) == (2, 3, code)


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_host_never_has_more_in_flight_than_per_host(walk, serve, pool):
    server = serve({"*": "x"}, latency=0.03)
    walk(Many, pool=pool, arguments={"site": server.url, "number": 24}, politeness={"per_host": 3})
    assert server.most == 3


def test_concurrency_limits_all_hosts_together(walk, serve):
    servers = [serve({"*": "x"}, latency=0.03) for _ in range(4)]

    class Hosts(Spider):
        def start(self):
            for number in range(8):
                for server in servers:
                    yield Request(f"{server.url}/{number}")

        def parse(self, page):
            yield {"most": sum(server.now for server in servers)}

    report = walk(Hosts, pool="thread", crawl={"concurrency": 2}, politeness={"per_host": 2})
    assert len(report.items) == 32
    assert max(item["most"] for item in report.items) <= 2


@pytest.mark.parametrize("pool", POOLS)
def test_the_delay_lies_between_the_starts_of_two_requests_to_a_host(walk, serve, pool):
    server = serve({"*": "x"})
    walk(Many, pool=pool, arguments={"site": server.url, "number": 5}, politeness={"delay": 0.1, "per_host": 1})
    gaps = [later.at - earlier.at for earlier, later in pairwise(server.log)]
    assert min(gaps) >= 0.06  # seen from the server, after connections were made
    assert sum(gaps) < 2


@pytest.mark.parametrize("pool", POOLS)
def test_the_delay_also_counts_where_several_may_be_in_flight(walk, serve, pool):
    server = serve({"*": "x"})
    walk(Many, pool=pool, arguments={"site": server.url, "number": 5}, politeness={"delay": 0.1, "per_host": 4})
    assert server.log[-1].at - server.log[0].at >= 0.25  # 0.4 less what the first one took to arrive


def test_a_slow_host_does_not_hold_up_others(walk, serve):
    slow, quick = serve({"*": "x"}, latency=0.25), serve({"*": "x"})

    class Both(Spider):
        def start(self):
            for server in (slow, quick):
                for number in range(2 if server is slow else 30):
                    yield Request(f"{server.url}/{number}")

        def parse(self, page):
            yield {"url": page.url}

    walk(Both, pool="thread", politeness={"per_host": 1})
    assert quick.log[-1].at < slow.log[-1].at

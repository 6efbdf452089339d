"""Hosts in trouble, in whole crawls: they are left alone, given up at last, and nobody else waits for them."""

import socket

import pytest

from crawler import Request, Spider, crawl

CALM = {"crawl.pool": "thread", "politeness.delay": 0, "politeness.per_host": 2, "retry.times": 0, "retry.pause": 0.01}
BREAKER = {"breaker.failures": 3, "breaker.pause": 0.02, "breaker.give_up": 2}


class Many(Spider):
    sites: list[str]
    pages: int = 20

    def start(self):
        for number in range(self.pages):
            for site in self.sites:
                yield Request(f"{site}/{number}", on_failure=self.failed)

    def parse(self, page):
        yield {"url": page.url}

    def failed(self, failure):
        yield {"url": failure.url, "kind": failure.kind, "detail": failure.detail}


@pytest.fixture
def closed_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.3", 0))
        yield f"http://127.0.0.3:{listening.getsockname()[1]}"


def of(report, site):
    return [item for item in report.items if item["url"].startswith(site)]


def test_a_dead_host_is_given_up_and_the_rest_goes_on(serve, closed_port):
    alive = serve({"*": "<p>page"})
    report = crawl(Many(sites=[closed_port, alive.url]), settings={**CALM, **BREAKER})
    assert len(of(report, alive.url)) == 20
    dead = of(report, closed_port)
    assert len(dead) == 20
    assert [item["kind"] for item in dead].count("host") >= 14
    last = [item["detail"] for item in dead if item["kind"] == "host"][-1]
    assert last.startswith("given up after ")
    assert "connect: Connection refused" in last


def test_a_host_that_recovers_is_crawled_to_the_end(serve):
    server = serve({"*": lambda hit: (503, {}, "") if len(server.log) <= 4 else "<p>page"})
    report = crawl(Many(sites=[server.url]), settings={**CALM, **BREAKER, "breaker.pause": 0.05})
    assert len([item for item in report.items if "kind" not in item]) == 16
    assert server.most <= 2


def test_a_host_that_asks_for_time_gets_it(serve):
    server = serve({"*": lambda hit: (429, {"Retry-After": "1"}, "") if len(server.log) == 1 else "<p>page"})
    report = crawl(Many(sites=[server.url], pages=3), settings={**CALM, "politeness.per_host": 1, "retry.times": 1})
    assert len([item for item in report.items if "kind" not in item]) == 3
    starts = [hit.at for hit in server.log]
    assert starts[1] - starts[0] > 0.9


def test_a_table_for_a_host_decides_how_it_is_asked(serve):
    server = serve({"*": "<p>page"}, latency=0.02)
    crawl(Many(sites=[server.url]), settings={**CALM, "host": [{"match": "127.0.0.1", "per_host": 1}]})
    assert server.most == 1


PRIVATE = {**CALM, "guard.allow": [], "limits.allow_empty": True}


def test_a_page_leads_to_no_private_address_unless_somebody_wants_that(serve):
    inside = serve({"*": "secret"})
    away = f"http://127.0.0.9:{inside.server_address[1]}/"

    class Lured(Spider):
        site: str

        def start(self):
            yield Request(self.site)

        def parse(self, page):
            yield {"url": page.url}
            for link in page.css("a::attr(href)").getall():
                yield page.follow(link)

    server = serve({"/": f"<a href='{inside.url}/a'>a</a><a href='{away}'>b</a><a href='/r'>c</a>"})
    server.routes["/r"] = (302, {"Location": f"{inside.url}/b"}, "")
    report = crawl(Lured(site=server.url), settings=PRIVATE)
    assert [item["url"] for item in report.items] == [f"{server.url}/"]
    assert inside.log == []
    report = crawl(Lured(site=server.url), settings={**PRIVATE, "guard.allow": [inside.host]})
    assert sorted(hit.path for hit in inside.log) == ["/a", "/b"]
    report = crawl(Lured(site=server.url), settings={**PRIVATE, "guard.allow": ["127.0.0.0/30"]})
    assert sorted(hit.path for hit in inside.log) == ["/a", "/a", "/b", "/b"]


def test_names_at_one_address_count_as_one_host(serve):
    server = serve({"*": "<p>page"}, latency=0.01)
    port = server.server_address[1]
    sites = [f"http://localhost:{port}", f"http://127.0.0.1:{port}"]
    settings = {**CALM, "politeness.per_host": 1, "politeness.host_key": "address"}
    report = crawl(Many(sites=sites, pages=15), settings=settings)
    assert len([item for item in report.items if "kind" not in item]) == 30
    assert server.most == 1
    crawl(Many(sites=sites, pages=15), settings={**settings, "politeness.host_key": "name"})
    assert server.most == 2

"""robots.txt in whole crawls: first, once, obeyed, and what becomes of a host whose file cannot be had."""

import itertools

import pytest

from crawler import Spider, crawl
from crawler.observe import events

OBEY = {
    "robots.obey": True,
    "robots.pause": 0.01,
    "politeness.delay": 0,
    "retry.pause": 0.01,
    "fetch.user_agent": "walker/1.0",
    "limits.allow_empty": True,
}


class Site(Spider):
    site: str
    pages: int = 3

    def start(self):
        from crawler import Request

        for number in range(self.pages):
            yield Request(f"{self.site}/open/{number}")
        yield Request(f"{self.site}/closed/1")

    def parse(self, page):
        yield {"path": page.url.removeprefix(self.site), "sitemaps": list(self.sitemaps(page.url))}


def run(server, **settings):
    pool = settings.pop("pool", "thread")
    return crawl(
        Site(site=server.url, pages=settings.pop("pages", 3)), settings={"crawl.pool": pool, **OBEY, **settings}
    )


def paths(server):
    return [hit.path for hit in server.log]


@pytest.mark.parametrize("pool", ["process", "thread", "inline"])
def test_robots_txt_is_fetched_first_once_and_obeyed(serve, pool):
    server = serve(
        {"/robots.txt": "User-agent: *\nDisallow: /closed/\nSitemap: http://x.example/s.xml", "*": "<p>page"}
    )
    report = run(server, pool=pool, pages=30)
    assert paths(server)[0] == "/robots.txt"
    assert paths(server).count("/robots.txt") == 1
    assert sorted(set(paths(server)[1:])) == sorted(f"/open/{number}" for number in range(30))
    assert len(report.items) == 30
    assert report.items[0]["sitemaps"] == ["http://x.example/s.xml"]
    assert report.exit_code == 0


def test_our_own_group_counts(serve):
    server = serve({"/robots.txt": "User-agent: *\nDisallow: /\n\nUser-agent: Walker\nDisallow: /closed", "*": "<p>"})
    assert len(run(server).items) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_no_file_allows_everything(serve, status):
    server = serve({"/robots.txt": (status, {}, "User-agent: *\nDisallow: /"), "*": "<p>page"})
    assert len(run(server).items) == 4


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_error_is_tried_again_while_the_host_waits(serve, status):
    server = serve(
        {
            "/robots.txt": lambda hit: (status, {}, "") if hit.count < 3 else "User-agent: *\nDisallow: /closed/",
            "*": "<p>page",
        }
    )
    assert len(run(server).items) == 3
    assert paths(server)[:3] == ["/robots.txt"] * 3


def test_what_cannot_be_had_forbids_the_host_and_nothing_else(serve):
    dead = serve({"/robots.txt": (503, {}, ""), "*": "<p>page"})
    alive = serve({"/robots.txt": (404, {}, ""), "*": "<p>page"})

    class Both(Site):
        other: str = ""

        def start(self):
            yield from super().start()
            for request in super().start():
                yield request.replace(url=request.url.replace(self.site, self.other), on_failure=self.failed)

        def failed(self, failure):
            yield {"failed": failure.url, "kind": failure.kind}

    report = crawl(Both(site=alive.url, other=dead.url), settings={"crawl.pool": "thread", **OBEY})
    assert paths(dead) == ["/robots.txt"] * 3
    assert len([item for item in report.items if "path" in item]) == 4
    failed = [item for item in report.items if "failed" in item]
    assert len(failed) == 4
    assert {item["kind"] for item in failed} == {"host"}
    assert report.exit_code == 1
    assert "robots.txt cannot be had (tried 3 times, at last: status 503)" in report.summary()


def test_redirects_are_followed_also_to_other_hosts(serve):
    other = serve({"/r": (302, {"Location": "/rules"}, ""), "/rules": "User-agent: *\nDisallow: /closed/"})
    server = serve({"/robots.txt": (301, {"Location": f"{other.url}/r"}, ""), "*": "<p>page"})
    assert len(run(server).items) == 3
    assert paths(other) == ["/r", "/rules"]


def test_more_than_five_redirects_count_as_no_file(serve):
    server = serve({"/robots.txt": (302, {"Location": "/r"}, ""), "/r": (302, {"Location": "/r"}, ""), "*": "<p>page"})
    assert len(run(server).items) == 4
    assert paths(server).count("/r") == 5


def test_two_hosts_that_send_each_other_for_their_file_do_not_wait_for_ever(serve):
    one = serve({})
    two = serve({})
    one.routes.update({"/robots.txt": (302, {"Location": f"{two.url}/robots.txt"}, ""), "*": "<p>page"})
    two.routes.update({"/robots.txt": (302, {"Location": f"{one.url}/robots.txt"}, ""), "*": "<p>page"})
    report = crawl(Site(site=one.url), Site(site=two.url), settings={"crawl.pool": "thread", **OBEY})
    assert len(report.items) == 8


def test_a_redirect_is_asked_about_as_well(serve):
    server = serve(
        {
            "/robots.txt": "User-agent: *\nDisallow: /closed/",
            "/open/0": (302, {"Location": "/closed/2"}, ""),
            "*": "<p>page",
        }
    )
    assert {item["path"] for item in run(server).items} == {"/open/1", "/open/2"}
    assert "/closed/2" not in paths(server)


def test_a_crawl_delay_is_kept(serve):
    server = serve({"/robots.txt": "User-agent: *\nCrawl-delay: 0.2\nDisallow: /closed/", "*": "<p>page"})
    run(server)
    starts = [hit.at for hit in server.log if hit.path != "/robots.txt"]
    assert min(after - before for before, after in itertools.pairwise(starts)) > 0.15


def test_a_crawl_delay_has_a_limit(serve):
    server = serve({"/robots.txt": "User-agent: *\nCrawl-delay: 500", "*": "<p>page"})
    assert len(run(server, **{"robots.max_crawl_delay": 0.01}).items) == 4


def test_robots_txt_does_not_use_up_pages(serve):
    server = serve({"*": "<p>page"})
    assert len(run(server, **{"limits.max_pages": 1}).items) == 1


def test_a_table_for_a_host_decides(serve):
    server = serve({"/robots.txt": "User-agent: *\nDisallow: /", "*": "<p>page"})
    tables = [{"match": "127.*", "robots": False}]
    assert len(run(server, host=tables).items) == 4
    assert "/robots.txt" not in paths(server)
    tables = [{"match": "127.*", "robots": True}]
    assert not run(server, host=tables, **{"robots.obey": False}).items


def test_a_resumed_run_still_knows(serve, tmp_path):
    from contextlib import closing

    from crawler.frontier.ledger import Ledger
    from crawler.rules.robots import RobotsMemory

    path = tmp_path / "ledger.db"
    with closing(Ledger(path)) as ledger:
        RobotsMemory(ledger, 1000, 60).learn("http://a.example", b"User-agent: *\nDisallow: /closed")
        RobotsMemory(ledger, 1000, 60).learn("http://b.example", None)
        RobotsMemory(ledger, 1000, 60).give_up("http://c.example", "dead")
        ledger.commit()
    with closing(Ledger(path)) as ledger:
        memory = RobotsMemory(ledger, 1000, 60)
        known = memory.get("http://a.example", 0)
        assert not known.text.allows("http://a.example/closed", "x")
        assert memory.get("http://b.example", 0).text is None
        assert memory.get("http://c.example", 0) is None
        assert memory.get("http://a.example", known.until + 1) is None


def test_it_is_told_why_a_host_waits(serve):
    from crawler.assemble.run import run as run_spiders
    from crawler.assemble.spider_settings import settings_of
    from crawler.settings import flat

    class Heard:
        hears = (events.Retried,)

        def __init__(self):
            self.reasons = []

        def hear(self, event):
            self.reasons.append(event.reason)

    server = serve({"/robots.txt": lambda hit: None if hit.count == 1 else (404, {}, ""), "*": "<p>page"})
    spider, heard = Site(site=server.url), Heard()
    settings = settings_of([spider], None, [flat({"crawl.pool": "thread", **OBEY}, "test")])
    run_spiders([spider], settings, listeners=[heard])
    assert heard.reasons[0].startswith(f"robots: {server.url}/robots.txt: ")


@pytest.mark.parametrize("length", [3_000_000, 40_000_000])
def test_of_a_file_that_is_too_large_the_beginning_is_obeyed(serve, length):
    import gzip

    text = b"User-agent: *\nDisallow: /closed/\n" + b"#" * length
    server = serve({"/robots.txt": (200, {"Content-Encoding": "gzip"}, gzip.compress(text, 1)), "*": "<p>page"})
    report = run(server, **{"fetch.max_body": 600_000})
    assert [item["path"] for item in report.items] == ["/open/0", "/open/1", "/open/2"]
    assert report.exit_code == 0
    assert "/closed/1" not in paths(server)


def test_a_file_that_is_renewed_at_once_ends_all_the_same(serve):
    server = serve({"/robots.txt": "", "*": "<p>page"})
    assert len(run(server, **{"robots.max_age": 0.0001, "politeness.delay": 0.01}).items) == 4


def test_a_file_that_leads_where_nobody_may_look_forbids_the_host(serve):
    server = serve({"/robots.txt": (302, {"Location": "http://169.254.169.254/robots.txt"}, ""), "*": "<p>page"})
    report = run(server)
    assert paths(server) == ["/robots.txt"]
    assert report.exit_code == 1


def test_the_longest_of_several_crawl_delays_is_kept_and_audited(serve, tmp_path, monkeypatch):
    """Two spiders go by two names, and their host has a delay for each."""
    text = "User-agent: quick\nCrawl-delay: 0.01\nDisallow: /x\nUser-agent: walker\nCrawl-delay: 0.15\nDisallow: /x"
    server = serve({"/robots.txt": text, "*": "<p>page"})

    class Quick(Site):
        name = "quick"
        settings = {"fetch.user_agent": "quick/1.0"}

    class Slow(Site):
        name = "slow"
        settings = {"fetch.user_agent": "walker/1.0"}

    settings = {name: value for name, value in OBEY.items() if name != "fetch.user_agent"}
    crawl(Quick(site=server.url), Slow(site=server.url, pages=0), settings={"crawl.pool": "thread", **settings})
    starts = sorted(hit.at for hit in server.log if hit.path != "/robots.txt")
    assert min(after - before for before, after in itertools.pairwise(starts)) > 0.1

"""Crawls with a cache: what the site is asked, and that everything else is as without one."""

import pytest

from crawler import Request, Spider


class Site(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/", on_failure="failed")

    def parse(self, page):
        yield {"url": page.url.removeprefix(self.site), "text": page.css("p::text").get()}
        for link in page.links():
            yield page.follow(link, on_failure="failed")

    def failed(self, failure):
        yield {"failed": failure.url.removeprefix(self.site), "kind": failure.kind}


PAGES = {
    "/": '<p>home</p><a href="/1">1</a><a href="/old">2</a><a href="/gone">3</a>',
    "/1": '<p>one</p><a href="/">home</a><a href="/2">2</a>',
    "/2": "<p>two</p>",
    "/old": (301, {"Location": "/2"}, ""),
}


def rows(report):
    return sorted(map(str, report.items))


@pytest.mark.parametrize("pool", ["inline", "process"])
def test_a_second_crawl_asks_the_site_for_nothing(serve, walk, tmp_path, pool):
    server = serve(PAGES)
    cache = {"mode": "always", "folder": str(tmp_path / "cache")}
    first = walk(Site, arguments={"site": server.url}, cache=cache, pool=pool)
    asked = len(server.log)
    assert first.pages == asked
    assert first.answered == {}
    second = walk(Site, arguments={"site": server.url}, cache=cache, pool=pool)
    assert len(server.log) == asked
    assert rows(second) == rows(first)
    assert (second.pages, second.answered, second.exit_code) == (0, {"the cache": asked}, 0)
    assert "cached   5 pages came from the cache" in second.summary()


def test_without_a_network_a_site_can_be_crawled_again_with_its_robots_txt(serve, walk, tmp_path):
    server = serve({**PAGES, "/robots.txt": "User-agent: *\nDisallow: /2"})
    options = {"cache": {"mode": "always", "folder": str(tmp_path / "cache")}, "robots": {"obey": True}}
    first = walk(Site, arguments={"site": server.url}, **options)
    server.stop()
    second = walk(Site, arguments={"site": server.url}, **options)
    assert rows(second) == rows(first)
    assert {"url": "/1", "text": "one"} in second.items
    assert {"url": "/2", "text": "two"} not in second.items


def test_errors_and_verification_pages_are_asked_for_again(serve, walk, tmp_path):
    server = serve(
        {
            "/": '<p>home</p><a href="/broken"></a><a href="/hidden"></a>',
            "/broken": lambda hit: (500, {}, "") if hit.count == 1 else "<p>whole</p>",
            "/hidden": lambda hit: "<title>Just a moment...</title>_cf_chl_opt" if hit.count == 1 else "<p>seen</p>",
        }
    )
    options = {"cache": {"mode": "always", "folder": str(tmp_path / "cache")}, "retry": {"times": 0}}
    first = walk(Site, arguments={"site": server.url}, **options)
    assert first.blocked_count == 1
    second = walk(Site, arguments={"site": server.url}, **options)
    assert server.paths[3:] in (["/broken", "/hidden"], ["/hidden", "/broken"])
    assert {"url": "/broken", "text": "whole"} in second.items
    assert {"url": "/hidden", "text": "seen"} in second.items
    assert len(walk(Site, arguments={"site": server.url}, **options).items) == 3
    assert len(server.log) == 5


def test_as_rfc_9111_has_it(serve, walk, tmp_path):
    def changing(hit):
        if hit.headers.get("If-None-Match") == '"1"':
            return 304, {"ETag": '"1"'}, ""
        return 200, {"ETag": '"1"', "Cache-Control": "no-cache"}, "<p>unchanged</p>"

    server = serve(
        {
            "/": (200, {"Cache-Control": "max-age=60"}, '<p>fresh</p><a href="/same"></a><a href="/never"></a>'),
            "/same": changing,
            "/never": (200, {"Cache-Control": "no-store"}, "<p>asked each time</p>"),
        }
    )
    cache = {"mode": "rfc9111", "folder": str(tmp_path / "cache")}
    first = walk(Site, arguments={"site": server.url}, cache=cache)
    assert sorted(server.paths) == ["/", "/never", "/same"]
    second = walk(Site, arguments={"site": server.url}, cache=cache)
    assert sorted(server.paths[3:]) == ["/never", "/same"]
    assert rows(second) == rows(first)
    assert len(first.items) == 3
    assert second.answered == {"the cache": 2}
    assert second.by_status == {200: 1, 304: 1}


def test_two_spiders_share_what_one_has_fetched(serve, walk, tmp_path):
    class Other(Site):
        pass

    server = serve(PAGES)
    report = walk(
        Site, Other, arguments={"site": server.url}, cache={"mode": "always", "folder": str(tmp_path / "cache")}
    )
    assert len(report.items) == 8
    assert sum(report.answered.values()) + len(server.log) == 10
    assert rows(walk(Other, arguments={"site": server.url})) == rows(
        walk(Other, arguments={"site": server.url}, cache={"mode": "always", "folder": str(tmp_path / "cache")})
    )


def test_a_limit_of_pages_counts_those_from_the_cache(serve, walk, tmp_path):
    server = serve(PAGES)
    cache = {"mode": "always", "folder": str(tmp_path / "cache")}
    walk(Site, arguments={"site": server.url}, cache=cache)
    report = walk(Site, arguments={"site": server.url}, cache=cache, limits={"max_pages": 2})
    assert len(report.items) == 2
    assert report.reason == "max_pages reached"


def test_without_a_cache_nothing_is_kept(serve, walk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = serve(PAGES)
    walk(Site, arguments={"site": server.url})
    walk(Site, arguments={"site": server.url})
    assert len(server.log) == 10
    assert list(tmp_path.rglob("*")) == []


def test_what_is_cached_of_a_host_that_is_given_up_is_read(serve, walk, tmp_path):
    class Known(Site):
        def start(self):
            yield Request(f"{self.site}/1", callback="leaf")

        def leaf(self, page):
            yield {"text": page.css("p::text").get()}

    class Both(Known):
        name = "known"

        def start(self):
            for number in range(3):
                yield Request(f"{self.site}/bad/{number}", on_failure="failed")

        def failed(self, failure):
            yield {"kind": failure.kind}
            if failure.kind == "host":
                yield from super().start()

    server = serve({**PAGES, "*": (500, {}, "")})
    options = {
        "cache": {"mode": "always", "folder": str(tmp_path / "cache")},
        "breaker": {"failures": 1, "pause": 0.01, "give_up": 1},
        "retry": {"times": 0},
        "politeness": {"per_host": 1},
    }
    walk(Known, arguments={"site": server.url}, **options)
    report = walk(Both, arguments={"site": server.url}, **options)
    kinds = [item.get("kind", item.get("text")) for item in report.items]
    assert kinds == ["status", "status", "host", "one"]


def test_what_a_login_shows_is_not_what_was_kept_before_it(serve, walk, tmp_path):
    class Shop(Spider):
        site: str

        def start(self):
            yield Request(f"{self.site}/")

        def parse(self, page):
            yield {"text": page.css("p::text").get()}
            yield Request.post(f"{self.site}/login", form={"user": "me"}, callback="inside")

        def inside(self, page):
            yield {"text": page.css("p::text").get()}

    def login(hit):
        return 302, {"Location": "/", "Set-Cookie": "who=me"}, ""

    server = serve(
        {"/login": login, "/": lambda hit: f"<p>{'welcome' if hit.headers.get('Cookie') else 'please log in'}"}
    )
    options = {"cache": {"mode": "always", "folder": str(tmp_path / "cache")}}
    for _ in range(2):
        report = walk(Shop, arguments={"site": server.url}, **options)
        assert [item["text"] for item in report.items] == ["please log in", "welcome"]
        assert len(server.log) == 3

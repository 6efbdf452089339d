"""Depth, priority, data, cookies, duplicates: what becomes of a request on its way."""

import pytest

from crawler import Request, Spider


class Ranked(Spider):
    site: str

    def start(self):
        for number, priority in enumerate([0, 5, -1, 5, 0]):
            yield Request(f"{self.site}/{number}", priority=priority)

    def parse(self, page):
        yield {"url": page.url}


@pytest.mark.parametrize("pool", ["inline", "thread", "process"])
def test_within_a_host_higher_priorities_go_first_and_equal_ones_in_their_order(walk, serve, pool):
    server = serve({"*": "x"})
    walk(Ranked, pool=pool, arguments={"site": server.url}, politeness={"per_host": 1})
    assert server.paths == ["/1", "/3", "/0", "/4", "/2"]


class Deep(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/0", data={"way": [0]})

    def parse(self, page):
        number = page.request.depth + 1
        yield {"depth": page.request.depth, "parent": page.request.parent.removeprefix(self.site), **page.data}
        yield page.follow(f"/{number}", data={"way": [*page.data["way"], number]})


@pytest.mark.parametrize("most", [0, 3])
def test_links_are_followed_up_to_max_depth_and_data_is_handed_on(walk, serve, most):
    server = serve({"*": "x"})
    report = walk(Deep, arguments={"site": server.url}, limits={"max_depth": most})
    assert report.items == [
        {"depth": n, "parent": f"/{n - 1}" if n else "", "way": list(range(n + 1))} for n in range(most + 1)
    ]
    assert report.dropped == {"depth": 1}
    assert len(server.log) == most + 1


def test_a_url_is_fetched_once_however_it_is_written(walk, serve):
    server = serve({"*": "x"})

    class Same(Spider):
        def start(self):
            for end in ["/a", "/a#top", "/./a", "/b/../a", "/a", "/%61"]:
                yield Request(server.url + end)
            yield Request(server.url.replace("http:", "HTTP:") + "/a")

        def parse(self, page):
            yield {"url": page.url}
            yield page.follow("a")

    walk(Same)
    assert server.paths == ["/a"]


def test_again_fetches_what_was_seen(walk, serve):
    server = serve({"*": "x"})

    class Twice(Spider):
        start_urls = [server.url + "/a"]

        def parse(self, page):
            yield {"url": page.url}
            if page.request.depth < 2:
                yield page.follow("/a", again=True)

    assert len(walk(Twice).items) == 3


def test_different_methods_and_bodies_are_different_requests(walk, serve):
    server = serve({"*": "x"})

    class Forms(Spider):
        def start(self):
            for body in ["a=1", "a=2", b"a=1"]:
                yield Request(server.url + "/", method="POST", body=body, headers={"Content-Type": "text/plain"})
            yield Request(server.url + "/")

        def parse(self, page):
            yield {"url": page.url}

    walk(Forms)
    assert sorted((hit.method, hit.body) for hit in server.log) == [("GET", b""), ("POST", b"a=1"), ("POST", b"a=2")]


def test_cookies_are_kept_between_pages_and_apart_between_jars(walk, serve):
    def answer(hit):
        return 200, {"Set-Cookie": f"who={hit.path[1:]}; Path=/"}, "x"

    server = serve({"/anna": answer, "/ben": answer, "*": "x"})

    class Sessions(Spider):
        def start(self):
            for jar in ("anna", "ben"):
                yield Request(f"{server.url}/{jar}", jar=jar, callback=self.enter)

        def enter(self, page):
            yield page.follow(f"/home-of-{page.request.jar}", cookies={"extra": "1"})

        def parse(self, page):
            yield {"url": page.url}
            if "home" in page.url:
                yield page.follow(f"/exit-of-{page.request.jar}")

    walk(Sessions)
    assert {hit.path: hit.headers.get("Cookie") for hit in server.log} == {
        "/anna": None, "/ben": None,
        "/home-of-anna": "extra=1; who=anna", "/home-of-ben": "extra=1; who=ben",
        "/exit-of-anna": "who=anna", "/exit-of-ben": "who=ben",
    }  # fmt: skip


def test_header_fields_of_settings_and_of_the_request_are_sent(walk, serve):
    server = serve({"*": "x"})

    class Polite(Spider):
        settings = {"fetch.user_agent": "testbot/1", "fetch.headers": {"X-From": "settings", "Accept": "text/html"}}

        def start(self):
            yield Request(server.url, headers={"x-from": "request"})

        def parse(self, page):
            yield {"url": page.url}

    walk(Polite)
    fields = server.log[0].headers
    assert (fields["User-Agent"], fields.get_all("X-From"), fields["Accept"]) == ("testbot/1", ["request"], "text/html")


def test_sessions_may_see_the_same_page_and_leave_again(walk, serve):
    server = serve({"*": lambda hit: (200, {"Set-Cookie": f"who={hit.path[1:]}"} if hit.count == 1 else {}, "<p>")})

    class Two(Spider):
        def start(self):
            for jar in ("anna", "ben"):
                yield Request(f"{server.url}/{jar}", jar=jar)

        def parse(self, page):
            yield page.follow("/orders", self.orders)

        def orders(self, page):
            yield {"jar": page.request.jar}
            yield page.follow("/shop", self.shop, jar="")

        def shop(self, page):
            yield {"jar": page.request.jar}

    report = walk(Two)
    assert sorted(item["jar"] for item in report.items) == ["", "anna", "ben"]
    assert sorted(hit.headers.get("Cookie") or "" for hit in server.log if hit.path == "/orders") == [
        "who=anna",
        "who=ben",
    ]

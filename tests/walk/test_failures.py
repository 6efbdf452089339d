"""What goes wrong on the way: statuses, retries, refused connections, callbacks that raise."""

import socket
from pathlib import Path

import pytest

from crawler import Request, Spider


class Careful(Spider):
    urls: list[str]

    def start(self):
        for url in self.urls:
            yield Request(url, on_failure=self.failed, data=url[-1])

    def parse(self, page):
        yield {"read": page.data, "status": page.status}

    def failed(self, failure):
        yield {"failed": failure.request.data, "kind": failure.kind, "detail": failure.detail}


@pytest.fixture
def visit(walk):
    return lambda *urls, **sections: walk(Careful, arguments={"urls": list(urls)}, **sections)


def test_a_404_is_told_to_on_failure_and_is_no_error(visit, serve):
    report = visit(serve({}).url + "/a")
    assert report.items == [{"failed": "a", "kind": "status", "detail": "404 Not Found"}]
    assert (report.failure_count, report.failed, report.retried, report.exit_code) == (1, 0, 0, 0)


def test_an_accepted_status_goes_to_the_callback(visit, serve):
    report = visit(serve({}).url + "/a", fetch={"accept_status": [404]})
    assert report.items == [{"read": "a", "status": 404}]
    assert report.failure_count == 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_status_that_may_pass_is_tried_again(visit, serve, status):
    server = serve({"/a": lambda hit: (status, {}, "") if hit.count < 3 else "ok"})
    report = visit(server.url + "/a")
    assert report.items == [{"read": "a", "status": 200}]
    assert (len(server.log), report.retried, report.exit_code) == (3, 2, 0)


def test_retries_have_an_end_and_then_it_is_an_error(visit, serve):
    server = serve({"/a": (500, {}, "")})
    report = visit(server.url + "/a", retry={"times": 1})
    assert report.items == [{"failed": "a", "kind": "status", "detail": "500 Internal Server Error"}]
    assert (len(server.log), report.failed, report.exit_code) == (2, 1, 1)


def test_pauses_between_retries_double(visit, serve):
    server = serve({"/a": (500, {}, "")})
    visit(server.url + "/a", retry={"times": 2, "pause": 0.05, "jitter": 0})
    first, second, third = [hit.at for hit in server.log]
    assert second - first >= 0.05
    assert third - second >= 0.1


def test_a_post_is_not_sent_twice(walk, serve):
    server = serve({"/a": (500, {}, "")})

    class Post(Spider):
        def start(self):
            yield Request(server.url + "/a", method="POST")

        def parse(self, page):
            yield {"url": page.url}

    assert walk(Post).failed == 1
    assert len(server.log) == 1


def test_a_refused_connection_is_retried_and_then_told(visit):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        report = visit(f"http://127.0.0.1:{unused.getsockname()[1]}/a")
    assert [(item["failed"], item["kind"]) for item in report.items] == [("a", "connect")]
    assert (report.retried, report.failed) == (2, 1)


def test_a_server_that_hangs_up_is_told(visit, serve):
    server = serve({"/a": lambda hit: None})
    report = visit(server.url + "/a", retry={"times": 0})
    assert [item["failed"] for item in report.items] == ["a"]
    assert report.failed == 1


def test_a_slow_answer_times_out(visit, serve):
    server = serve({"*": "x"}, latency=5)
    report = visit(server.url + "/a", retry={"times": 0}, fetch={"timeout": 0.1})
    assert [item["kind"] for item in report.items] == ["timeout"]


@pytest.mark.parametrize("pool", ["inline", "thread", "process"])
def test_the_workers_refuse_addresses_outside_guard_only(visit, pool):
    report = visit("http://192.0.2.1/a", pool=pool)
    assert [item["kind"] for item in report.items] == ["guard"]
    assert report.retried == 0


def test_a_failed_fetch_does_not_hold_up_the_others(visit, serve):
    server = serve({"/b": "ok", "/a": (503, {}, "")})
    report = visit(server.url + "/a", server.url + "/b", retry={"pause": 0.2})
    assert server.paths[:2] == ["/a", "/b"]
    assert len(report.items) == 2


class Breaking(Spider):
    site: str

    def start(self):
        for name in "abc":
            yield Request(f"{self.site}/{name}")

    def parse(self, page):
        yield {"url": page.url[-1]}
        yield page.follow(f"/after-{page.url[-1]}", callback="after")
        if page.url.endswith("/b"):
            raise KeyError("title")

    def after(self, page):
        yield {"after": page.url[-1]}


def test_a_callback_that_raises_gives_nothing_of_its_page_and_all_of_the_others(walk, serve):
    server = serve({"*": "x"})
    report = walk(Breaking, arguments={"site": server.url})
    assert sorted(map(str, report.items)) == ["{'after': 'a'}", "{'after': 'c'}", "{'url': 'a'}", "{'url': 'c'}"]
    assert "/after-b" not in server.paths
    (error,) = report.page_errors
    assert (error.kind, error.message, error.url) == ("KeyError", "'title'", server.url + "/b")
    lines = Path(__file__).read_text().splitlines()
    line = 1 + next(n for n, text in enumerate(lines) if text.strip() == 'raise KeyError("title")')
    assert error.where.endswith(f"test_failures.py:{line}")
    assert (report.page_error_count, report.exit_code) == (1, 1)


def test_an_item_that_cannot_be_written_is_counted_and_the_others_are_kept(walk, serve):
    server = serve({"*": "x"})

    class Odd(Spider):
        start_urls = [server.url]

        def parse(self, page):
            yield {"ok": 1}
            yield {"cover": object()}

    report = walk(Odd)
    assert report.items == [{"ok": 1}]
    assert report.item_errors == 1
    assert report.item_failures[0][1].startswith("dict.cover from parse:")
    assert report.exit_code == 1


def test_blocked_that_raises_is_an_error_and_does_not_hide_the_page(walk, serve):
    server = serve({"*": "x"})

    class Faulty(Spider):
        start_urls = [server.url + "/a", server.url + "/b"]

        def blocked(self, page):
            if page.url.endswith("a"):
                raise ValueError("in blocked")
            return False

        def parse(self, page):
            yield {"url": page.url[-1]}

    report = walk(Faulty)
    assert sorted(item["url"] for item in report.items) == ["a", "b"]
    assert [(error.kind, error.message) for error in report.page_errors] == [("ValueError", "in blocked")]
    assert report.exit_code == 1


def test_on_failure_that_raises_is_an_error_too(walk, serve):
    server = serve({})

    class Faulty(Spider):
        def start(self):
            yield Request(server.url, on_failure=self.failed)

        def failed(self, failure):
            raise RuntimeError("in on_failure")

    assert [error.callback for error in walk(Faulty).page_errors] == ["failed"]


def test_a_callback_that_does_not_exist_is_an_error_of_that_page(walk, serve):
    server = serve({"*": "x"})

    class Faulty(Spider):
        def start(self):
            yield Request(server.url, callback="parse_film")

    (error,) = walk(Faulty).page_errors
    assert "no callback 'parse_film'" in error.message


@pytest.mark.parametrize("url", ["/relative", "ftp://127.0.0.1/", "http://", "http://[", "http://127.0.0.1:99999/"])
def test_a_request_that_can_never_be_fetched_ends_nothing_else(walk, serve, url):
    server = serve({"*": "x"})

    class Odd(Spider):
        start_urls = [server.url]

        def parse(self, page):
            yield {"url": page.url}
            yield page.follow("/next", callback=self.parse_next)
            if page.request.depth == 0:
                yield page.follow("/odd", callback=self.parse_odd)

        def parse_odd(self, page):
            yield Request(url)

        def parse_next(self, page):
            yield {"next": True}

    report = walk(Odd)
    assert {"next": True} in report.items

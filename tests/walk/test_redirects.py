"""Redirects as part of a crawl: each hop is a URL of its own, fetched once."""

import pytest

from crawler import Request, Spider


class Visit(Spider):
    """Starts at `paths`; one item per page."""

    site: str
    paths: list[str]
    method: str = "GET"

    def start(self):
        for path in self.paths:
            yield Request(
                self.site + path, method=self.method, body="a=1" if self.method == "POST" else None, data=path
            )

    def parse(self, page):
        yield {"at": page.url.removeprefix(self.site), "hops": len(page.request.hops), "data": page.data}


@pytest.fixture
def visit(walk, serve):
    def run(routes, *paths, method="GET", **sections):
        server = serve(routes)
        report = walk(Visit, arguments={"site": server.url, "paths": list(paths), "method": method}, **sections)
        return report, server

    return run


def to(location, status=302, **headers):
    return status, {"Location": location, **headers}, ""


def test_a_chain_is_followed_and_the_page_knows_its_hops(visit):
    report, server = visit({"/a": to("/b", 301), "/b": to("c", 307), "/c": "end"}, "/a")
    assert report.items == [{"at": "/c", "hops": 2, "data": "/a"}]
    assert server.paths == ["/a", "/b", "/c"]


def test_a_redirect_to_itself_is_followed_once_it_has_set_its_cookie(visit):
    def gate(hit):
        return "in" if hit.headers.get("Cookie") == "seen=1" else to("/gate", **{"Set-Cookie": "seen=1"})

    report, server = visit({"/gate": gate}, "/gate")
    assert report.items == [{"at": "/gate", "hops": 1, "data": "/gate"}]
    assert len(server.log) == 2
    assert report.retried == 0


def test_a_redirect_that_never_ends_is_given_up(visit):
    report, server = visit({"/a": to("/b"), "/b": to("/a")}, "/a", redirect={"max_hops": 5})
    assert len(server.log) == 6
    assert [(failure.kind, failure.error) for failure in report.failures] == [("redirect", True)]
    assert report.exit_code == 1


def test_a_redirect_to_a_page_that_was_seen_is_a_duplicate_of_it(visit):
    report, server = visit({"/a": "a", "/b": to("/a")}, "/a", "/b")
    assert [item["at"] for item in report.items] == ["/a"]
    assert sorted(server.paths) == ["/a", "/b"]
    assert report.dropped == {"redirect": 1}
    assert report.exit_code == 0


def test_two_redirects_to_one_page_fetch_it_once(visit):
    report, server = visit({"/a": to("/c"), "/b": to("/c"), "/c": "c"}, "/a", "/b")
    assert len(report.items) == 1
    assert server.paths.count("/c") == 1


@pytest.mark.parametrize(
    ("status", "method", "body"), [(303, "GET", b""), (302, "GET", b""), (307, "POST", b"a=1"), (308, "POST", b"a=1")]
)
def test_after_a_post_the_method_is_that_of_the_standard(visit, status, method, body):
    report, server = visit({"/form": to("/answer", status), "/answer": "thanks"}, "/form", method="POST")
    assert [(hit.method, hit.path, hit.body) for hit in server.log] == [
        ("POST", "/form", b"a=1"),
        (method, "/answer", body),
    ]
    assert report.items[0]["at"] == "/answer"


def test_the_answer_to_a_post_is_never_a_duplicate(visit):
    report, _ = visit(
        {"/1": to("/thanks", 303), "/2": to("/thanks", 303), "/thanks": "thanks"}, "/1", "/2", method="POST"
    )
    assert [item["at"] for item in report.items] == ["/thanks", "/thanks"]


def test_a_hop_out_of_scope_is_not_fetched(visit):
    report, _ = visit({"/a": to("http://127.0.0.2:1/")}, "/a", scope={"allowed_hosts": ["127.0.0.1"]})
    assert report.dropped == {"scope": 1}
    assert report.exit_code == 3


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://[", "javascript:alert(1)"])
def test_a_hop_to_what_is_no_page_is_an_error(visit, location):
    report, _ = visit({"/a": to(location)}, "/a")
    assert [failure.kind for failure in report.failures] == ["redirect"]
    assert report.exit_code == 1


def test_with_no_hops_allowed_the_redirect_itself_can_be_read(visit):
    report, server = visit({"/a": to("/b")}, "/a", redirect={"max_hops": 0}, fetch={"accept_status": [302]})
    assert [item["at"] for item in report.items] == ["/a"]
    assert server.paths == ["/a"]


@pytest.mark.parametrize("place", ["/a?PHPSESSID=0123456789abcdef", "/(S(0123456789abcdef))/a", "/a?utm_source=home"])
def test_a_site_that_marks_its_urls_is_no_loop(visit, place):
    def answer(hit):
        return "page" if hit.query or hit.path.startswith("/(S(") else to(place)

    report, server = visit({"*": answer}, "/a", url={"drop_sessions": True, "drop_tracking": True})
    assert report.items == [{"at": place, "hops": 1, "data": "/a"}]
    assert server.paths == ["/a", place]

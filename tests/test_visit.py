"""Single pages with the rules of a crawl. What people see of it is tested with the commands (tests/cli)."""

import pytest

from crawler.request import Request
from crawler.response import Failure
from crawler.settings import Layer
from crawler.visit import NotRead, Visitor, settings_alone


def visitor(**values):
    layer = Layer("test", {"politeness.delay": 0.0, **{key.replace("__", "."): value for key, value in values.items()}})
    return Visitor(settings_alone(None, [layer]))


def test_cookies_are_kept_from_page_to_page(serve):
    server = serve({"/in": (200, {"Set-Cookie": "id=7"}, ""), "/who": lambda hit: str(hit.headers["Cookie"])})
    one = visitor()
    one.fetch(Request(f"{server.url}/in"))
    assert one.fetch(Request(f"{server.url}/who")).response().body == b"id=7"
    assert visitor().fetch(Request(f"{server.url}/who")).response().body == b"None"


def test_a_post_is_redirected_as_browsers_do(serve):
    server = serve({"/form": (303, {"Location": "/done"}, ""), "/done": lambda hit: f"{hit.method} {hit.body}"})
    visited = visitor().fetch(Request.post(f"{server.url}/form", form={"a": 1}))
    assert visited.response().body == b"GET b''"
    assert visited.request.hops == (f"{server.url}/form",)


def test_what_counts_as_the_same_url_is_the_same_here(serve):
    server = serve({"/a": (302, {"Location": "/b?utm_source=x"}, ""), "*": "x"})
    visitor(url__drop_tracking=True).fetch(Request(f"{server.url}/a?utm_medium=y"))
    assert server.paths == ["/a", "/b"]


def test_nothing_is_tried_again_and_no_robots_txt_is_asked_for(serve, monkeypatch):
    monkeypatch.setenv("CRAWL_ROBOTS_OBEY", "true")
    server = serve({"*": (503, {"Retry-After": "60"}, "busy")})
    visited = visitor().fetch(Request(f"{server.url}/"))
    assert visited.response().body == b"busy"
    with pytest.raises(NotRead, match="status: 503 Service Unavailable"):
        visited.page()
    assert server.paths == ["/"]


def test_a_private_address_is_for_those_who_typed_it(serve, monkeypatch):
    monkeypatch.delenv("CRAWL_GUARD_ALLOW")
    server = serve({"*": "x"})
    one = visitor()
    with pytest.raises(NotRead, match=r"guard: 127\.0\.0\.1 is a private address"):
        one.fetch(Request(server.url, parent="https://a.example/", depth=1))
    assert one.fetch(Request(server.url)).response().body == b"x"


@pytest.mark.parametrize("pool", ["process", "thread", "inline"])
def test_pages_come_back_in_order_from_every_pool(serve, pool):
    servers = [serve({"*": name}) for name in "abc"]
    urls = [f"{servers[n].url}/" for n in (2, 0, 1, 0)]
    visited = visitor(crawl__pool=pool).fetch_all([Request(url) for url in [*urls, "http://127.0.0.1:1/"]])
    assert [one.response().body for one in visited[:4]] == [b"c", b"a", b"b", b"a"]
    assert isinstance(visited[4].outcome, Failure)


def test_a_host_is_left_its_pause_between_one_fetch_and_the_next(serve):
    server = serve({"*": "x"})
    one = visitor(politeness__delay=0.1)
    for _ in range(2):
        one.fetch(Request(f"{server.url}/"))
    first, second = server.log
    assert second.at - first.at > 0.09

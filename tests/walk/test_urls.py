"""Which URLs are fetched for those that were found: options of `[url]`, passwords in URLs."""

import json
from base64 import b64encode

import pytest

from crawler import Request, Spider


class Follow(Spider):
    site: str
    paths: list[str] = ["/"]

    def start(self):
        for path in self.paths:
            yield Request(self.site + path)

    def parse(self, page):
        yield {"url": page.url.removeprefix(self.site), "hops": page.request.hops}
        for link in page.xpath("//a/@href").getall():
            yield page.follow(link)


class Sorted(Follow):
    settings = {"url.sort_query": True}


def test_links_starts_and_hops_are_fetched_without_what_the_settings_drop(walk, serve):
    server = serve(
        {
            "/": "<a href='/a?utm_source=x&b=1&a=2'></a><a href='/a?b=1&utm_term=y&a=2'></a><a href='/c;jsessionid=1'>",
            "/c": (302, {"Location": "/d?PHPSESSID=7&e=1"}, ""),
            "*": "end",
        }
    )
    url = {"drop_tracking": True, "drop_sessions": True}
    report = walk(Follow, arguments={"site": server.url, "paths": ["/?gclid=1"]}, url=url)
    assert sorted(server.paths) == ["/", "/a?b=1&a=2", "/c", "/d?e=1"]
    assert {item["url"] for item in report.items} == {"/", "/a?b=1&a=2", "/d?e=1"}


def test_each_spider_has_its_own_options(walk, serve):
    server = serve({"*": "end"})
    walk(Follow, Sorted, arguments={"site": server.url, "paths": ["/?b&a"]})
    assert sorted(server.paths) == ["/?a&b", "/?b&a"]


@pytest.mark.parametrize("way", ["start", "link", "hop"])
def test_a_password_in_a_url_becomes_a_header_field_of_that_request(walk, serve, way):
    server = serve({"/": "", "/c": "<a href=/e>", "/e": "end"})
    secret = server.url.replace("http://", "http://u%40x:p%C3%A9@") + "/c"
    server.routes["/"] = (302, {"Location": secret}, "") if way == "hop" else f"<a href='{secret}'>"
    site, paths = (secret.removesuffix("/c"), ["/c"]) if way == "start" else (server.url, ["/"])
    report = walk(Follow, arguments={"site": site, "paths": paths})
    sent = {hit.target: hit.headers.get("Authorization") for hit in server.log}
    assert sent.pop("/c") == "Basic " + b64encode("u@x:pé".encode()).decode()
    assert set(sent.values()) == {None}
    assert "/e" in sent
    assert "u%40x" not in json.dumps(report.items)


def test_a_request_that_has_the_field_keeps_it(walk, serve):
    server = serve({"*": "end"})

    class Own(Spider):
        def start(self):
            yield Request(server.url.replace("//", "//u:p@"), headers={"authorization": "Bearer x"})

        def parse(self, page):
            yield {"url": page.url}

    assert walk(Own).items == [{"url": server.url + "/"}]
    assert [hit.headers.get_all("Authorization") for hit in server.log] == [["Bearer x"]]


class Links(Spider):
    site: str

    def start(self):
        yield Request(self.site + "/")

    def parse(self, page):
        yield {"at": page.url.removeprefix(self.site)}
        for link in page.links():
            yield page.follow(link)


class Free(Links):
    settings = {"scope.nofollow": False, "scope.skip_extensions": [".TXT"]}


def test_each_spider_has_its_own_links(walk, serve):
    server = serve(
        {"/": "<a href=/a rel=nofollow></a><a href=/b.pdf></a><a href=/c.txt></a><a href=/d></a>", "*": "end"}
    )
    obedient, free = (
        {item["at"] for item in walk(kind, arguments={"site": server.url}).items} for kind in (Links, Free)
    )
    assert obedient == {"/", "/c.txt", "/d"}
    assert free == {"/", "/a", "/b.pdf", "/d"}


def test_a_page_may_speak_to_the_crawler_by_the_name_of_its_user_agent(walk, serve):
    server = serve({"/": (200, {"X-Robots-Tag": "mybot: nofollow"}, "<a href=/a>"), "*": "end"})
    for agent, pages in (("MyBot/2.0 (+https://bot.example)", 1), ("OtherBot/1.0", 2)):
        assert walk(Links, arguments={"site": server.url}, fetch={"user_agent": agent}).pages == pages


def test_no_more_links_than_the_limit_are_followed(walk, serve):
    server = serve({"/": "".join(f"<a href=/{number}></a>" for number in range(9)), "*": "end"})
    assert walk(Links, arguments={"site": server.url}, limits={"max_links": 4}).pages == 5

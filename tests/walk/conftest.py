"""Whole crawls over loopback: a made-up site with everything a walk can meet, and the spider that visits it."""

import pytest

from crawler import Request, Spider, crawl

QUICK = {"politeness": {"delay": 0, "per_host": 8}, "retry": {"pause": 0.01}}
PAGES = 60


def settings(**sections):
    """`QUICK` with more: `settings(crawl={"pool": "thread"})`."""
    merged = {name: dict(values) for name, values in QUICK.items()}
    for name, values in sections.items():
        merged.setdefault(name, {}).update(values)
    return merged


@pytest.fixture
def walk():
    """`walk(spider, limits={...}, pool="inline")`: crawl quickly, items kept in the report."""

    def run(*spiders, pool="inline", out=None, arguments=None, **sections):
        sections["crawl"] = {"pool": pool, **sections.get("crawl", {})}
        return crawl(*spiders, out=out, arguments=arguments, settings=settings(**sections))

    return run


class Maze(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/page/1")
        yield Request(f"{self.site}/form", callback=self.parse_answer, method="POST", body="q=1")
        yield Request(f"{self.site}/gone", on_failure=self.note_failure, data="was 404")
        yield Request(f"{self.site}/down", on_failure="note_failure")

    def parse(self, page):
        yield {"at": page.url.removeprefix(self.site), "from": page.data, "depth": page.request.depth}
        for number, link in enumerate(page.xpath("//a/@href").getall()):
            yield page.follow(link, data=number, priority=number)

    def parse_answer(self, page):
        hops = [hop.removeprefix(self.site) for hop in page.request.hops]
        yield {"at": page.url.removeprefix(self.site), "hops": hops}

    def note_failure(self, failure):
        yield {"failed": failure.url.removeprefix(self.site), "kind": failure.kind, "data": failure.request.data}


@pytest.fixture
def maze(serve):
    """A site of 60 pages with many links to each, and beside them redirects, cookies, errors. Its spider is `Maze`."""

    def page(number):
        linked = sorted({number * 2 % PAGES + 1, number * 3 % PAGES + 1, (number + 1) % PAGES + 1, number})
        extra = ""
        if number == 1:
            extra = (
                '<a href="/old">chain</a> <a href="/hello">cookie</a> <a href="/moved">to a page that is seen</a>'
                '<a href="/shaky">500 at first</a> <a href="/page/2#part">page 2 again</a> <a href="/page/../page/2">'
            )
        return "".join(f'<a href="/page/{link}">{link}</a>' for link in linked) + extra

    def hello(hit):
        if "known=yes" in hit.headers.get("Cookie", ""):
            return "hello again"
        return 302, {"Location": "/hello", "Set-Cookie": "known=yes; Path=/"}, ""

    return serve(
        {
            **{f"/page/{number}": page(number) for number in range(1, PAGES + 1)},
            "/old": (301, {"Location": "/older"}, ""),
            "/older": (302, {"Location": "/new"}, ""),
            "/new": "the end of a chain",
            "/hello": hello,
            "/moved": (302, {"Location": "/page/1"}, ""),
            "/shaky": lambda hit: (500, {}, "wait") if hit.count == 1 else "steady now",
            "/form": (303, {"Location": "/answer"}, ""),
            "/answer": "answered",
            "/down": (503, {}, "closed"),
        }
    )


@pytest.fixture
def maze_spider():
    return Maze

"""Process, thread and inline pools, and all ways to start a process, give the same items and fetch each page once."""

from collections import Counter

import pytest

from crawler import Request, Spider
from crawler.demo.site import films

WAYS = {
    "inline": {"pool": "inline"},
    "thread": {"pool": "thread", "workers": 2},
    "forkserver": {"pool": "process", "start_method": "forkserver", "workers": 2},
    "spawn": {"pool": "process", "start_method": "spawn", "workers": 2},
    "fork": {"pool": "process", "start_method": "fork", "workers": 2},
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


class Board(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/board/4?offset=0")

    def parse(self, page):
        for film in page.css("dd"):
            index = film.css(".board-index::text").get()
            yield page.follow(film.css(".name a")[0], callback=self.parse_film, data=index)
        for url in page.links(css=".list-pager"):
            yield page.follow(url)

    def parse_film(self, page):
        yield {"index": page.data, "title": page.css("h1::text").get()}


def test_the_demo_site_gives_the_same_hundred_films_from_each_pool(walk, site, way):
    report = walk(Board, arguments={"site": site.url}, crawl=way)
    titles = [(film["index"], film["title"]) for film in films(4)]
    assert sorted((item["index"], item["title"]) for item in report.items) == sorted(titles)
    assert report.exit_code == 0
    assert Counter(site.log).most_common(1)[0][1] == 1
    assert len(site.log) == report.pages == 110


@pytest.mark.parametrize("client", ["requests", "curl"])
def test_a_site_with_everything_gives_the_same_items_from_each_pool(walk, maze, maze_spider, way, client):
    report = walk(maze_spider, arguments={"site": maze.url}, crawl=way, fetch={"client": client})
    items = report.items
    read = Counter(item["at"] for item in items if "at" in item)
    others = ["/new", "/hello", "/shaky", "/answer"]
    assert read == dict.fromkeys([*(f"/page/{number}" for number in range(1, 61)), *others], 1)
    by_place = {item["at"]: item for item in items if "at" in item}
    assert by_place["/answer"] == {"at": "/answer", "hops": ["/form"]}
    assert by_place["/page/1"] == {"at": "/page/1", "from": None, "depth": 0}
    assert by_place["/new"]["depth"] == by_place["/hello"]["depth"] == 1
    assert sorted((item["failed"], item["kind"], item["data"]) for item in items if "failed" in item) == [
        ("/down", "status", None),
        ("/gone", "status", "was 404"),
    ]
    fetched = Counter(maze.paths)
    assert {path: count for path, count in fetched.items() if count > 1} == {"/hello": 2, "/shaky": 2, "/down": 3}
    assert report.pages == len(maze.log)
    assert report.by_status == {200: 64, 301: 1, 302: 3, 303: 1, 404: 1, 500: 1, 503: 3}
    assert report.dropped == {"redirect": 1}  # /moved leads to page 1
    assert report.failed == 1  # /down after its retries; a 404 is no error
    assert report.exit_code == 1

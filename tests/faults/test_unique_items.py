"""kill -9 and resume of a crawl whose items have keys: every key once, whatever page it was found on first."""

import json
import random
from collections import Counter

SPIDER = """
from crawler import Request, Spider


class Times:
    def open(self, spider):
        self.times = 3

    def process(self, item):
        for time in range(self.times):
            yield {**item, "time": time}


class Site(Spider):
    name = "site"
    site: str
    pages: int
    pipelines = [Times]
    unique_by = ("number", "time")

    def start(self):
        yield Request(f"{self.site}/0")

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        yield {"number": number // 4, "text": ""}
        for child in (2 * number + 1, 2 * number + 2):
            if child < self.pages:
                yield page.follow(f"/{child}")
"""
PAGES = 200


def test_every_key_is_there_once_however_often_the_crawl_was_killed(crawl_of):
    seed = random.randrange(1_000_000)
    print(f"SEED={seed}")
    dice = random.Random(seed)
    crawl = crawl_of(pages=PAGES, spider=SPIDER)
    running = crawl.run()
    for kill in range(3):
        goal = len(crawl.server.log) + dice.randrange(10, 40)
        crawl.wait_for(running, lambda goal=goal: len(crawl.server.log) >= goal)
        assert crawl.kill(running, whole_group=kill % 2 == 0)
        running = crawl.resume()
    crawl.end(running)
    assert crawl.resume_until_done() == 0
    wanted = {(number, time): 1 for number in range(PAGES // 4) for time in range(3)}
    items = [json.loads(line) for line in (crawl.outputs / "x.jsonl").read_bytes().splitlines()]
    assert Counter((item["number"], item["time"]) for item in items) == wanted
    assert crawl.query("SELECT count(*) FROM items") == [(len(wanted),)]
    assert crawl.query("SELECT count(*) FROM item_keys") == [(len(wanted),)]
    assert f"{3 * len(wanted)} dropped: {3 * len(wanted)} duplicate number + time" in running.stderr

"""Maoyan's board of well reviewed films now showing (热映口碑榜), read with regular expressions.

    crawl run spiders/maoyan.py -o films.jsonl
    crawl run spiders/maoyan.py -a site=http://127.0.0.1:8000 -o films.csv

One item per film: {'index': '1', 'title': '海王', 'actor': '杰森·莫玛,…', 'time': '2018-12-07', 'score': '9.5'}.
What a film does not have (a new one has no score yet) is None.
"""

import html
import re

from crawler import Request, Spider

# First cut the page at its <dd> and <dl> tags, then look for one field at a time, and never further than the next
# "<". One long pattern of `.*?` for the whole film looks simpler and is a trap: where a field is missing it
# tries every way to find it in the films that follow, which takes minutes from some ten films on.
BLOCK = re.compile(r"</?d[dl]\b[^<>]*>")
FIELDS = [
    re.compile(r'class="board-index[^"<>]*">(?P<index>[^<]*)<'),
    re.compile(r'class="name">\s*<a[^<>]*>(?P<title>[^<]*)<'),
    re.compile(r'class="star">(?P<actor>[^<]*)<'),
    re.compile(r'class="releasetime">(?P<time>[^<]*)<'),
    re.compile(r'class="integer">(?P<integer>[^<]*)</i>\s*<i class="fraction">(?P<fraction>[^<]*)<'),
]


class Maoyan(Spider):
    site: str = "https://www.maoyan.com"

    def start(self):
        yield Request(f"{self.site.rstrip('/')}/board/7")

    def parse(self, page):
        for block in BLOCK.split(page.text):
            film = {}
            for field in FIELDS:
                if match := field.search(block):
                    film.update((name, html.unescape(text).strip()) for name, text in match.groupdict().items())
            if film.get("index"):  # other lists use <dd> too; only a ranking has an index
                yield {
                    "index": film["index"],
                    "title": film.get("title") or None,
                    "actor": film.get("actor", "").removeprefix("主演：").strip() or None,
                    "time": film.get("time", "").removeprefix("上映时间：").strip() or None,
                    "score": film.get("integer", "") + film.get("fraction", "") or None,
                }

"""The way of somebody who has never used it: `crawl new`, an edit, `crawl parse`, `crawl run`, `crawl export`.

Each step's whole output is compared, with the times, rates and the port of the site left out.
"""

import csv
import json
import re
import subprocess
import sys
from textwrap import dedent

import pytest

from crawler.demo.site import films

# As whoever begins has them, but without the pause between two pages.
DEFAULTS = {
    "CRAWL_ROBOTS_OBEY": "true",
    "CRAWL_POLITENESS_ADAPTIVE": "true",
    "CRAWL_BREAKER_FAILURES": "5",
    "CRAWL_POLITENESS_DELAY": "0",
}
SPIDER = '''\
"""TOP100榜 - 影榜 - 演示站点 (http://SITE/board/4?offset=0).

    crawl run films -o films.jsonl
"""

from crawler import Spider


class Films(Spider):
    start_urls = ["http://SITE/board/4?offset=0"]

    def parse(self, page):
        # The page has this 10 times, and it looks like the records of a list.
        for block in page.css("dl.board-wrapper > dd"):
            link = block.css("a::attr(href)").get()
            image = block.css("img::attr(data-src)").get()
            yield {  # the names and selectors are guesses: edit them
                "board_index": block.css(".board-index::text").get("").strip(),
                "link": link and page.urljoin(link),
                "image": image and page.urljoin(image),
                "name": block.css(".name a::text").get("").strip(),
                "star": block.css(".star::text").get("").strip(),
                "releasetime": block.css(".releasetime::text").get("").strip(),
                "fraction": block.css(".fraction::text").get("").strip(),
            }
        # Further pages: yield a request for each, and it is read by this method, too.
        # for url in page.links(css=".pager-main"):
        #     yield page.follow(url)
'''
TEST = '''\
"""What `spiders/films.py` makes of the page that is saved in tests/pages/films/."""

from pathlib import Path

from crawler import Request, Response
from crawler.spider.load import load
from crawler.spider.read import read_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "tests" / "pages" / "films" / "4.html"
URL = "http://SITE/board/4?offset=0"


def read():
    spider = load(str(ROOT / "spiders" / "films.py"), {})
    response = Response(URL, 200, (("Content-Type", "text/html; charset=utf-8"),), PAGE.read_bytes())
    reading = read_page(spider, response, Request(URL))
    assert reading.error is None, reading.error
    return reading


def test_the_saved_page_gives_its_items():
    items = read().items
    assert len(items) == 10
    assert items[0] == {
        "board_index": "1",
        "link": "http://SITE/films/1001",
        "image": "http://SITE/posters/1001.svg",
        "name": "盐与星轨",
        "star": "主演：裴听澜,钟离雪,北泽千景",
        "releasetime": "上映时间：1983-08-12(挪兰)",
        "fraction": "6",
    }
'''
EDITS = [
    (
        '"star": block.css(".star::text").get("").strip(),',
        '"actor": block.css(".star::text").get("").strip().removeprefix("主演："),',
    ),
    (
        '"releasetime": block.css(".releasetime::text").get("").strip(),',
        '"time": block.css(".releasetime::text").get("").strip().removeprefix("上映时间："),',
    ),
    (
        '"fraction": block.css(".fraction::text").get("").strip(),',
        '"score": "".join(block.css(".score i::text").getall()) or None,',
    ),
    ("# for url in page.links(", "for url in page.links("),
    ("#     yield page.follow(url)", "    yield page.follow(url)"),
]
# The same edits in the test, as a person makes them who has seen that the new fields are right.
EDITS_OF_TEST = [
    ('"star": "主演：', '"actor": "'),
    ('"releasetime": "上映时间：', '"time": "'),
    ('"fraction": "6"', '"score": "9.6"'),
]
# Of the demo site's own list of its films, what the edited spider is to find.
FIELDS = {"board_index": "index", "link": "link", "image": "poster", "name": "title", "actor": "actor", "time": "time",
          "score": "score"}  # fmt: skip


@pytest.fixture
def step(crawl_command, site):
    """`step("run", ...)`: the command, to its end, with what differs from run to run written as words."""

    def run(*words):
        done = crawl_command(*words, env=DEFAULTS)
        shown = site.url.removeprefix("http://")
        done.stdout = done.stdout.replace(shown, "SITE")
        told = done.stderr.replace(shown, "SITE")
        for pattern, word in (
            (r"^\d\d:\d\d:\d\d", "TIME"),
            (r"after [\d.]+ s", "after SECONDS"),
            (r"\([\d.,]+/s, ", "(RATE, "),
            (r"\d{8}-\d{6}", "RUN"),
            (r"\d workers", "WORKERS workers"),
        ):
            told = re.sub(pattern, word, told, flags=re.MULTILINE)
        done.stderr = told
        return done

    return run


def edit(path, edits):
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def test_from_nothing_to_a_file_that_opens(step, site, tmp_path):
    spider, test = tmp_path / "spiders/films.py", tmp_path / "tests/spiders/test_films.py"
    expected = [{ours: film[theirs] for ours, theirs in FIELDS.items()} for film in films(4, site.url)]

    done = step("new", "films", f"{site.url}/board/4?offset=0")
    assert (done.rc, done.stdout) == (0, "")
    assert done.stderr == dedent("""\
        crawl: tests/pages/films/4.html is the page: 13,180 bytes, as they came
        crawl: spiders/films.py is the spider; that page gives it 10 items
        crawl: tests/spiders/test_films.py is its test, and tests/pages/films/expected.json what crawl check expects
        next:
          crawl parse films tests/pages/films/4.html   # what it makes of the page, after each edit
          pytest tests/spiders/test_films.py
          crawl check films   # whether the page gives what it gave
          crawl run films -o films.jsonl
    """)
    assert spider.read_text(encoding="utf-8") == SPIDER.replace("http://SITE", site.url)
    assert test.read_text(encoding="utf-8") == TEST.replace("http://SITE", site.url)

    edit(spider, EDITS)
    edit(test, EDITS_OF_TEST)

    asked = len(site.log)
    done = step("parse", "films", "tests/pages/films/4.html")
    assert done.rc == 0, done
    lines = done.stdout.replace("SITE", site.url.removeprefix("http://")).splitlines()
    assert [json.loads(line) for line in lines] == expected[:10]
    assert done.stderr == dedent("""\
        crawl: http://SITE/board/4?offset=0 (200, text/html, 13,180 bytes): parse gave 10 items and 3 requests
          GET http://SITE/board/4?offset=10 → parse
          GET http://SITE/board/4?offset=20 → parse
          GET http://SITE/board/4?offset=90 → parse
    """)
    assert len(site.log) == asked  # a saved page asks nobody

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/spiders/test_films.py"]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (tested.returncode, tested.stdout.splitlines()[-1][:9]) == (0, "1 passed "), tested

    done = step("run", "films", "-o", "films.jsonl")
    assert (done.rc, done.stdout) == (0, "")
    assert done.stderr == dedent("""\
        TIME info     films: started, WORKERS workers (process)
        TIME info     ended: finished
        films: finished after SECONDS
          pages    10 (RATE, 133.6 kB); by status 200: 10
          items    100 in films.jsonl
    """)
    found = [json.loads(line) for line in (tmp_path / "films.jsonl").read_text(encoding="utf-8").splitlines()]
    by_rank = sorted(found, key=lambda film: int(film["board_index"]))
    assert by_rank == expected

    done = step("export", "films", "-o", "films.csv")
    assert (done.rc, done.stdout) == (0, "")
    assert done.stderr == "100 items of .crawl/films/RUN written to films.csv\n"
    with (tmp_path / "films.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == [{key: value or "" for key, value in film.items()} for film in found]

"""`crawl reparse`: pages of an old run, read by the spider of today."""

import json
import os
import subprocess
import sys

import pytest

QUICK = ("-s", "politeness.delay=0", "--pool", "thread", "-q")
SPIDER = """
from crawler import Download, Request, Spider


class Shop(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/list")
        yield Request(f"{self.site}/gone", on_failure="failed")

    def parse(self, page):
        for link in page.css("a"):
            yield page.follow(link, callback=self.parse_article)

    def parse_article(self, page):
        for article in page.css("li"):
            yield {"name": article.css("b::text").get(), "price": article.css("i::text").get(), "at": page.url}
        if page.url.endswith("3"):
            yield Download(f"{self.site}/sheet.pdf")

    def failed(self, failure):
        yield {"failed": failure.url, "kind": failure.kind}
"""
OTHER_PRICE = ('.css("i::text")', '.css("u::text")')


def article(number):
    """Three articles; only those of page 2 have another price."""
    other = "<u>0</u>" if number == 2 else f"<u>{number}0</u>"
    return "".join(f"<li><b>{number}.{one}</b><i>{number}0</i>{other}</li>" for one in range(3))


@pytest.fixture
def shop(serve):
    return serve(
        {
            "/list": "".join(f'<a href="/{number}">' for number in range(1, 5)),
            **{f"/{number}": article(number) for number in range(1, 5)},
            "/sheet.pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF"),
        }
    )


@pytest.fixture
def spider(write):
    """`spider((old, new), …)`: the spider's file, changed so."""

    def change(*changes):
        text = SPIDER
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return write("shop.py", text)

    return change


def test_only_what_has_changed_is_written_and_no_request_is_sent(shop, spider, crawl_here, tmp_path):
    spider()
    done = crawl_here("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-s", "run.keep_pages=all", "-o", "a.jsonl")
    assert done.rc == 0, done
    shop.stop()
    asked = len(shop.log)
    same = crawl_here("reparse", "shop", "-o", "none.jsonl")
    assert (same.rc, same.stdout) == (0, "")
    assert "6 pages of " in same.stderr
    assert "the same 13 items" in same.stderr
    assert (tmp_path / "none.jsonl").read_bytes() == b""

    spider(OTHER_PRICE)
    done = crawl_here("reparse", "-o", "changed.jsonl")
    assert done.rc == 0, done
    assert done.stdout == (
        f"{shop.url}/2 (parse_article): 3 changed\n"
        '  name "2.0"\n    price: "20" → "0"\n'
        '  name "2.1"\n    price: "20" → "0"\n'
        '  name "2.2"\n    price: "20" → "0"\n'
    )
    assert "3 changed, 0 added, 0 removed of 13 items, on 1 page" in done.stderr
    written = [json.loads(line) for line in (tmp_path / "changed.jsonl").read_text().splitlines()]
    assert written == [{"name": f"2.{one}", "price": "0", "at": f"{shop.url}/2"} for one in range(3)]
    assert len(shop.log) == asked

    spider(('page.css("li")', 'page.css("li")[:2]'), ('{"failed"', '{"why": 1, "failed"'))
    done = crawl_here("reparse", "-o", "-")
    assert (done.rc, len(done.stdout.splitlines())) == (0, 1)  # items alone, and what is shown goes to stderr
    assert '  - {"name":"2.2","price":"20"' in done.stderr
    assert "1 changed, 0 added, 4 removed of 9 items" in done.stderr

    spider(('"name": article', '"name": 1 / 0, "x": article'))
    done = crawl_here("reparse", "-q")
    assert (done.rc, done.stdout) == (1, "")
    assert 'shop.py", line 18, in parse_article' in done.stderr
    assert "parse_article failed on " in done.stderr
    assert "and 1 page more could not be read" in done.stderr


def test_a_run_that_was_recorded_and_one_that_was_replayed_are_read_again(shop, spider, crawl_here):
    spider()
    run = ("run", "shop.py", "-a", f"site={shop.url}", *QUICK)
    assert crawl_here(*run, "-o", "a.jsonl", "--record", "s.warc.gz", "--run-dir", "one").rc == 0
    shop.stop()
    spider(OTHER_PRICE)
    assert "3 changed" in crawl_here("reparse", "one").stderr
    assert crawl_here(*run, "-o", "b.jsonl", "--replay", "s.warc.gz", "--run-dir", "two").rc == 0
    assert "the same 13 items" in crawl_here("reparse", "two").stderr
    assert "no request has come back" in crawl_here("audit", "two").stdout
    assert crawl_here(*run[:3], "site=http://127.0.0.1:1", *QUICK, "--replay", "s.warc.gz", "--run-dir", "none").rc == 1
    assert "no request has come back" in crawl_here("audit", "none").stdout  # what is missing was no request, either


def test_only_pages_that_failed_are_kept(serve, write, crawl_here, tmp_path):
    routes = {f"/{number}": f"<a href='/{number + 1}'>" for number in range(4, 9)}
    server = serve({**routes, "/9": "end", "/3": (418, {}, "no")})
    text = """
        from crawler import Request, Spider

        class Few(Spider):
            site: str

            def start(self):
                yield Request(f"{self.site}/4")
                yield Request(f"{self.site}/3")
                yield Request(f"{self.site}/2")

            def parse(self, page):
                number = int(page.url[-1])
                yield {"number": 1 / (number - 6)}
                yield from map(page.follow, page.css("a"))
    """
    write("few.py", text)
    arguments = ("-s", "run.keep_pages=failed", "-s", "crawl.stop_after_errors=0")
    done = crawl_here("run", "few.py", "-a", f"site={server.url}", *QUICK, *arguments[:2])
    assert done.rc == 1, done
    from warcio.archiveiterator import ArchiveIterator

    [pages] = (tmp_path / ".crawl").glob("few/2*/pages.warc.gz")
    with pages.open("rb") as file:
        kept = [
            one.rec_headers.get_header("WARC-Target-URI") for one in ArchiveIterator(file) if one.rec_type == "response"
        ]
    assert sorted(kept) == [f"{server.url}/6"]
    server.stop()
    write("few.py", text.replace("number - 6", "number - 60"))
    done = crawl_here("reparse")
    assert done.rc == 0, done
    assert f"{server.url}/6 (parse): 1 added" in done.stdout


def test_a_run_without_pages_says_how_to_keep_them(shop, spider, crawl_here):
    spider()
    assert crawl_here("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-o", "a.jsonl").rc == 0
    done = crawl_here("reparse")
    assert done.rc == 2
    assert "has no pages that could be read again" in done.stderr
    assert "-s run.keep_pages=all" in done.stderr
    assert crawl_here("reparse", "nothing").rc == 2


def test_items_belong_together_that_are_alike(shop, spider, crawl_here):
    """Not those that stand in the same place: a further one comes first, and has nothing of any."""
    spider()
    run = ("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-s", "run.keep_pages=all")
    assert crawl_here(*run).rc == 0
    spider(
        ('for article in page.css("li"):', 'yield {"extra": 1}\n        for article in page.css("li"):'), OTHER_PRICE
    )
    done = crawl_here("reparse")
    assert "3 changed, 4 added, 0 removed of 17 items, on 4 pages" in done.stderr, done
    assert "/2 (parse_article): 3 changed, 1 added\n" in done.stdout
    assert '  name "2.0"\n    price: "20" → "0"\n' in done.stdout


def test_callbacks_that_are_gone_leave_nothing_the_same(shop, spider, crawl_here):
    spider()
    run = ("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-s", "run.keep_pages=all")
    assert crawl_here(*run).rc == 0
    spider(("def parse_article(", "def parse_text("), ("def failed(", "def no("))
    done = crawl_here("reparse", "-q")
    assert done.rc == 1
    assert "no items; " in done.stderr.splitlines()[-1]


def test_callbacks_have_no_network(shop, spider, crawl_here):
    spider()
    run = ("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-s", "run.keep_pages=all")
    assert crawl_here(*run).rc == 0
    asks = f'__import__("urllib.request").request.urlopen("{shop.url}/list")'
    spider(("        for link in", f"        {asks}\n        for link in"))
    asked = len(shop.log)
    done = crawl_here("reparse", "-q")
    assert (done.rc, len(shop.log)) == (1, asked)
    assert "crawl reparse has no network, and 127." in done.stderr


def test_a_file_is_whole_whoever_stops_looking(shop, spider, crawl_here, tmp_path):
    spider()
    run = ("run", "shop.py", "-a", f"site={shop.url}", *QUICK, "-s", "run.keep_pages=all")
    assert crawl_here(*run).rc == 0
    spider(('"price": article.css("i::text").get()', '"price": 0'))
    reading, writing = os.pipe()
    os.close(reading)  # `| head` that has seen enough
    command = [sys.executable, "-m", "crawler", "reparse", "-o", "changed.jsonl"]
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run(command, cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=30)
    assert (done.returncode, "12 changed" in done.stderr) == (0, True), done
    assert len((tmp_path / "changed.jsonl").read_text().splitlines()) == 12

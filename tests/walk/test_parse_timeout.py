"""A callback that hangs costs its own page and nothing else."""

import time

import pytest

from crawler import Request, Spider

HANGING = """
    import re

    from crawler import Request, Spider

    class Pages(Spider):
        site: str
        settings = {"politeness": {"per_host": 4, "delay": 0}}

        def start(self):
            for number in range(30):
                yield Request(f"{self.site}/{number}")

        def parse(self, page):
            if page.url.endswith("/7"):
                re.match(r"(?:a|a)+$", "a" * 100 + "b")
            yield {"url": page.url}
"""


def test_the_page_whose_pattern_never_ends_is_an_error_and_the_others_are_stored(crawl_command, serve, write, tmp_path):
    site = serve({"*": "<p>x"}).url
    spider = write("pages.py", HANGING)
    done = crawl_command("run", spider, "-a", f"site={site}", "-o", "out.jsonl", "-s", "crawl.parse_timeout=0.5")
    assert done.rc == 1, done
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 29
    assert "TimeoutError: parse took longer than 0.5 s (crawl.parse_timeout) at pages.py:16" in done.stderr


class Hangs(Spider):
    site: str
    where: str

    def start(self):
        yield Request(self.site + "/1", on_failure=self.failed)
        yield Request(self.site + "/missing", on_failure=self.failed)

    def parse(self, page):
        yield {"url": page.url}

    def failed(self, failure):
        self.hang("failed")

    def blocked(self, page):
        self.hang("blocked")
        return False

    def closing(self, report):
        self.hang("closing")

    def hang(self, name):
        if name == self.where:
            time.sleep(60)


@pytest.mark.parametrize("where", ["failed", "blocked", "closing"])
def test_whatever_else_hangs_is_an_error_too(walk, serve, where):
    report = walk(Hangs, arguments={"site": serve({"/1": "x"}).url, "where": where}, crawl={"parse_timeout": 0.1})
    assert report.item_count == 1
    assert report.exit_code == 1
    assert {error.kind for error in report.page_errors} == {"TimeoutError"}
    assert {error.message for error in report.page_errors} == {f"{where} took longer than 0.1 s (crawl.parse_timeout)"}


def test_a_start_that_waits_for_its_source_is_not_cut(walk, serve):
    class Slow(Hangs):
        where: str = ""

        def start(self):
            time.sleep(0.3)
            yield Request(self.site + "/1")

    report = walk(Slow, arguments={"site": serve({"/1": "x"}).url}, crawl={"parse_timeout": 0.1})
    assert (report.item_count, report.exit_code) == (1, 0)


def test_a_pattern_of_the_settings_is_cut_as_well(serve, walk):
    from crawler import Spider

    server = serve({"/": f"<a href='/{'a' * 60}!'>x</a><a href='/aa'>y</a>", "*": "<p>"})

    class Links(Spider):
        start_urls = [f"{server.url}/"]

        def parse(self, page):
            yield {"url": page.url.removeprefix(server.url)}
            yield from map(page.follow, page.links())

    report = walk(Links, scope={"include": ["^[^/]*//[^/]*/$", "/(a+)+$"]}, crawl={"parse_timeout": 0.2})
    assert [item["url"] for item in report.items] == ["/", "/aa"]
    assert report.dropped == {"scope": 1}

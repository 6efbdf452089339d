"""Whole crawls whose items are declared, go through pipelines, and have keys."""

import json
from dataclasses import dataclass

import pytest

from crawler import Dedupe, DropItem, Request, Spider, clean, number
from crawler.errors import SpiderLoadError, UsageError


@dataclass
class Film:
    title: str
    score: float
    votes: int = 0


class Films(Spider):
    """A page has a line per film: title|score|votes."""

    site: str
    item = Film
    processors = {"title": clean, "votes": number}

    def start(self):
        yield Request(f"{self.site}/1")
        yield Request(f"{self.site}/2")

    def parse(self, page):
        for line in page.text.splitlines():
            title, score, votes = line.split("|")
            yield {"title": title, "score": score, "votes": votes}


@pytest.fixture
def films(serve):
    return serve({"/1": " a |9.5|2,012\nb|n/a|1\nc|7|3", "/2": "a|9.5|2,012\nd|1|many"})


def test_items_are_converted_and_wrong_ones_are_left_out_and_told(walk, films):
    report = walk(Films, arguments={"site": films.url})
    assert report.items == [
        {"title": "a", "score": 9.5, "votes": 2012},
        {"title": "c", "score": 7.0, "votes": 3},
        {"title": "a", "score": 9.5, "votes": 2012},
    ]
    assert report.item_errors == 2
    (first_url, first), (_, second) = report.item_failures
    assert first_url == f"{films.url}/1"
    assert "Film.score = 'n/a' from parse: expected `float`, got `str` at tests/walk/test_items.py:" in first
    assert second.startswith("votes = 'many' from parse: ValueError: 'many' is no number")
    assert report.exit_code == 1
    assert "2 items could not be stored" in report.summary()
    assert "Film.score = 'n/a' from parse" in report.summary()


def test_errors_of_items_are_allowed_as_far_as_max_errors_goes(walk, films):
    assert walk(Films, arguments={"site": films.url}, limits={"max_errors": 2}).exit_code == 0


def test_what_a_page_puts_into_a_field_cannot_write_on_the_screen(walk, serve):
    hostile = serve({"/1": "a|\x1b[2J\u202e|1", "/2": ""})
    summary = walk(Films, arguments={"site": hostile.url}).summary()
    assert "\x1b" not in summary
    assert "\u202e" not in summary
    assert "Film.score = " in summary


def test_pipelines_and_keys(walk, films, capsys):
    log = []

    class Cheap:
        def open(self, spider):
            log.append(f"open for {spider.site}")

        def process(self, film, page):
            log.append(f"{film.title} of {page.url.removeprefix(films.url)}")
            if film.title == "c":
                raise DropItem("cheap")
            return film

        def close(self):
            log.append("closed")

    class Unique(Films):
        pipelines = [Cheap]
        unique_by = "title"

    report = walk(Unique, arguments={"site": films.url}, limits={"max_errors": 9})
    assert [item["title"] for item in report.items] == ["a"]
    assert report.items_dropped == {"cheap": 1, "duplicate title": 1}
    assert "2 dropped: 1 cheap, 1 duplicate title" in report.summary()
    assert log == [f"open for {films.url}", "a of /1", "c of /1", "a of /2", "closed"]


def test_an_exception_in_a_pipeline_is_an_error_of_its_item(walk, films):
    def fails(film):
        return film if film.title != "c" else {}["missing"]

    class Failing(Films):
        pipelines = [fails]

    report = walk(Failing, arguments={"site": films.url})
    assert [item["title"] for item in report.items] == ["a", "a"]
    assert report.item_errors == 3
    assert any("Film in fails from parse: KeyError: 'missing' at " in reason for _, reason in report.item_failures)


def test_a_key_is_not_taken_by_an_item_that_is_not_stored(walk, serve):
    """It may be that a later pipeline fails, or that it cannot be written."""
    server = serve({"/1": "1", "/2": "2", "/3": "3"})

    def fails(item):
        return item if item["page"] != 1 else 1 / 0

    class Same(Spider):
        start_urls = [f"{server.url}/{page}" for page in (1, 2, 3)]
        settings = {"politeness.per_host": 1}
        pipelines = [Dedupe("id"), fails]

        def parse(self, page):
            yield {"id": "x", "page": int(page.text), "value": object() if page.text == "2" else None}

    report = walk(Same)
    assert [item["page"] for item in report.items] == [3]
    assert report.item_errors == 2
    assert not report.items_dropped


def test_spiders_of_one_run_have_stages_of_their_own(walk, films):
    class Loose(Spider):
        site: str
        unique_by = "title"

        def start(self):
            yield Request(f"{self.site}/1")

        def parse(self, page):
            yield {"title": "a", "score": "any"}
            yield {"title": "a", "score": "any"}

    report = walk(Films, Loose, arguments={"site": films.url}, limits={"max_errors": 9})
    assert report.items.count({"title": "a", "score": "any"}) == 1
    assert report.item_count == 4


def test_pipelines_of_the_settings(walk, films, write, tmp_path):
    write("pipes.py", "class Mark:\n    def process(self, item):\n        return {'title': item.title, 'mark': True}")
    report = walk(
        Films,
        arguments={"site": films.url},
        items={"pipelines": [f"{tmp_path}/pipes.py:Mark"]},
        limits={"max_items": 1},
    )
    assert report.items == [{"title": "a", "mark": True}]


def test_a_module_declares_as_a_class_does(walk, serve, write):
    server = serve({"/": "x"})
    path = write(
        "plain.py",
        f"""
        from typing import TypedDict

        class Row(TypedDict):
            n: int

        start_urls = ["{server.url}/"]
        item = Row
        unique_by = "n"
        processors = {{"n": str.strip}}
        pipelines = [lambda row: {{**row, "piped": True}}]

        def parse(page):
            yield {{"n": " 1 "}}
            yield {{"n": "1 "}}
        """,
    )
    report = walk(str(path))
    assert report.items == [{"n": 1, "piped": True}]
    assert report.items_dropped == {"duplicate n": 1}


def test_what_cannot_be_meant_ends_it_before_anything_runs(films, write, crawl_here, tmp_path):
    write(
        "films.py",
        f"""
        from crawler import Spider

        class Films(Spider):
            start_urls = ["{films.url}/1"]
            item = 5

            def parse(self, page):
                yield {{}}
        """,
    )
    done = crawl_here("run", "films.py")
    assert (done.rc, len(films.log)) == (2, 0)
    assert "item = 5 is no class of items" in done.stderr
    assert not (tmp_path / ".crawl").exists()


def test_a_pipeline_that_cannot_open_ends_the_run_before_anything_is_fetched(walk, films):
    class Down:
        def open(self, spider):
            raise ConnectionError("no database")

        def process(self, item):
            return item

    class Unlucky(Films):
        pipelines = [Down]

    with pytest.raises(SpiderLoadError, match=r"Down\.open failed: ConnectionError: no database"):
        walk(Unlucky, arguments={"site": films.url})
    assert not films.log


def test_a_pipeline_that_cannot_close_makes_the_exit_code_1(walk, films):
    class Leaves:
        def process(self, item):
            return item

        def close(self):
            raise OSError("still open")

    class Unlucky(Films):
        pipelines = [Leaves]

    report = walk(Unlucky, arguments={"site": films.url}, limits={"max_errors": 2})
    assert report.exit_code == 1
    assert "in close: still open" in report.summary()


def test_fields_are_checked_against_the_class_at_once(walk, films):
    class Typo(Films):
        unique_by = "titel"

    with pytest.raises(UsageError, match="names the field 'titel'"):
        walk(Typo, arguments={"site": films.url})


def test_a_page_with_a_wrong_item_is_read_again_by_a_later_run(serve, write, crawl_command):
    """It has not changed, but the spider may have."""
    server = serve({"/": "n/a"})
    text = f"""
        from __future__ import annotations
        from dataclasses import dataclass
        from crawler import Spider

        @dataclass
        class Row:
            score: {{kind}}
            others: list[Row] | None = None

        class Rows(Spider):
            start_urls = ["{server.url}/"]
            item = Row

            def parse(self, page):
                yield {{{{"score": page.text}}}}
        """
    write("rows.py", text.format(kind="float"))
    assert crawl_command("run", "rows.py").rc == 1
    write("rows.py", text.format(kind="str"))
    done = crawl_command("run", "rows.py", "--since", "last", "-o", "-")
    assert done.rc == 0, done.stderr
    assert json.loads(done.stdout) == {"score": "n/a", "others": None}


def test_a_run_that_ends_in_the_middle_of_a_page_takes_no_keys(serve, write, crawl_here, tmp_path):
    server = serve({"/": "x"})
    write(
        "rows.py",
        f"""
        from pathlib import Path
        from crawler import Spider
        from crawler.errors import StopNow

        def stop_once(item):
            mark = Path("{tmp_path}/mark")
            if item["n"] == 2 and not mark.exists():
                mark.touch()
                raise StopNow
            return item

        class Rows(Spider):
            start_urls = ["{server.url}/"]
            settings = {{"crawl.pool": "inline"}}
            pipelines = [stop_once]
            unique_by = "n"

            def parse(self, page):
                yield from ({{"n": 1}}, {{"n": 2}})
        """,
    )
    crawl_here("run", "rows.py", "-o", "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == ""
    done = crawl_here("resume")
    assert done.rc == 0, done.stderr
    assert (tmp_path / "out.jsonl").read_text() == '{"n":1}\n{"n":2}\n'


def test_callbacks_may_have_these_names(walk, serve):
    server = serve({"*": "<p>"})

    class Names(Spider):
        def start(self):
            for name in ("item", "processors", "pipelines", "unique_by"):
                yield Request(f"{server.url}/{name}", callback=name)

        def item(self, page):
            yield {"url": page.url.rpartition("/")[2]}

        processors = pipelines = unique_by = item

    assert len(walk(Names).items) == 4

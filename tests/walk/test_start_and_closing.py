"""The two ends of a crawl in the spider's own code: `start` and `closing`."""

import sqlite3
import time
from contextlib import closing
from itertools import count

import pytest

from crawler import Request, Spider


def test_an_endless_start_is_read_as_needed(walk, serve):
    server = serve({"*": "x"})
    asked = []

    class Endless(Spider):
        def start(self):
            for number in count():
                asked.append(number)
                yield Request(f"{server.url}/{number}")

        def parse(self, page):
            yield {"url": page.url}

    report = walk(Endless, limits={"max_pages": 300})
    assert len(report.items) == 300
    assert 300 <= len(asked) < 1500


@pytest.mark.parametrize("limit", [{"max_time": 0.3}])
def test_an_endless_start_that_gives_nothing_new_can_be_ended(walk, serve, limit):
    server = serve({"*": "x"})

    class Stuck(Spider):
        def start(self):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                yield Request(server.url)

        def parse(self, page):
            yield {"url": page.url}

    report = walk(Stuck, limits=limit)
    assert report.seconds < 5


def test_a_start_url_that_is_none_is_an_error_and_the_others_are_fetched(walk, serve):
    server = serve({"*": "x"})

    class Mixed(Spider):
        start_urls = (f" {server.url}/a ", "//no.scheme/", "http://[bad/", f"{server.url}/b")

        def parse(self, page):
            yield {"url": page.url[-1]}

    report = walk(Mixed)
    assert sorted(item["url"] for item in report.items) == ["a", "b"]
    assert report.exit_code == 1
    (error,) = report.page_errors
    assert (error.callback, error.url) == ("start", "//no.scheme/")
    (failure,) = report.failures
    assert (failure.url, failure.kind, failure.error) == ("http://[bad/", "invalid", True)


def test_a_start_that_raises_keeps_what_it_gave_before(walk, serve):
    server = serve({"*": "x"})

    class Faulty(Spider):
        def start(self):
            yield Request(server.url + "/a")
            raise OSError("no list of films")

        def parse(self, page):
            yield {"url": page.url[-1]}

    report = walk(Faulty)
    assert report.items == [{"url": "a"}]
    (error,) = report.page_errors
    assert (error.callback, error.kind, error.message) == ("start", "OSError", "no list of films")
    assert "test_start_and_closing.py:" in error.where
    assert report.exit_code == 1


def test_a_start_that_raises_at_once_ends_with_1(walk):
    class Faulty(Spider):
        def start(self):
            raise RuntimeError("nothing to do")

    report = walk(Faulty)
    assert (report.exit_code, report.pages, len(report.page_errors)) == (1, 0, 1)


def test_start_may_be_a_list(walk, serve):
    server = serve({"*": "x"})

    class Listed(Spider):
        def start(self):
            return [Request(server.url)]

        def parse(self, page):
            return {"url": page.url}

    assert len(walk(Listed).items) == 1


def test_closing_gets_the_report(walk, serve):
    server = serve({"*": "x"})
    told = []

    class Told(Spider):
        start_urls = [server.url]

        def parse(self, page):
            yield {"url": page.url}

        def closing(self, report):
            told.append(report)

    report = walk(Told)
    assert len(told) == 1
    assert (told[0].item_count, told[0].reason, told[0].exit_code) == (1, "finished", 0)
    assert told[0].items == report.items


def test_closing_that_raises_makes_the_exit_code_1_and_loses_nothing(walk, serve, tmp_path):
    server = serve({"*": "x"})

    class Faulty(Spider):
        start_urls = [server.url]

        def parse(self, page):
            yield {"url": page.url}

        def closing(self, report):
            raise ZeroDivisionError("in closing")

    out = tmp_path / "out.jsonl"
    report = walk(Faulty, out=out)
    assert len(out.read_text().splitlines()) == 1
    assert [(error.callback, error.kind) for error in report.page_errors] == [("closing", "ZeroDivisionError")]
    assert report.exit_code == 1


def test_a_spider_that_changes_the_working_folder_leaves_its_run_and_outputs_where_they_are(
    serve, write, crawl_command, tmp_path
):
    server = serve({"*": "<p>x"})
    (tmp_path / "elsewhere").mkdir()
    write(
        "moves.py",
        f"""
        import os

        from crawler import Request


        def start():
            os.chdir("elsewhere")
            for number in range(3):
                yield Request(f"{server.url}/{{number}}")


        def parse(page):
            yield {{page.url[-1]: 1}}
        """,
    )
    done = crawl_command("run", "moves.py", "--run-dir", "kept", "-o", "out.csv", "-s", "politeness.delay=0")
    assert done.rc == 0, done
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4
    assert (tmp_path / "kept" / "report.txt").exists()
    assert not (tmp_path / "kept" / "control.json").exists()
    assert not list((tmp_path / "elsewhere").iterdir())
    with closing(sqlite3.connect(tmp_path / "kept" / "ledger.db")) as db:
        assert [path for (path,) in db.execute("SELECT path FROM exports")] == [str(tmp_path / "out.csv")]

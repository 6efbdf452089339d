"""Whole runs: what stands in the report, in the log and in the run's folder, and how they end."""

import json
import sys

import pytest

from crawler.demo import pages as demo
from crawler.observe.drift import Drift, Watched
from crawler.observe.events import PageYielded
from crawler.reading import Reading
from crawler.spider.read import read_page
from tests.drift.pages import page
from tests.drift.spiders import SPIDERS

QUICK = ("-s", "politeness.delay=0", "--pool", "thread", "--workers", "1")
PAGES = 12


class Films:
    """A site with a list of films over some pages, as it is now. `changed`: from which page on it is otherwise."""

    def __init__(self, serve):
        self.changed = PAGES
        self.blocked = ()
        self.latest = "Film"
        self.server = serve({"*": self.answer})

    def answer(self, hit):
        number = int(hit.path.strip("/") or 0)
        if number in self.blocked:
            return demo.verification()
        tag = "strong" if number >= self.changed else "b"
        films = "".join(
            f"<li><{tag}>{self.latest if number + 1 == PAGES else 'Film'} {number}.{place}</{tag}><i>9.{place}</i></li>"
            for place in range(5)
        )
        following = f'<a class="next" href="/{number + 1}">more</a>' if number + 1 < PAGES else ""
        return f"<html><title>Films</title><ul>{films}</ul>{following}</html>"


@pytest.fixture
def site(serve):
    return Films(serve)


@pytest.fixture
def run(crawl_here, write, site):
    """`run(*flags)`: the spider over the site. `run.text` is the spider."""
    text = f"""
        from crawler import Expect, Spider

        class Films(Spider):
            start_urls = ["{site.server.url}/0"]

            def parse(self, page):
                for film in page.css("li"):
                    yield {{"title": film.css("b::text").get(), "score": film.css("i::text").get()}}
                for url in page.links(css="a.next"):
                    yield page.follow(url)
        """

    def start(*flags):
        write("films.py", start.text)
        return crawl_here("run", "films.py", "-o", "films.jsonl", *QUICK, *flags)

    start.text = text
    return start


def alarms(tmp_path):
    """Those of the latest run, and its folder."""
    latest = max((tmp_path / ".crawl" / "films").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    return json.loads((latest / "report.json").read_text())["drift"], latest


def test_a_field_that_empties_is_told_with_its_line_and_both_pages(run, site, tmp_path):
    assert run().rc == 0
    site.changed = 4
    done = run()
    assert done.rc == 1
    [alarm], folder = alarms(tmp_path)
    assert (alarm["callback"], alarm["what"], alarm["field"]) == ("parse", "empty field", "title")
    assert alarm["after"] <= 5
    assert (alarm["good_url"], alarm["bad_url"]) == (f"{site.server.url}/3", f"{site.server.url}/4")
    assert "<b>Film 3.0</b>" in (tmp_path / alarm["good_file"]).read_text()
    assert "<strong>Film 4.0</strong>" in (tmp_path / alarm["bad_file"]).read_text()
    assert (tmp_path / alarm["bad_file"]).parent == folder / "drift"
    assert alarm["where"] == "films.py:9"
    assert "  drift    1 alarm" in done.stderr
    assert "films.py:9: css('b::text') found 5 on the good page, nothing on the bad one" in done.stderr
    assert "exit code 1: 1 drift alarm: parse: title is empty; it was filled on 12 of 12 pages" in done.stderr
    assert "error    drift: parse: title is empty" in done.stderr
    assert "run it again with --accept-drift" in done.stderr
    assert not (folder / "profile.json").exists()  # nothing to compare with


@pytest.mark.parametrize("flags", [(), ("--parse-in", "pool")])
def test_a_field_inside_another_that_empties_is_told_likewise(run, site, tmp_path, flags):
    begin = run.text.index("for film in")
    run.text = (
        run.text[:begin]
        + """offers = [
                    {
                        "title": film.css("b::text").get(),
                        "score": film.css("i::text").get(),
                    }
                    for film in page.css("li")
                ]
                yield {"url": page.url, "board": {"offers": offers}}
                for url in page.links(css="a.next"):
                    yield page.follow(url)
        """
    )
    assert run(*flags).rc == 0
    site.changed = 4
    done = run(*flags)
    assert done.rc == 1
    [alarm], _ = alarms(tmp_path)
    assert (alarm["what"], alarm["field"], alarm["where"]) == ("empty field", "board.offers[].title", "films.py:10")
    assert alarm["bad_url"] == f"{site.server.url}/4"
    assert "films.py:10: css('b::text') found 5 on the good page, nothing on the bad one" in done.stderr
    assert "drift: parse: board.offers[].title is empty; it was filled on 12 of 12 pages" in done.stderr
    if not flags:
        assert alarm["good_url"] == f"{site.server.url}/3"
    run.text = run.text.replace(
        "def parse", 'expect = Expect(required="board.offers[].title")\n            def parse', 1
    )
    assert run(*flags).rc == 1
    [alarm], _ = alarms(tmp_path)
    assert (alarm["what"], alarm["field"], alarm["after"]) == ("expected", "board.offers[].title", 1)


def test_it_is_the_same_where_workers_read_the_pages(run, site, tmp_path):
    assert run("--parse-in", "pool").rc == 0
    site.changed = 4
    assert run("--parse-in", "pool").rc == 1
    [alarm], _ = alarms(tmp_path)
    assert (alarm["what"], alarm["field"], alarm["where"]) == ("empty field", "title", "films.py:9")
    assert "<b>Film 0.0</b>" in (tmp_path / alarm["good_file"]).read_text()
    assert "<strong>Film 4.0</strong>" in (tmp_path / alarm["bad_file"]).read_text()
    site.changed, site.blocked = PAGES, (4,)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "verification", lambda: "<title>Hold on</title><p>Hold the button to go on</p>")
        assert run("--parse-in", "pool").rc == 1
        [alarm], _ = alarms(tmp_path)
        assert alarm["what"] == "no links"
        assert (tmp_path / alarm["bad_file"]).read_text() == demo.verification()
        assert "<b>Film 0.0</b>" in (tmp_path / alarm["good_file"]).read_text()


def test_a_spider_may_change_the_working_folder(run, site, tmp_path):
    run.text = run.text.replace("for film", 'import os\n                os.chdir("/")\n                for film')
    assert run().rc == 0
    site.changed = 4
    assert run().rc == 1
    [alarm], _ = alarms(tmp_path)
    assert len(list(tmp_path.glob(".crawl/films/*/good/parse.html"))) == 1
    assert "<b>Film 3.0</b>" in (tmp_path / alarm["good_file"]).read_text()


def test_max_errors_does_not_excuse_it(run, site):
    assert run().rc == 0
    site.changed = 0
    assert run("--max-errors", "100").rc == 1


def test_strict_stops_the_run_and_it_can_go_on(run, site, crawl_here, tmp_path):
    run.text = run.text.replace("def parse", 'settings = {"crawl.concurrency": 1}\n            def parse', 1)
    assert run().rc == 0
    site.changed = 2
    site.server.log.clear()
    done = run("--strict")
    assert done.rc == 1
    assert "films: drift after" in done.stderr
    assert "when the spider is repaired, go on with it: crawl resume" in done.stderr
    assert len(site.server.log) <= 2 + 5 + 1
    site.changed = PAGES
    done = crawl_here("resume", "films")
    assert done.rc == 1  # what was read before is as it is
    [alarm], folder = alarms(tmp_path)
    assert alarm["field"] == "title"
    assert len({hit.path for hit in site.server.log}) == PAGES
    assert not (folder / "profile.json").exists()


def test_what_is_right_as_it_is_now_is_accepted(run, site, tmp_path):
    assert run().rc == 0
    site.changed = 0
    assert run().rc == 1
    assert run("--accept-drift").rc == 0
    assert json.loads((alarms(tmp_path)[1] / "profile.json").read_text())[0]["is_first"]
    assert run().rc == 0
    site.changed = PAGES  # the way back is as far
    assert run().rc == 0  # a field that is filled again is no harm
    site.changed = 0
    assert run().rc == 0  # and empty it was, too


def test_with_since_few_pages_are_read_and_that_is_no_alarm(run, site, tmp_path):
    assert run().rc == 0
    site.latest = "New film"
    assert run("--since", "last").rc == 0
    assert len((tmp_path / "films.jsonl").read_text().splitlines()) == 5


def test_pages_are_not_read_again_where_that_is_not_wanted(run, site, tmp_path):
    assert run().rc == 0
    site.changed = 0
    assert run("-s", "drift.reread=false").rc == 1
    [alarm], _ = alarms(tmp_path)
    assert (alarm["where"], alarm["field"]) == ("", "title")


def test_a_module_may_expect_too(crawl_here, write, site, tmp_path):
    write(
        "films.py",
        f"""
        from crawler import Expect

        start_urls = ["{site.server.url}/0"]
        expect = Expect(items_per_page=4)

        def parse(page):
            for film in page.css("li"):
                yield {{"title": film.css("b::text").get()}}
        """,
    )
    assert crawl_here("run", "films.py", *QUICK).rc == 1
    assert alarms(tmp_path)[0][0]["message"] == "gives 5 items; items_per_page expects 4"


def test_no_drift_compares_and_learns_nothing_and_costs_nothing(run, site, tmp_path, monkeypatch):
    assert run().rc == 0
    monkeypatch.setattr("crawler.observe.events.PageYielded", None)
    site.changed = 0
    assert run("--no-drift").rc == 0
    found, folder = alarms(tmp_path)
    assert found == []
    assert not (folder / "profile.json").exists()


def test_a_trail_that_breaks_after_its_first_page(run, tmp_path):
    assert run().rc == 0
    run.text = run.text.replace("a.next", "a.following")
    assert run().rc == 1
    [alarm], _ = alarms(tmp_path)
    assert alarm["what"] == "no links"
    assert alarm["message"] == "leads nowhere any more, and 1 page is all there is; the last good run had 12"
    assert alarm["selector"].startswith("links('a.following') finds nothing on the last good page either")


def test_a_run_that_is_stopped_is_not_weighed(run, crawl_command, write, tmp_path):
    assert run().rc == 0
    lines = ("import os, signal", "os.kill(os.getpid(), signal.SIGINT)", "return", "for film")
    write("films.py", run.text.replace("for film", f"\n{' ' * 16}".join(lines)))
    assert crawl_command("run", "films.py", *QUICK).rc == 130
    assert alarms(tmp_path)[0] == []


def test_the_first_run_of_all_is_compared_with_what_is_declared(run, site, tmp_path):
    site.changed = 3
    run.text = run.text.replace("def parse", 'expect: Expect = Expect(required="title")\n            def parse')
    done = run()
    assert done.rc == 1
    assert "--accept-drift" not in done.stderr
    [alarm], _ = alarms(tmp_path)
    assert (alarm["what"], alarm["field"], alarm["after"], alarm["pages"]) == ("expected", "title", 1, PAGES - 3)
    assert alarm["bad_url"] == f"{site.server.url}/3"


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("['title']", "is neither an Expect nor one for each callback"),
        ('{"parse_film": Expect()}', "has no callback 'parse_film'"),
        ("Expect(items_per_page=(3, 1))", "no page can have so many items"),
        ("Expect(requires='title')", "requires"),
    ],
)
def test_an_expectation_that_cannot_be_meant_is_a_mistake_of_usage(run, expect, told):
    run.text = run.text.replace("def parse", f"expect = {expect}\n            def parse")
    done = run()
    assert done.rc == 2
    assert told in done.stderr
    assert "crawler/" not in done.stderr  # of a traceback only the user's part


def test_a_verification_page_among_good_ones(run, site, tmp_path):
    """Nothing of it is an item, it is kept, and the run is no success."""
    site.blocked = (PAGES - 1,)
    done = run()
    assert done.rc == 1
    [alarm], folder = alarms(tmp_path)
    assert alarm["what"] == "blocked"
    assert (tmp_path / alarm["bad_file"]).read_text() == demo.verification()
    assert (tmp_path / alarm["bad_file"]).parent == folder / "drift"
    items = [json.loads(line) for line in (tmp_path / "films.jsonl").read_text().splitlines()]
    assert len(items) == 5 * (PAGES - 1)
    assert all(item["title"].startswith("Film ") for item in items)
    assert "blocked" in done.stderr


def test_a_verification_page_at_the_start(run, site, tmp_path):
    site.blocked = (0,)
    assert run().rc == 4
    [alarm], _ = alarms(tmp_path)
    assert (tmp_path / alarm["bad_file"]).read_text() == demo.verification()


def test_a_page_that_no_signature_knows_is_told_all_the_same(run, site, tmp_path, monkeypatch):
    assert run().rc == 0
    monkeypatch.setattr(demo, "verification", lambda: "<title>Hold on</title><p>Hold the button to go on</p>")
    run.text = run.text.replace(
        """for url in page.links(css="a.next"):
                    yield page.follow(url)""",
        f"""number = int(page.url.rsplit("/", 1)[1]) + 1
                if number < {PAGES}:
                    yield page.follow(f"/{{number}}")""",
    )
    site.blocked = tuple(range(5, PAGES))
    assert run().rc == 1
    alarm = alarms(tmp_path)[0][0]
    assert (alarm["what"], alarm["bad_url"], alarm["after"]) == ("no items", f"{site.server.url}/5", 5)
    assert alarm["hint"] == "the page is titled 'Hold on'"


def test_a_list_that_is_cut_off_is_told_and_not_learned(run, site, tmp_path, monkeypatch):
    assert run().rc == 0
    monkeypatch.setattr(demo, "verification", lambda: "<title>Hold on</title><p>Hold the button to go on</p>")
    site.blocked = (4,)
    assert run("--max-pages", "3").rc == 0
    for _ in range(2):
        done = run()
        assert done.rc == 1
        [alarm], folder = alarms(tmp_path)
        assert (alarm["callback"], alarm["what"]) == ("parse", "no links")
        assert alarm["message"].endswith("after 4 pages; the last good run had 12")
        assert (alarm["good_url"], alarm["bad_url"]) == (f"{site.server.url}/3", f"{site.server.url}/4")
        assert (tmp_path / alarm["bad_file"]).read_text() == demo.verification()
        assert "Film 3.0" in (tmp_path / alarm["good_file"]).read_text()
        assert not (folder / "profile.json").exists()


def test_what_is_told_cannot_write_to_the_terminal(run, site):
    assert run().rc == 0
    run.text = run.text.replace('film.css("b::text").get()', '"\\x1b[31mred\\x1b[0m"')
    run.text = run.text.replace("def parse", 'expect = Expect(matches={"title": "Film.*"})\n            def parse')
    done = run()
    assert done.rc == 1
    assert "\x1b[31m" not in done.stderr


@pytest.mark.parametrize(("kind", "most"), [("board", 30), ("film", 70), ("nothing inside", 70)])
def test_a_page_as_always_costs_few_calls(kind, most):
    """Times are on a page of their own; this does not depend on the machine."""
    heard = []
    for number in range(1, 19):
        request, response = page("film" if kind == "nothing inside" else kind, number)
        reading = read_page(SPIDERS.get(kind, SPIDERS["film"])(), response, request)
        if kind == "nothing inside":
            reading = Reading([{"film": {"title": "One", "year": None}}] * 50)
        heard.append(PageYielded(request, "parse", response, reading))
    before = Drift([Watched(kind)])
    for one in heard:
        before.hear(one)
    drift = Drift([Watched(kind, None, (before.profiles()[0][0],))])
    for one in heard:
        drift.hear(one)
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        drift.hear(heard[0])
    finally:
        sys.setprofile(None)
    assert calls < most

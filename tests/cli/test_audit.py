"""`crawl audit`: real crawls keep what they promise, and ledgers of crawls that did not are found out."""

import json
import re

import msgspec
import pytest

from crawler.frontier.ledger import Ledger
from crawler.request import Request
from crawler.runs.folder import RunFolder
from crawler.runs.record import Record
from crawler.settings import flat, merge


@pytest.fixture
def polite(serve, write):
    """A spider of 24 pages on each of two hosts."""
    server = serve({"*": "<p>x", "/robots.txt": (200, {"Content-Type": "text/plain"}, "User-agent: *\nDisallow:\n")})
    other = server.url.replace("127.0.0.1", "localhost")
    write(
        "polite.py",
        f"""
        start_urls = [f"{{site}}/{{number}}" for number in range(24) for site in ("{server.url}", "{other}")]

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    return server


@pytest.mark.parametrize("per_host", [1, 2])
def test_a_real_crawl_keeps_its_promises(per_host, polite, crawl_here):
    options = ("--per-host", per_host, "--delay", "0.05", "-s", "robots.obey=true", "-q")
    assert crawl_here("run", "polite.py", "--run-dir", "kept", *options).rc == 0
    done = crawl_here("audit", "kept", "--json")
    assert done.rc == 0, done
    told = json.loads(done.stdout)
    assert (told["kept"], told["requests"], told["host_count"], told["without_end"]) == (True, 50, 2, 0)
    for host in told["hosts"]:
        assert (host["permits"], host["delay"], host["requests"]) == (per_host, 0.05, 25)
        assert 1 <= host["most"] <= per_host
        assert 0.049 <= host["gap"] < 1


class Made:
    """A run made by hand."""

    def __init__(self, path, tables=(), robots=False, **politeness):
        path.mkdir()
        self.folder = RunFolder(path)
        self.ledger = Ledger(self.folder.ledger)
        fields = {"politeness": {"per_host": 1, "delay": 1.0, "jitter": 0.0, **politeness}, "host": list(tables)}
        settings = merge([flat({**fields, "robots.obey": robots}, "test")])
        self.record = Record(["s"], ["s.py"], {}, [], [msgspec.to_builtins(settings)], [""], "2026-01-01T00:00:00")
        self.ledger.set("record", self.record)
        self.ledger.set("end", {"reason": "finished", "exit_code": 0, "resumable": False})

    def fetch(self, url, at, seconds=0.5, outcome="200"):
        self.ledger.attempt(self.ledger.add(Request(url)), 1.7e9 + at, seconds, outcome)

    def close(self):
        self.ledger.commit()
        self.ledger.close()


@pytest.fixture
def made(tmp_path, crawl_here):
    """`made(fetches, **settings)`: what `crawl audit` says of fetches given as (URL, start[, seconds[, outcome]])."""

    def make(fetches, *options, changes=(), robots=(), **settings):
        run = Made(tmp_path / "made", robots=bool(robots), **settings)
        for fetch in fetches:
            run.fetch(*fetch)
        run.ledger.set("changes", [[*change[:-1], 1.7e9 + change[-1]] for change in changes])
        for origin, at, body in robots:
            run.ledger.keep_robots(origin, 1.7e9 + at, body)
        run.close()
        return crawl_here("audit", "made", *options)

    return make


def test_too_many_at_once(made):
    done = made([("https://a.example/1", 0, 5), ("https://a.example/2", 2, 0.25), ("https://b.example/", 0)])
    assert (done.rc, done.stderr) == (1, "")
    assert re.sub(r"\d{4}-\S+ \d\d:\d\d", "TIME", done.stdout) == (
        "HOST       REQUESTS  AT ONCE   SHORTEST GAP\n"
        "a.example         2      2/1  2.000/1.000 s  too many\n"
        "b.example         1      1/1      -/1.000 s\n"
        "a.example saw 2 requests at once, and 1 allowed:\n"
        "  TIME:20.000  5.000 s  https://a.example/1\n"
        "  TIME:22.000  0.250 s  https://a.example/2\n"
        "not kept: 1 of 2 hosts saw more than allowed\n"
    )


def test_too_soon(made):
    done = made([("https://a.example/1", 0), ("https://a.example/2", 1.0), ("https://a.example/3", 1.9, 0.25)])
    assert done.rc == 1
    assert "a.example         3      1/1  0.900/1.000 s  too soon\n" in done.stdout
    assert "a.example saw two starts within 0.900 s, and has a delay of 1.000 s:\n" in done.stdout
    assert done.stdout.count("https://a.example/2\n") == done.stdout.count("https://a.example/3\n") == 1


def test_all_kept_with_attempts_that_have_no_end(made):
    ends = [("https://a.example/1", 0), ("https://a.example/2", 0, 9, "worker: killed"), ("https://a.example/3", 1)]
    done = made(ends)
    assert done.rc == 0
    assert done.stdout.splitlines()[-2:] == [
        "1 attempt has no end, as the worker died: not looked at",
        "kept: 3 requests to 1 host; none saw more at once than its permits, or less than its delay",
    ]


def test_tables_changes_and_crawl_delay_decide(made):
    fetches = [(f"https://{host}.example/{n}", n * gap) for host, gap in (("a", 0.1), ("b", 2.0), ("c", 2.0))
               for n in range(4)]  # fmt: skip
    done = made(
        fetches,
        "--json",
        tables=[{"match": "a.example", "delay": 0.0, "per_host": 5}],
        changes=[("politeness.delay", 3.0, "b.example", 0.5)],
        robots=[("https://c.example", 1.0, b"User-agent: *\nCrawl-delay: 2.5\n")],
    )
    assert done.rc == 1
    told = {host["host"]: host for host in json.loads(done.stdout)["hosts"]}
    assert (told["a.example"]["kept"], told["a.example"]["permits"], told["a.example"]["most"]) == (True, 5, 4)
    assert [told[f"{host}.example"]["delay"] for host in "abc"] == [0.0, 3.0, 2.5]
    assert [one["url"] for one in told["b.example"]["hurried"]] == ["https://b.example/1", "https://b.example/2"]
    assert [one["url"] for one in told["c.example"]["hurried"]] == ["https://c.example/1", "https://c.example/2"]


def test_the_worst_twenty_hosts_or_all(made, crawl_here):
    done = made([(f"https://h{n}.example/{at}", at) for n in range(25) for at in (0, 2 if n else 0.6)])
    lines = done.stdout.splitlines()
    assert lines[1].startswith("h0.example ")
    assert lines[21] == "and 5 more, which were treated no worse (--all shows them)"
    assert len(crawl_here("audit", "made", "--all").stdout.splitlines()) == len(lines) + 4


def test_a_resume_with_other_settings_is_judged_part_by_part(polite, crawl_here):
    first = crawl_here("run", "polite.py", "--run-dir", "kept", "--delay", "0", "--max-pages", "6", "--pool", "inline")
    assert first.rc == 0, first
    again = crawl_here("resume", "kept", "-s", "politeness.delay=0.04", "-s", "limits.max_pages=12", "-q")
    assert again.rc == 0, again
    done = crawl_here("audit", "kept", "--json")
    assert (done.rc, json.loads(done.stdout)["requests"]) == (0, 12), done


def test_a_run_without_an_end_had_more_in_flight_than_its_ledger_knows(made, crawl_here, tmp_path):
    assert "in flight" not in made([("https://a.example/1", 0)]).stdout
    ledger = Ledger(tmp_path / "made" / "ledger.db")
    ledger.set("end", None)
    ledger.commit()
    ledger.close()
    told = crawl_here("audit", "made")
    assert (told.rc, told.stdout.count("the run goes on or was killed: ")) == (0, 1)
    assert json.loads(crawl_here("audit", "made", "--json").stdout)["is_open"] is True


def test_hosts_that_shared_an_address_are_looked_at_by_name_and_that_is_said(made):
    done = made([("https://a.example/1", 0)], host_key="address")
    assert (done.rc, done.stdout.count("looked at by name\n")) == (0, 1)


def test_nothing_to_look_at(made, crawl_here, tmp_path):
    done = made([])
    assert (done.rc, done.stdout) == (0, "no request has come back in this run\n")
    done = crawl_here("audit", "nobody")
    assert (done.rc, done.stdout) == (2, "")
    assert "there is no run 'nobody'" in done.stderr or "there are no runs in .crawl" in done.stderr

"""Pages read in the workers give what they give in the main process: every pool, every start method."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crawler import Request, Spider, crawl
from crawler.errors import UsageError

EVERYTHING = Path(__file__).with_name("everything.py")
WAYS = {
    "forkserver": {"pool": "process", "start_method": "forkserver", "workers": 2},
    "spawn": {"pool": "process", "start_method": "spawn", "workers": 2},
    "fork": {"pool": "process", "start_method": "fork", "workers": 2},
    "thread": {"pool": "thread", "workers": 2},
    "inline": {"pool": "inline"},
}
PAGES = 12


@pytest.fixture
def site(serve):
    def page(number):  # a tree, so that each page has one depth, whichever worker is quicker; and ways back
        linked = [link for link in (2 * number, 2 * number + 1) if link <= PAGES] + [number // 2 or 1, number]
        return f"<h1>Page {number}</h1>" + "".join(f'<a href="/page/{link}">{link}</a>' for link in linked)

    def answer(hit):
        return hit.headers.get("Cookie", "none")

    return serve(
        {
            **{f"/page/{number}": page(number) for number in range(1, PAGES + 1)},
            "/form": (303, {"Location": "/answer", "Set-Cookie": "known=yes; Path=/"}, ""),
            "/answer": answer,
            "/sheet.txt": (200, {"Content-Type": "text/plain"}, "a sheet"),
            "/broken": "<h1>Broken</h1>",
            "/odd": "<h1>Odd</h1>",
            "/strange": "<h1>Strange</h1>",
            "/dropped": "<h1>Dropped</h1>",
            "/robot": "are you a robot?",
        }
    )


def run(spider, site, way, parse_in, **sections):
    own = {"pool": "inline", **WAYS[way], "parse_in": parse_in, **sections.pop("crawl", {})}
    politeness = {"delay": 0, "per_host": 8}
    return crawl(spider, arguments={"site": site.url}, settings={"crawl": own, "politeness": politeness, **sections})


def told(report, site, folder):
    """What a report says, without what differs from run to run: the address of the site."""
    items = sorted(json.dumps(item, sort_keys=True, default=str).replace(site.url, "") for item in report.items)
    errors = sorted(
        (error.callback, error.kind, error.message, error.where, error.trace) for error in report.page_errors
    )
    files = sorted(file.name for file in (folder / "files").iterdir() if file.name != ".downloads.jsonl")
    return {
        "items": [item.replace(str(folder), "") for item in items],
        "errors": errors,
        "numbers": (report.pages, report.by_status, report.dropped, report.items_dropped),
        "refused": [
            sorted(json.dumps(one, default=str).replace(site.url, "") for one in each)
            for each in (report.item_failures, report.blocked, report.failures)
        ],
        "exit_code": report.exit_code,
        "files": files,
        "fetched": sorted(path for path in site.paths if path != "/robots.txt"),
    }


@pytest.fixture(scope="module")
def expected():
    return {}


@pytest.mark.filterwarnings("ignore:old")
@pytest.mark.parametrize("parse_in", ["main", "pool"])
@pytest.mark.parametrize("way", [*reversed(WAYS)])
def test_every_way_gives_the_same(site, tmp_path, way, parse_in, expected, caplog, capfd):
    report = run(str(EVERYTHING), site, way, parse_in, download={"folder": str(tmp_path / "files")})
    found = json.loads(re.sub(r"0x[0-9a-f]+", "0x", json.dumps(told(report, site, tmp_path))))
    assert len(found["items"]) > 2 * PAGES
    assert [record.message for record in caplog.records if record.name == "everything"] == ["page one was read"]
    if way in ("forkserver", "spawn") and parse_in == "pool":  # a fork has the filters of these tests
        warned = [record.message for record in caplog.records if record.name == "py.warnings"]
        assert ["UserWarning: old" in message for message in warned] == [True]
        assert "\x1b" not in capfd.readouterr().err
    for part in found:
        assert found[part] == expected.setdefault(part, found[part])


class Fragile(Spider):
    """Kills its worker in the middle of the first reading of page 3."""

    site: str
    marker: str

    def start(self):
        yield Request(f"{self.site}/page/1")

    def parse(self, page):
        yield {"at": page.url.removeprefix(self.site)}
        for url in page.links():
            yield page.follow(url)
        if page.url.endswith("/page/3") and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_killed_in_the_middle_of_a_page_loses_nothing_and_doubles_nothing(site, tmp_path, caplog):
    marker = str(tmp_path / "killed")
    report = crawl(
        Fragile,
        arguments={"site": site.url, "marker": marker},
        settings={"crawl": {"parse_in": "pool", "workers": 2}, "politeness": {"delay": 0, "per_host": 8}},
    )
    assert Path(marker).exists()
    assert sorted(item["at"] for item in report.items) == sorted(f"/page/{number}" for number in range(1, PAGES + 1))
    assert report.exit_code == 0


class Endless(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/page/1")

    def parse(self, page):
        yield {"never": 1}
        while True:
            pass


def test_an_endless_callback_is_cut_in_its_worker_and_told_with_its_line(site):
    report = run(Endless, site, "forkserver", "pool", crawl={"parse_timeout": 0.3, "workers": 1})
    assert [(error.kind, error.callback) for error in report.page_errors] == [("TimeoutError", "parse")]
    assert "test_parse_in.py:" in report.page_errors[0].where
    assert (report.items, site.paths.count("/page/1")) == ([], 1)


def test_a_spider_that_no_worker_can_load_is_refused(site):
    class Inside(Spider):
        site: str

        def parse(self, page):
            yield {}

    with pytest.raises(UsageError, match="made inside a function"):
        run(Inside, site, "inline", "pool")
    homeless = type("Typed", (Inside,), {"__module__": "typed_at_a_prompt", "__qualname__": "Typed"})
    with pytest.raises(UsageError, match="has no file") as refused:
        run(homeless, site, "thread", "pool")
    assert "parse_in at main" in refused.value.hint


SCRIPT = """
import sys
from crawler import Spider, crawl

class Titles(Spider):
    start_urls = [sys.argv[1]]

    def parse(self, page):
        yield {"title": page.css("h1::text").get()}

GUARD
    report = crawl(Titles, settings={"crawl.parse_in": "pool", "politeness.delay": 0, "crawl.workers": 1})
    print(report.items, report.error)
"""


def test_a_script_needs_a_guard_and_is_told_so(site, tmp_path):
    told = []
    for guard in ('if __name__ == "__main__":', "if True:"):
        script = tmp_path / "titles.py"
        script.write_text(SCRIPT.replace("GUARD", guard))
        command = [sys.executable, str(script), f"{site.url}/page/1"]
        told.append(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False))
    assert told[0].stdout.startswith("[{'title': 'Page 1'}]"), told[0].stderr
    assert "titles.py:12: UsageError" in told[1].stdout
    assert 'if __name__ == "__main__":' in told[1].stdout

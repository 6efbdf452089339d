"""The options of outputs, in `crawl run`, `crawl export` and `crawl()`."""

import json
import sqlite3
from contextlib import closing

import pytest

from crawler import crawl
from crawler.errors import UsageError

QUICK = ("--pool", "inline", "-q")


@pytest.fixture
def ran(films, crawl_here):
    """The films of the demo site are in the ledger of a run."""
    done = crawl_here("run", films.name, *QUICK, "-o", "out.jsonl")
    assert (done.rc, done.stderr) == (0, "")


def titles(path):
    return [json.loads(line)["title"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_fields_and_order(films, crawl_here, tmp_path):
    options = ("-o", "out.csv", "-o", "out.jsonl", "--fields", "title,index", "--sort=-title")
    done = crawl_here("run", films.name, *QUICK, *options)
    assert done.rc == 0, done.stderr
    rows = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "title,index"
    assert rows[1:] == sorted(rows[1:], key=lambda row: row.split(",")[0], reverse=True)
    assert len(rows) == 11
    assert titles(tmp_path / "out.jsonl") == [row.split(",")[0] for row in rows[1:]]


def test_a_run_is_exported_with_the_same_options(ran, crawl_here, tmp_path):
    options = ("--fields", "title", "--sort", "title", "--batch-items", "4")
    done = crawl_here("export", "-o", "%(spider)s-%(batch)d.jsonl", "-o", "out.sqlite", *options)
    assert done.rc == 0
    assert done.stderr.endswith("written to films-%(batch)d.jsonl, out.sqlite\n")
    batches = [titles(tmp_path / f"films-{number}.jsonl") for number in (1, 2, 3)]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    everything = [title for batch in batches for title in batch]
    assert everything == sorted(titles(tmp_path / "out.jsonl"))
    with closing(sqlite3.connect(tmp_path / "out.sqlite")) as db:
        assert [title for (title,) in db.execute("SELECT title FROM items ORDER BY _item")] == everything


def test_the_rows_of_a_run_are_in_a_table_once_however_often_they_are_exported(ran, crawl_here, tmp_path):
    for _ in range(2):
        assert crawl_here("export", "-o", "out.sqlite", "--append").rc == 0
    with closing(sqlite3.connect(tmp_path / "out.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM items").fetchone() == (10,)


def test_a_place_that_is_kept_in_the_environment(ran, crawl_here, tmp_path):
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is missing: pip install SQLAlchemy")
    done = crawl_here("export", "-o", "env:PLACE#best", env={"PLACE": f"sqlite:///{tmp_path}/by_url.db"})
    assert done.rc == 0, done.stderr
    assert done.stderr.endswith("written to env:PLACE#best\n")
    with closing(sqlite3.connect(tmp_path / "by_url.db")) as db:
        assert db.execute("SELECT count(*) FROM best").fetchone() == (10,)
    assert crawl_here("export", "-o", "env:PLACE").stderr.startswith("crawl: the environment variable PLACE is not set")


def test_a_file_is_replaced_or_added_to(ran, films, crawl_here, tmp_path):
    first = titles(tmp_path / "out.jsonl")
    assert crawl_here("run", films.name, *QUICK, "-o", "out.jsonl", "--append").rc == 0
    assert titles(tmp_path / "out.jsonl") == first * 2
    assert crawl_here("run", films.name, *QUICK, "-o", "out.jsonl").rc == 0
    assert titles(tmp_path / "out.jsonl") == first


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-o", "out.json", "--append"), "crawl: cannot append to out.json: a .json file is written whole"),
        (("-o", "out.foo"), "crawl: cannot tell the format of the output 'out.foo' by the suffix .foo"),
        (("-o", "a-%(batch)d.csv"), "crawl: the output a-%(batch)d.csv has the place of a number"),
        (("-o", "a.csv", "--batch-items", "-1"), "crawl: output.batch_items = -1 is too small (--batch-items)"),
    ],
)
def test_what_cannot_be_written_is_told_before_there_is_a_run(films, crawl_here, tmp_path, options, told):
    done = crawl_here("run", films.name, *options)
    assert done.rc == 2
    assert done.stderr.startswith(told)
    assert not (tmp_path / ".crawl").exists()


KILLS_ITSELF = """
import os, signal
from crawler import Spider

class Pages(Spider):
    name = "pages"
    start_urls = ["{url}/1"]

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        if number == 2 and not os.path.exists("killed"):
            open("killed", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        yield {{"number": number}}
        if number < 3:
            yield page.follow(f"/{{number + 1}}")
"""


def test_a_run_that_adds_to_a_file_and_is_killed_adds_every_item_once(serve, write, crawl_command, tmp_path):
    write("pages.py", KILLS_ITSELF.format(url=serve({"*": "<p>x"}).url))
    (tmp_path / "out.jsonl").write_text('{"number":0}\n')
    (tmp_path / "out.csv").write_bytes(b"number\r\n0\r\n")
    options = ("-o", "out.jsonl", "-o", "out.csv", "--append", "--pool", "inline", "--delay", "0")
    assert crawl_command("run", "pages.py", *options).rc == -9
    assert (tmp_path / "out.jsonl").read_text() == '{"number":0}\n{"number":1}\n'
    done = crawl_command("resume")
    assert done.rc == 0, done.stderr
    assert (tmp_path / "out.jsonl").read_text() == '{"number":0}\n{"number":1}\n{"number":2}\n{"number":3}\n'
    assert (tmp_path / "out.csv").read_bytes() == b"number\r\n0\r\n1\r\n2\r\n3\r\n"


FAILS = """
from crawler import Request, Spider

class Fails(Spider):
    name = "fails"

    def start(self):
        yield Request("{url}/good")
        yield Request("{url}/bad", on_failure=self.failed)

    def parse(self, page):
        yield {{"at": page.url[-4:]}}

    def failed(self, failure):
        yield {{"failed": 1}}
"""


def test_what_failed_and_is_tried_again_is_added_as_it_is_now(serve, write, crawl_here, tmp_path):
    server = serve({"/good": "<p>x", "/bad": (404, {}, "")})
    write("fails.py", FAILS.format(url=server.url))
    (tmp_path / "out.jsonl").write_text('{"at":"old"}\n')
    crawl_here("run", "fails.py", *QUICK, "--delay", "0", "-o", "out.jsonl", "--append")
    assert (tmp_path / "out.jsonl").read_text() == '{"at":"old"}\n{"at":"good"}\n{"failed":1}\n'
    server.routes["/bad"] = "<p>x"
    assert crawl_here("resume", "-q", "--retry-failed").rc == 0
    assert (tmp_path / "out.jsonl").read_text() == '{"at":"old"}\n{"at":"good"}\n{"at":"/bad"}\n'


def test_from_python(films, site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"crawl.pool": "inline", "output": {"fields": ["title"], "sort": ["title"], "batch_items": 5}}
    report = crawl(str(films), out=["%(spider)s-%(batch)d.jsonl", "all.db"], settings=settings)
    assert report.exit_code == 0
    assert report.outputs == ("films-%(batch)d.jsonl", "all.db")
    assert titles(tmp_path / "films-1.jsonl") + titles(tmp_path / "films-2.jsonl") == sorted(
        titles(tmp_path / "films-1.jsonl") + titles(tmp_path / "films-2.jsonl")
    )
    with pytest.raises(UsageError, match="cannot append"):
        crawl(str(films), out="out.json", settings={"output.append": True})


def test_spiders_of_one_crawl_have_no_files_of_their_own(crawl_here, films, tmp_path):
    done = crawl_here("run", films, films, "-o", "%(spider)s.jsonl")
    assert (done.rc, list(tmp_path.glob("*.jsonl"))) == (2, [])
    assert "the spiders of one crawl write to the same outputs" in done.stderr

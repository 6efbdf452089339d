"""The options of `crawl run`, seen from outside: in the outputs, on the terminal, at the site."""

import csv
import json
import re
import sys
from itertools import pairwise

import pytest

INLINE = ("--pool", "inline")


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_several_outputs_hold_the_same_items(crawl_here, films, tmp_path):
    outputs = ["-o", "out.jsonl", "-o", "out.json", "-o", "out.csv", "-o", "-", "-o", "out.txt"]
    done = crawl_here("run", films, *outputs, "--format", "{index}. {title}", *INLINE)
    assert done.rc == 0, done
    items = lines(done.stdout)
    assert len(items) == 10
    assert lines((tmp_path / "out.jsonl").read_text()) == items
    assert json.loads((tmp_path / "out.json").read_text()) == items
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == items
    assert (tmp_path / "out.txt").read_text().splitlines() == [f"{item['index']}. {item['title']}" for item in items]


def test_a_format_with_a_field_that_no_item_has_is_told(crawl_here, films):
    told = "out.txt: no item has the field {titel} of the format; did you mean {title}?\n"
    done = crawl_here("run", films, "-o", "out.txt", "--format", "{titel}", *INLINE)
    assert (done.rc, f"           {told}" in done.stderr) == (0, True)
    done = crawl_here("run", films, "-q", "-o", "out.txt", "--format", "{titel}", *INLINE)
    assert (done.rc, done.stderr) == (0, f"crawl: {told}")
    done = crawl_here("export", "-o", "out.txt", "--format", "{titel}")
    assert (done.rc, told in done.stderr) == (0, True)


def test_a_format_without_an_output_for_it_ends_with_2(crawl_here, films):
    crawl_here("run", films, *INLINE)
    for words in (("run", films, *INLINE), ("export",)):
        done = crawl_here(*words, "-o", "out.jsonl", "--format", "{title}")
        assert (done.rc, done.stdout) == (2, "")
        assert done.stderr == (
            "crawl: --format is the format of .txt outputs, and there is none\n  add one: -o out.txt (or out.txt.gz)\n"
        )


def test_an_existing_output_is_replaced(crawl_here, films, tmp_path):
    (tmp_path / "out.jsonl").write_text("old\n" * 1000)
    crawl_here("run", films, "-o", "out.jsonl", *INLINE)
    assert len(lines((tmp_path / "out.jsonl").read_text())) == 10


def test_without_an_output_only_the_report_is_shown(crawl_here, films, tmp_path):
    done = crawl_here("run", films, *INLINE)
    assert (done.rc, done.stdout) == (0, "")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d info     films: started, 1 worker \(inline\)\n"
        r"\d\d:\d\d:\d\d info     ended: finished\n"
        r"films: finished after \d\.\d s\n"
        r"  manners  robots\.txt is not obeyed \(robots.obey = false\)\n"
        r"  pages    1 \([\d,.]+/s, [\d.]+ kB\); by status 200: 1\n"
        r"  items    10\n",
        done.stderr,
    )
    assert [file.name for file in tmp_path.iterdir() if file.is_file() and file.suffix != ".py"] == []


def test_meta_adds_where_an_item_comes_from(crawl_here, films, site):
    item = lines(crawl_here("run", films, "-o", "-", "--meta", *INLINE).stdout)[0]
    assert list(item) == ["index", "title", "_url", "_fetched"]
    assert item["_url"] == f"{site.url}/board/4?offset=0"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\+00:00|Z)", item["_fetched"])


def test_quiet_says_nothing_when_all_is_well(crawl_here, films):
    done = crawl_here("run", films, "-q", "-o", "-", *INLINE)
    assert (done.rc, done.stderr) == (0, "")
    assert len(lines(done.stdout)) == 10


def test_quiet_still_shows_errors(crawl_here, write, site):
    write("bad.py", f"start_urls = ['{site.url}/']\n\ndef parse(page):\n    raise KeyError('title')\n")
    done = crawl_here("run", "bad.py", "-q", *INLINE)
    assert done.rc == 1
    assert "KeyError: 'title' at bad.py:4" in done.stderr


def test_verbose_tells_of_every_page(crawl_here, films, site):
    done = crawl_here("run", films, "-v", "-a", "pages=2", *INLINE)
    for offset in (0, 10):
        assert f"debug    parse read {site.url}/board/4?offset={offset}: items 10, requests 0" in done.stderr


def test_a_log_file_gets_the_log_and_keeps_what_it_had(crawl_here, films, tmp_path):
    (tmp_path / "crawl.log").write_text("before\n")
    done = crawl_here("run", films, "-q", "--log-file", "crawl.log", "--log-level", "debug", *INLINE)
    assert done.stderr == ""
    log = (tmp_path / "crawl.log").read_text()
    assert log.startswith("before\n")
    assert "parse read" in log
    assert "ended: finished" in log


def test_a_log_file_that_cannot_be_written_ends_with_5(crawl_here, films):
    done = crawl_here("run", films, "--log-file", "nowhere/crawl.log", *INLINE)
    assert done.rc == 5
    assert done.stderr.startswith("crawl: cannot write the log nowhere/crawl.log: No such file or directory\n")


@pytest.mark.parametrize(
    ("flags", "pages", "items"),
    [
        (["--max-pages", "3"], {3}, 30),
        (["--max-items", "25"], {3, 4}, 25),  # the next page may be under way while a page is read
        (["--max-depth", "0"], {10}, 100),
        (["--workers", "1", "--concurrency", "1"], {10}, 100),
    ],
)
def test_limits_are_exact(crawl_here, films, site, flags, pages, items):
    done = crawl_here("run", films, "-a", "pages=10", "-o", "-", *flags, *INLINE)
    assert (done.rc, len(lines(done.stdout))) == (0, items)
    assert len(site.log) in pages


def test_max_time_ends_the_crawl(crawl_here, films):
    done = crawl_here("run", films, "-a", "pages=100", "--delay", "0.1", "--max-time", "0.3", "--pool", "thread")
    assert done.rc == 0
    assert "max_time reached" in done.stderr


def test_delay_and_per_host_reach_the_site(crawl_command, serve, write):
    server = serve({"*": "x"}, latency=0.03)
    write(
        "many.py",
        f"""
        start_urls = [f"{server.url}/{{number}}" for number in range(12)]

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    assert crawl_command("run", "many.py", "--delay", "0", "--per-host", "3").rc == 0
    assert server.most == 3
    server.log.clear()
    server.most = 0
    assert crawl_command("run", "many.py", "--delay", "0.1", "--max-pages", "4").rc == 0
    assert server.most == 1
    assert min(later.at - earlier.at for earlier, later in pairwise(server.log)) >= 0.06


@pytest.mark.parametrize(("flags", "asked"), [((), True), (("--no-robots",), False)])
def test_robots_is_asked_for_unless_told_otherwise_and_that_is_said(crawl_here, serve, write, tmp_path, flags, asked):
    server = serve({"/": "<p>x"})
    write("one.py", f"start_urls = ['{server.url}/']\ndef parse(page):\n    yield {{}}\n")
    settings = {"CRAWL_ROBOTS_OBEY": "true", "CRAWL_FETCH_VERIFY": "false", "CRAWL_POLITENESS_DELAY": "0"}
    done = crawl_here("run", "one.py", "--run-dir", "kept", *INLINE, *flags, env=settings)
    assert done.rc == 0, done
    assert ("/robots.txt" in server.paths) == asked
    assert ("  manners  robots.txt is not obeyed (robots.obey = false)\n" in done.stderr) != asked
    told = "TLS certificates are not verified (fetch.verify = false)"
    assert f"  manners  {told}\n" in done.stderr
    assert told in json.loads((tmp_path / "kept" / "report.json").read_text())["manners"]


def test_a_proxy_is_asked_and_the_report_says_what_that_means(crawl_here, serve, write):
    proxy = serve({"/page": "<p>x"})
    write("one.py", "start_urls = ['http://films.example/page']\ndef parse(page):\n    yield {'url': page.url}\n")
    done = crawl_here("run", "one.py", "-o", "-", "--proxy", proxy.url, *INLINE)
    assert (done.rc, lines(done.stdout)) == (0, [{"url": "http://films.example/page"}])
    assert proxy.paths == ["http://films.example/page"]
    assert "  manners  behind a proxy only addresses in URLs can be checked" in done.stderr


def test_a_proxy_that_is_none_is_refused_before_anything_runs(crawl_here, write):
    write("one.py", "start_urls = ['http://films.example/page']\ndef parse(page):\n    yield {'url': page.url}\n")
    done = crawl_here("run", "one.py", "--proxy", "ftp://me:word@127.0.0.1:1", *INLINE)
    assert done.rc == 2
    assert "fetch.proxy = 'ftp://***@127.0.0.1:1': the proxy has to be http://" in done.stderr
    assert "word" not in done.stderr.replace("password", "")


def test_formulas_are_escaped_on_request_by_the_crawl_and_by_an_export(crawl_here, serve, write, tmp_path):
    server = serve({"/": "<p>=1+1"})
    write(
        "one.py",
        f"""
        start_urls = ["{server.url}/"]

        def parse(page):
            yield {{"text": page.css("p::text").get()}}
        """,
    )

    def crawled(*flags):
        assert crawl_here("run", "one.py", "-o", "out.csv", *INLINE, *flags).rc == 0
        return (tmp_path / "out.csv").read_text().splitlines()[1]

    assert crawled() == "=1+1"
    assert crawled("--escape-formulas") == crawled("-s", "output.formulas=escape") == "'=1+1"
    assert crawl_here("export", "-o", "again.csv", "--escape-formulas").rc == 0
    assert (tmp_path / "again.csv").read_text().splitlines()[1] == "'=1+1"
    assert crawl_here("export", "-o", "again.csv").rc == 0
    assert (tmp_path / "again.csv").read_text().splitlines()[1] == "=1+1"


def test_stop_after_errors(crawl_here, serve, write):
    server = serve({"*": (403, {}, "no")})
    write(
        "many.py",
        f"""
        start_urls = [f"{server.url}/{{number}}" for number in range(12)]

        def parse(page):
            raise ValueError(page.status)
        """,
    )
    done = crawl_here(
        "run", "many.py", "--delay", "0", "--stop-after-errors", "2", "-s", "fetch.accept_status=403", *INLINE
    )
    assert done.rc == 1
    assert "stop_after_errors reached" in done.stderr
    assert len(server.log) <= 3  # one more may be under way


def test_a_module_with_start_urls_and_parse_is_a_spider(crawl_here, write, site):
    write("spiders/tiny.py", f"start_urls = ['{site.url}/']\ndef parse(page):\n    yield {{'size': len(page.body)}}\n")
    done = crawl_here("run", "tiny", "-o", "-", *INLINE)  # by its name in spiders/
    assert done.rc == 0
    assert lines(done.stdout)[0]["size"] > 1000


def test_arguments_are_converted_by_their_annotation(crawl_here, write, site):
    write(
        "typed.py",
        """
        from crawler import Request, Spider

        class Typed(Spider):
            site: str
            number: int = 1
            words: list[str] = []
            exact: bool = False

            def start(self):
                yield Request(self.site)

            def parse(self, page):
                yield {"number": self.number + 1, "words": self.words, "exact": self.exact}
        """,
    )
    done = crawl_here(
        *("run", "typed.py", "-a", f"site={site.url}", "-a", "number=41", "-a", "words=a, b", "-a", "exact=yes"),
        *("-o", "-", *INLINE),
    )
    assert lines(done.stdout) == [{"number": 42, "words": ["a", "b"], "exact": True}]


def test_helpers_beside_the_spider_can_be_imported(crawl_here, write, site):
    write("wash.py", "def clean(text):\n    return text.strip().upper()\n")
    write(
        "helped.py",
        f"""
        from wash import clean

        start_urls = ["{site.url}/"]

        def parse(page):
            yield {{"word": clean(" film ")}}
        """,
    )
    assert lines(crawl_here("run", "helped.py", "-o", "-", *INLINE).stdout) == [{"word": "FILM"}]


def test_a_reader_that_goes_away_ends_the_crawl_quietly(start_command, films, tmp_path):
    command = f"{sys.executable} -m crawler run {films} -a pages=10 -o - --pool inline | head -1"
    running = start_command("bash", "-c", command + "; exit ${PIPESTATUS[0]}")
    out = running.process.stdout.read()
    running.end(20)
    assert json.loads(out)["index"] == "1"
    assert "Traceback" not in running.stderr
    assert running.rc in (0, 5)  # head may have read everything before it left


def test_what_a_spider_prints_is_not_among_its_items(crawl_here, serve, write):
    server = serve({"*": "<p>"})
    write("loud.py", f"""
        print("imported")
        start_urls = ["{server.url}/"]

        def parse(page):
            print("read")
            yield {{"a": 1}}
    """)  # fmt: skip
    done = crawl_here("run", "loud.py", "-o", "-", *INLINE)
    assert (done.rc, done.stdout) == (0, '{"a":1}\n')
    assert "imported\n" in done.stderr
    assert "read\n" in done.stderr
    assert "read\n" in crawl_here("run", "loud.py", *INLINE).stdout

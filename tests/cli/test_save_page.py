"""`crawl save-page` and `crawl why --save-page`: pages of a site become cases, as they came."""

import gzip
import json

import pytest

GB = '<meta charset="gb2312"><h1>电影</h1>'.encode("gb2312")


@pytest.fixture
def server(serve):
    return serve(
        {
            "/board": '<a href="/1">1</a><a href="/2">2</a>',
            "/1": (200, {"Content-Type": "text/html", "Set-Cookie": "secret=1", "X-Robots-Tag": "noarchive"}, GB),
            "/2": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"<h1>Two</h1>")),
            "/bad": "<p>no title",
            "/old": (302, {"Location": "/1"}, ""),
            "/gone": (404, {}, "gone"),
            "/verify": "<title>猫眼验证中心</title>",
            "/api/films/..%2F..%2Fx": (200, {"Content-Type": "application/json"}, "{}"),
        }
    )


@pytest.fixture
def spider(server, write):
    return write(
        "spiders/films.py",
        f"""
        from crawler import Request, Spider


        class Films(Spider):
            site: str = "{server.url}"
            year: int = 1

            def start(self):
                yield Request(f"{{self.site}}/board", data={{"n": 1}})
                yield Request(f"{{self.site}}/bad", callback=self.parse_film)
                yield Request(f"{{self.site}}/form", self.parse_film, method="POST", body="q")

            def parse(self, page):
                yield from (page.follow(url, callback=self.parse_film, data=page.data) for url in page.links())

            def parse_film(self, page):
                yield {{"title": page.css("h1::text")[0].get(), "year": self.year}}
        """,
    )


@pytest.fixture
def cases(tmp_path, server):
    def read():
        text = (tmp_path / "tests/pages/films/expected.json").read_text(encoding="utf-8")
        return {case["page"]: case for case in json.loads(text.replace(server.url, "SITE"))}

    return read


def test_a_page_is_saved_as_it_came_with_what_it_gives(crawl_here, spider, server, cases, tmp_path):
    done = crawl_here("save-page", "films", f"{server.url}/old", "--callback", "parse_film", "-a", "year=1994")
    assert (done.rc, done.stdout) == (0, "")
    assert done.stderr.replace(server.url, "SITE") == (
        "crawl: SITE/old leads to SITE/1\n"
        f"crawl: tests/pages/films/1.html is the page: {len(GB)} bytes, as they came\n"
        "crawl: tests/pages/films/expected.json says what parse_film gives: 1 item and 0 requests\n"
        "look at it, correct it, then\n"
        "  crawl check films\n"
    )
    assert (tmp_path / "tests/pages/films/1.html").read_bytes() == GB
    assert cases() == {
        "1.html": {
            "page": "1.html",
            "url": "SITE/1",
            "callback": "parse_film",
            "arguments": {"year": "1994"},
            "headers": {"Content-Type": "text/html", "X-Robots-Tag": "noarchive"},
            "items": [{"title": "电影", "year": 1994}],
            "requests": [],
        }
    }
    log = len(server.log)
    assert crawl_here("check").rc == 0
    assert len(server.log) == log


def test_a_start_url_brings_its_callback_and_its_data(crawl_here, spider, server, cases):
    assert crawl_here("save-page", "films", f"{server.url}/board").rc == 0
    case = cases()["board.html"]
    assert (case["callback"], case["data"]) == ("parse", {"n": 1})
    assert case["requests"][1] == {"url": "SITE/2", "callback": "parse_film", "data": {"n": 1}}
    assert crawl_here("save-page", "films", f"{server.url}/board", "--data", '{"n": 2}').rc == 0
    assert cases()["board-2.html"]["data"] == {"n": 2}
    assert crawl_here("save-page", "films", f"{server.url}/2", "--callback", "parse_film").rc == 0
    assert cases()["2.html"]["items"] == [{"title": "Two", "year": 1}]
    assert crawl_here("check").stdout == "✓ films  3 pages, 1 item, 4 requests\n"


def test_what_is_saved_already_is_replaced_when_that_is_said(crawl_here, spider, server, cases, tmp_path):
    words = ("save-page", "films", f"{server.url}/1", "--callback", "parse_film")
    assert crawl_here(*words, "-a", "year=7").rc == 0
    server.routes["/1"] = "<h1>New</h1>"
    done = crawl_here(*words)
    assert (done.rc, "tests/pages/films/1.html is the page of" in done.stderr) == (2, True)
    assert cases()["1.html"]["items"][0]["title"] == "电影"
    assert crawl_here(*words, "--replace").rc == 0
    assert cases()["1.html"]["items"] == [{"title": "New", "year": 7}]
    assert len(list((tmp_path / "tests/pages/films").iterdir())) == 2


def test_a_page_the_spider_fails_on_is_a_case_that_differs_until_it_does_not(crawl_here, spider, server, cases):
    done = crawl_here("save-page", "films", f"{server.url}/bad")
    assert done.rc == 0
    assert "parse_film fails on it: IndexError: list index out of range at spiders/films.py:" in done.stderr
    assert done.stderr.endswith("correct the spider, then\n  crawl check films --update\n")
    assert "error" not in cases()["bad.html"]
    assert crawl_here("check").rc == 1
    spider.write_text(spider.read_text().replace('page.css("h1::text")[0].get()', 'page.css("h1::text").get()'))
    assert crawl_here("check", "--update", "--yes").rc == 0
    assert cases()["bad.html"]["items"] == [{"title": None, "year": 1}]


def test_what_no_spider_is_given_is_saved_when_that_is_said(crawl_here, spider, server, cases):
    for path, code, error in (("/gone", 1, "status: 404 Not Found"), ("/verify", 4, "blocked: verification page")):
        done = crawl_here("save-page", "films", server.url + path)
        assert (done.rc, "--any saves it all the same" in done.stderr) == (code, True), done
        assert crawl_here("save-page", "films", server.url + path, "--any").rc == 0
        assert cases()[f"{path[1:]}.html"]["error"].startswith(error)
    assert cases()["gone.html"]["status"] == 404
    assert crawl_here("check").rc == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nothing", "http://127.0.0.1:1/"], 2, "there is no file spiders/nothing.py"),
        (["films", "/board"], 2, "is no URL that can be fetched"),
        (["films", "http://127.0.0.1:1/"], 1, "connect: "),
        (["films", "http://127.0.0.1:1/", "--callback", "parse_flim"], 2, "did you mean parse_film?"),
        (["films", "http://127.0.0.1:1/", "--data", "{"], 2, "not valid JSON"),
        (["films", "http://127.0.0.1:1/", "-a", "yaer=1"], 2, "yaer"),
    ],
)
def test_what_cannot_be_done_is_told_and_writes_nothing(crawl_here, spider, tmp_path, words, code, told):
    done = crawl_here("save-page", *words)
    assert (done.rc, told in done.stderr) == (code, True), done
    assert not (tmp_path / "tests").exists()


def test_a_name_out_of_a_url_stays_in_the_folder(crawl_here, spider, server, tmp_path):
    assert crawl_here("save-page", "films", f"{server.url}/api/films/..%2F..%2Fx").rc == 0
    assert {path.name for path in (tmp_path / "tests/pages/films").iterdir()} == {"_.._x", "expected.json"}


def test_a_page_of_a_run_becomes_a_case(crawl_here, spider, server, cases):
    server.routes["/form"] = "<h1>Form</h1>"
    run = ("run", "films", "--run-dir", "kept", "--pool", "inline", "-q", "-a", "year=5", "--delay", "0")
    assert crawl_here(*run).rc == 1
    done = crawl_here("why", f"{server.url}/bad", "kept", "--save-page")
    assert (done.rc, "verdict   failed: parse_film: IndexError" in done.stdout) == (0, True), done
    assert "crawl: kept has kept no page of it, so it is fetched again\n" in done.stderr
    assert cases()["bad.html"]["callback"] == "parse_film"
    assert crawl_here("check").rc == 1
    assert crawl_here("why", f"{server.url}/1", "kept", "--save-page").rc == 0
    case = cases()["1.html"]
    assert (case["data"], case["arguments"]) == ({"n": 1}, {"year": "5"})
    assert case["items"] == [{"title": "电影", "year": 5}]
    asked = len(server.log)
    done = crawl_here("why", f"{server.url}/form", "kept", "--save-page")
    assert (done.rc, "was sent with POST, and is not sent again" in done.stderr) == (2, True), done
    assert len(server.log) == asked


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (("-s", "run.keep_pages=failed"), "kept/pages.warc.gz"),
        (("--record", "site.warc.gz"), "site.warc.gz"),
        (
            ("--record", "site.warc.gz", "-s", "run.keep_pages=failed"),
            "site.warc.gz",
        ),  # what did not fail is there only
    ],
)
def test_the_case_has_the_page_that_the_run_had(crawl_here, spider, server, cases, tmp_path, options, place):
    """Of a callback that failed, as well; the site sends another one by now."""
    server.routes["/form"] = "<h1>Form</h1>"
    run = ("run", "films", "--run-dir", "kept", "--pool", "inline", "-q", "--delay", "0", *options)
    assert crawl_here(*run).rc == 1
    server.routes["/bad"] = server.routes["/form"] = "<h1>Other</h1>"
    asked = len(server.log)
    path = "/form" if len(options) == 4 else "/bad"
    done = crawl_here("why", server.url + path, "kept", "--save-page")
    assert (done.rc, len(server.log)) == (0, asked), done
    assert f"crawl: the page is the one that the run has kept ({place})\n" in done.stderr
    name = "form.html" if path == "/form" else "bad.html"
    assert (tmp_path / "tests/pages/films" / name).read_text() == (
        "<h1>Form</h1>" if path == "/form" else "<p>no title"
    )
    assert cases()[name]["callback"] == "parse_film"


def test_an_archive_that_is_gone_is_no_reason_to_fail(crawl_here, spider, server, tmp_path):
    run = ("run", "films", "--run-dir", "kept", "--pool", "inline", "-q", "--delay", "0", "--record", "site.warc.gz")
    assert crawl_here(*run).rc == 1
    (tmp_path / "site.warc.gz").write_bytes(b"no archive")
    done = crawl_here("why", f"{server.url}/1", "kept", "--save-page")
    assert (done.rc, "so it is fetched again" in done.stderr) == (0, True), done


def test_fields_without_a_value_are_told(crawl_here, write, server):
    write(
        "bare.py",
        """
        from crawler import Spider

        class Bare(Spider):
            def parse(self, page):
                yield {"title": "", "star": None, "year": 0}
                yield {"title": "", "star": "x", "year": 0}
    """,
    )
    done = crawl_here("save-page", "bare.py", f"{server.url}/1")
    assert "crawl: none of them has a value for title\n" in done.stderr, done
    done = crawl_here("save-page", "bare.py", f"{server.url}/1")
    assert (done.rc, f"  crawl save-page bare.py {server.url}/1 --replace puts" in done.stderr) == (2, True), done

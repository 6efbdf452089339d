"""`crawl parse`: items and requests of one page, and what goes wrong on the way."""

import json

import pytest

PAGE = '<title>Board</title><p class=film>One<p class=film>Two<a href="/2">2</a><a href="https://b.example/">b</a>'


@pytest.fixture
def board(serve, write):
    server = serve({"/1": PAGE, "/2": "<p>nothing", "/old": (302, {"Location": "/1"}, ""), "/login": LOGIN})
    write("board.py", f"""
        from crawler import Spider

        class Board(Spider):
            start_urls = ["{server.url}/1"]
            settings = {{"scope.allowed_hosts": ["{server.host}"], "politeness.delay": 0}}
            size: int = 1

            def parse(self, page):
                print("seen by nobody")
                for film in page.css(".film::text").getall():
                    yield {{"title": film, "size": self.size}}
                for link in page.links():
                    yield page.follow(link, callback=self.parse_film, data={{"rank": 1}})

            def parse_film(self, page):
                yield {{"rank": page.data["rank"]}}
                raise ValueError("not \\x1b[31m so")
    """)  # fmt: skip
    return server


LOGIN = "<html><head><title>猫眼验证中心</title></head></html>"


def test_items_go_to_standard_output_and_requests_are_told(crawl_here, board):
    done = crawl_here("parse", "board.py", f"{board.url}/1", "-a", "size=3")
    assert done.rc == 0
    assert done.stdout == '{"title":"One","size":3}\n{"title":"Two","size":3}\n'
    assert done.stderr == (
        "seen by nobody\n"
        f"crawl: {board.url}/1 (200, text/html; charset=utf-8, {len(PAGE)} bytes): "
        "parse gave 2 items and 2 requests\n"
        f"  GET {board.url}/2 → parse_film\n"
        "  GET https://b.example/ → parse_film (not fetched: scope: b.example is not in scope.allowed_hosts)\n"
    )
    assert board.paths == ["/1"]


def test_requests_can_be_had_as_json_lines(crawl_here, board):
    done = crawl_here("parse", "board.py", f"{board.url}/1", "--requests", "-q")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["url"], row["callback"], row["data"]) for row in rows] == [
        (f"{board.url}/2", "parse_film", {"rank": 1}),
        ("https://b.example/", "parse_film", {"rank": 1}),
    ]
    assert [bool(row["dropped"]) for row in rows] == [False, True]


def test_redirects_are_followed(crawl_here, board):
    done = crawl_here("parse", "board.py", f"{board.url}/old", "-q")
    assert (done.rc, done.stdout.count("\n")) == (0, 2)


def test_a_file_comes_from_the_first_start_url_or_from_where_it_is_said(crawl_here, board, write):
    write("saved.html", PAGE)
    done = crawl_here("parse", "board.py", "saved.html", "--requests", "-q")
    assert json.loads(done.stdout.splitlines()[0])["url"] == f"{board.url}/2"
    done = crawl_here("parse", "board.py", "saved.html", "--requests", "-q", "--url", "https://c.example/x")
    assert json.loads(done.stdout.splitlines()[0])["url"] == "https://c.example/2"
    assert board.log == []


def test_a_file_does_not_get_into_the_cache(crawl_here, board, write, tmp_path):
    write("saved.html", PAGE)
    crawl_here("parse", "board.py", "saved.html", "-s", "cache.mode=always")
    assert not list(tmp_path.glob(".crawl/cache/**/*.*"))
    for _ in range(2):
        assert crawl_here("parse", "board.py", f"{board.url}/1", "-s", "cache.mode=always").rc == 0
    assert board.paths == ["/1"]


def test_an_error_of_the_spider_is_told_with_its_own_traceback(crawl_here, board, tmp_path):
    done = crawl_here("parse", "board.py", f"{board.url}/1", "--callback", "parse_film", "--data", '{"rank": 7}')
    assert (done.rc, done.stdout) == (1, "")
    assert done.stderr == (
        "  Traceback (most recent call last):\n"
        f'    File "{tmp_path}/board.py", line 18, in parse_film\n'
        '      raise ValueError("not \\x1b[31m so")\n'
        "  ValueError: not \\x1b[31m so\n"
        f"crawl: parse_film failed on {board.url}/1: ValueError: not \\x1b[31m so at board.py:18\n"
    )


@pytest.mark.parametrize(
    ("arguments", "rc", "told"),
    [
        (["/nix"], 1, "status: 404 Not Found, so no spider is given it\n  -s fetch.accept_status=404 gives it"),
        (["/login"], 4, "blocked: verification page"),
        (["/2"], 3, "parse gave 0 items and 0 requests"),
        (["/2", "-s", "limits.allow_empty=true"], 0, "parse gave 0 items"),
        (["/nix", "-s", "fetch.accept_status=404"], 3, "(404, text/html; charset=utf-8, 12 bytes): parse gave 0"),
        (["/1", "--callback", "parse_flim"], 2, "has no callback 'parse_flim'\n  did you mean parse_film?"),
        (["/1", "--callback", "nothing"], 2, "  it has: parse, parse_film"),
        (["/1", "--data", "{"], 2, "--data {: not valid JSON"),
        (["/1", "--url", "https://a.example/"], 2, "--url says where a file comes from"),
        (["/1", "-a", "sise=2"], 2, "did you mean size?"),
        (["/1", "-s", "politeness.dely=2"], 2, "did you mean politeness.delay?"),
    ],
)
def test_exit_codes(crawl_here, board, arguments, rc, told):
    target, *options = arguments
    done = crawl_here("parse", "board.py", f"{board.url}{target}", *options)
    assert done.rc == rc
    assert told in done.stderr
    assert done.stdout == ""


def test_what_cannot_be_meant_is_told_before_anything_is_fetched(crawl_here, board):
    crawl_here("parse", "board.py", f"{board.url}/1", "--callback", "parse_flim")
    done = crawl_here("parse", "baord", f"{board.url}/1")
    assert (done.rc, done.stderr.partition("\n")[0]) == (2, "crawl: there is no file spiders/baord.py")
    done = crawl_here("parse", "board.py", "none.html")
    assert (done.rc, done.stderr.partition("\n")[0]) == (2, "crawl: cannot read none.html: No such file or directory")
    done = crawl_here("parse", "board.py", "http://127.0.0.1:1/")
    assert (done.rc, done.stderr) == (1, "crawl: http://127.0.0.1:1/: connect: Connection refused\n")
    assert board.log == []


def test_an_item_that_cannot_be_written_is_told(crawl_here, write):
    write("odd.py", """
        start_urls = ["http://127.0.0.1:1/"]

        def parse(page):
            yield {"ok": 1}
            yield {"odd": object()}
    """)  # fmt: skip
    write("page.html", "x")
    done = crawl_here("parse", "odd.py", "page.html", "-q")
    assert (done.rc, done.stdout) == (1, '{"ok":1}\n')
    assert "crawl: item not stored: dict.odd from parse: a value of type object cannot be written\n" in done.stderr


def test_a_spider_without_parse_is_asked_by_the_callback_of_its_start(crawl_here, write):
    write("starts.py", """
        from crawler import Request, Spider

        class Starts(Spider):
            def start(self):
                yield Request("http://127.0.0.1:1/x", callback=self.parse_board)

            def parse_board(self, page):
                yield {"at": page.url}
    """)  # fmt: skip
    write("page.html", "x")
    assert crawl_here("parse", "starts.py", "page.html").stdout == '{"at":"http://127.0.0.1:1/x"}\n'
    done = crawl_here("parse", "starts.py", "http://127.0.0.1:1/")
    assert done.rc == 1


def test_on_a_terminal_there_are_tables(crawl_here, board, monkeypatch):
    monkeypatch.setattr("os.isatty", lambda number: number == 1)
    done = crawl_here("parse", "board.py", f"{board.url}/1")
    assert done.rc == 0
    shown = [line.rstrip() for line in done.stdout.splitlines()]
    assert shown[shown.index("2 items") + 1].startswith("┏")
    assert "│ One   │ 1    │" in done.stdout
    assert "2 requests" in shown
    assert "  GET" not in done.stderr


def test_a_declared_item_that_is_wrong_is_told_as_in_a_crawl(crawl_here, write):
    write("films.py", """
        from dataclasses import dataclass

        from crawler import Spider

        @dataclass
        class Film:
            title: str
            score: float

        class Films(Spider):
            start_urls = ["http://127.0.0.1:1/"]
            item = Film

            def parse(self, page):
                yield {"title": "One", "score": "9.5"}
                yield {"title": "Two", "score": "good"}
    """)  # fmt: skip
    write("page.html", "x")
    done = crawl_here("parse", "films.py", "page.html", "-q")
    assert (done.rc, done.stdout) == (1, '{"title":"One","score":9.5}\n')
    told = "crawl: item not stored: Film.score = 'good' from parse: expected `float`, got `str` at films.py:"
    assert told in done.stderr


@pytest.mark.parametrize("name", ["start", "__init__", "Download", "parse_download", "nothing"])
def test_what_is_no_callback_is_refused(crawl_here, write, name):
    write("one.py", """
        from crawler import Download, Request, Spider

        class One(Spider):
            def start(self):
                yield Request("http://127.0.0.1:1/")

            def parse(self, page):
                yield {"a": 1}
    """)  # fmt: skip
    write("page.html", "x")
    done = crawl_here("parse", "one.py", "page.html", "--callback", name)
    if name == "parse_download":  # there for files, and this is none
        assert done.rc == 1
    else:
        assert (done.rc, done.stderr) == (2, f"crawl: spider one has no callback {name!r}\n  it has: parse\n")


def test_what_has_to_be_unique_is_shown_once(crawl_here, board, write):
    text = """
        start_urls = ["http://127.0.0.1:1/"]
        unique_by = "title"

        def parse(page):
            yield {"title": 1}
            yield {"title": 1, "again": True}
            yield {"title": 2}
    """
    write("twice.py", text)
    done = crawl_here("parse", "twice.py", f"{board.url}/1")
    assert (done.rc, done.stdout) == (0, '{"title":1}\n{"title":2}\n')
    assert "parse gave 2 items and 0 requests" in done.stderr
    assert "crawl: item dropped: " in done.stderr

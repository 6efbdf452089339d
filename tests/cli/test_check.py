"""`crawl check`: the saved pages of the worked spiders are as expected, and a wrong selector is told readably."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPIDERS = sorted(path.stem for path in (ROOT / "spiders").glob("*.py"))
BOARD = "".join(
    f'<li><h2>{title}</h2><b>{score}</b><a href="/{title}">see</a></li>' for title, score in [("Anna", 9), ("Berta", 8)]
)
SPIDER = """
from crawler import Spider

print("a word from the spider")


class Films(Spider):
    start_urls = ["https://films.example/board"]

    def parse(self, page):
        for film in page.css("li"):
            yield {"title": film.css("h2::text").get(), "score": float(film.css("b::text").get())}
            yield page.follow(film.css("a")[0], callback=self.parse_film)

    def parse_film(self, page):
        yield {"title": page.css("h1::text").get()}
"""


@pytest.fixture
def spider(write):
    """A spider with one saved page, which nobody expects anything of yet."""
    path = write("spiders/films.py", SPIDER)
    write("tests/pages/films/board.html", f"<ul>{BOARD}</ul>")
    return path


@pytest.fixture
def edit(spider):
    def change(old, new):
        text = spider.read_text()
        assert old in text
        spider.write_text(text.replace(old, new))

    return change


@pytest.fixture
def expected(crawl_here, spider, tmp_path):
    """What `crawl check --update` makes of it."""
    done = crawl_here("check", "--update", "--yes")
    assert done.rc == 0, done
    path = tmp_path / "tests/pages/films/expected.json"
    return lambda: json.loads(path.read_text())


def test_every_worked_spider_has_pages_and_gives_what_is_expected(crawl_here):
    done = crawl_here("check", cwd=ROOT)
    assert (done.rc, done.stderr) == (0, ""), done
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["✓", name] for name in SPIDERS]


EDITS = {
    "film_api": ('answer["films"]', 'answer["film"]', "+ error: KeyError: 'film' at spiders/film_api.py:"),
    "film_sitemap": ("h1.name::text", "h2.name::text", '-   title: "盐与星轨"\n    +   title: null'),
    "maoyan": ('class="releasetime"', 'class="time"', '-   time: "2024-05-01"\n    +   time: null'),
    "maoyan_top100": ('"board-img"', '"board-image"', "+   poster: null"),
    "page_sizes": ("page.body", "page.text", "-   size: 2830"),
    "press_sheets": ("code::text", "kode::text", "request 1\n    -   save: …"),
    "watchlist": ("time::text", "b::text", '-   time: "1995-02-22(中国香港)"\n    +   time: null'),
}


def test_one_wrong_selector_makes_each_red_and_is_told_field_by_field(crawl_here, tmp_path):
    assert sorted(EDITS) == SPIDERS
    for folder in ("spiders", "tests/pages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new, _) in EDITS.items():
        path = tmp_path / f"spiders/{name}.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, name
        path.write_text(text.replace(old, new), encoding="utf-8")
    done = crawl_here("check")
    assert (done.rc, done.stdout.count("✗")) == (1, len(SPIDERS)), done
    for name, (_, _, told) in EDITS.items():
        assert told in done.stdout, name
        assert f"at spiders/{name}.py" in done.stdout


def test_a_page_that_was_put_there_becomes_a_case_of_the_first_request(crawl_here, spider, expected, tmp_path):
    assert expected() == [
        {
            "page": "board.html",
            "url": "https://films.example/board",
            "callback": "parse",
            "items": [{"title": "Anna", "score": 9.0}, {"title": "Berta", "score": 8.0}],
            "requests": [
                {"url": "https://films.example/Anna", "callback": "parse_film"},
                {"url": "https://films.example/Berta", "callback": "parse_film"},
            ],
        }
    ]
    done = crawl_here("check")
    assert (done.rc, done.stdout) == (0, "✓ films  1 page, 2 items, 2 requests\n")
    assert "a word from the spider" in done.stderr
    assert crawl_here("check", "-q", "films").stdout == ""
    (tmp_path / "tests/pages/films/other.html").write_text("x")
    done = crawl_here("check")
    assert done.rc == 1
    assert "tests/pages/films/other.html  has no case in expected.json; crawl check --update makes one" in done.stdout


DIFFERENCE = """\
✗ films  1 of 1 page differs
  tests/pages/films/board.html  https://films.example/board
    read by parse at spiders/films.py:10
      item 1
    -   title: "Anna"
    +   title: null
      item 2
    -   title: "Berta"
    +   title: null
"""


def test_what_differs_is_shown_and_expected_after_update_alone(crawl_here, edit, expected):
    edit("h2::text", "h3::text")
    done = crawl_here("check")
    assert (done.rc, done.stdout) == (1, DIFFERENCE)
    assert done.stderr.endswith("crawl: if that is right: crawl check --update\n")
    done = crawl_here("check", "--update")  # where nobody can be asked
    assert (done.rc, done.stdout) == (2, DIFFERENCE)
    assert "nobody can be asked" in done.stderr
    assert expected()[0]["items"][0]["title"] == "Anna"
    done = crawl_here("check", "--update", "--yes")
    assert (done.rc, done.stdout) == (0, DIFFERENCE)
    assert expected()[0]["items"] == [{"title": None, "score": 9.0}, {"title": None, "score": 8.0}]
    assert crawl_here("check").rc == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_it_asks(crawl_here, edit, expected, monkeypatch, answer, code):
    import io
    import os
    import sys

    edit("h2::text", "h3::text")
    is_terminal = os.isatty
    monkeypatch.setattr(os, "isatty", lambda fd: fd == 0 or is_terminal(fd))
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = crawl_here("check", "--update")
    assert (done.rc, "rewrite tests/pages/films/expected.json? [y/N]" in done.stderr) == (code, True), done
    assert (expected()[0]["items"][0]["title"] is None) == (code == 0)


def test_what_a_callback_raises_is_told_and_never_becomes_expected(crawl_here, edit, expected):
    edit('float(film.css("b::text").get())', 'float(film.css("i::text").get())')
    for more in ((), ("--update", "--yes")):
        done = crawl_here("check", *more)
        assert done.rc == 1
        assert "    + error: TypeError: float() argument must be" in done.stdout
        assert "at spiders/films.py:12\n    - 2 items\n    - 2 requests\n" in done.stdout
        assert 'File "' in done.stdout
        assert "if that is right" not in done.stderr
    assert "board.html still differs: such an error is never expected by itself" in done.stderr
    assert len(expected()[0]["items"]) == 2


def test_items_are_checked_as_in_a_crawl(crawl_here, edit, expected):
    edit(
        "class Films",
        "from dataclasses import dataclass\n@dataclass\nclass Film:\n    title: str\n    score: int\nclass Films",
    )
    edit("    start_urls", "    item = Film\n    start_urls")
    edit('float(film.css("b::text").get())', 'film.css("h2::text").get()')
    done = crawl_here("check")
    assert done.rc == 1
    assert "    + item not stored: Film.score = 'Anna': expected `int`, got `str` at spiders/films.py:18" in done.stdout


def test_colours_are_for_terminals_alone(crawl_here, edit, expected, monkeypatch):
    edit("h2::text", "h3::text")
    assert "\x1b" not in crawl_here("check").stdout
    import click._compat

    monkeypatch.setattr(click._compat, "isatty", lambda stream: True)
    assert '\x1b[31m    -   title: "Anna"\x1b[0m' in crawl_here("check").stdout
    assert "\x1b" not in crawl_here("check", env={"NO_COLOR": "1"}).stdout


def test_what_a_page_says_cannot_steer_the_terminal(crawl_here, edit, expected, tmp_path):
    (tmp_path / "tests/pages/films/board.html").write_text(
        f"<ul>{BOARD}</ul>".replace("Anna</h2>", "\x9b2J\u202e</h2>")
    )
    done = crawl_here("check")
    assert done.rc == 1
    assert "\\u009b2J" in done.stdout
    assert not {"\x9b", "\u202e"} & set(done.stdout)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "there is no file spiders/nothing.py"),
        (["other"], "spider other has no saved pages in tests/pages/other\n  crawl save-page other URL saves one"),
        (["--yes"], "--yes is the answer to what --update asks"),
    ],
)
def test_what_cannot_be_meant_is_refused(crawl_here, expected, write, words, told):
    write("spiders/other.py", SPIDER)
    done = crawl_here("check", *words)
    assert (done.rc, told in done.stderr) == (2, True), done


def test_without_any_pages_it_says_how_to_begin(crawl_here, tmp_path):
    done = crawl_here("check")
    assert (done.rc, done.stdout) == (2, "")
    assert "crawl save-page SPIDER URL saves one" in done.stderr


def test_a_spider_that_does_not_load_a_page_that_is_gone_and_a_spider_that_is(
    crawl_here, write, edit, expected, tmp_path
):
    shutil.copytree(tmp_path / "tests/pages/films", tmp_path / "tests/pages/gone")
    done = crawl_here("check")
    told = "✗ gone  tests/pages/gone has cases of no spider in spiders/, and there is no gone.py"
    assert (done.rc, done.stdout.splitlines()[1]) == (1, told)
    write("spiders/gone.py", "1 / 0")
    done = crawl_here("check")
    assert (done.rc, done.stdout.splitlines()) == (
        2,
        ["✓ films  1 page, 2 items, 2 requests", "✗ gone  cannot be loaded"],
    )
    assert "spiders/gone.py:1: ZeroDivisionError" in done.stderr


def test_cases_that_cannot_be_read_are_told_and_the_others_are_checked(crawl_here, write, expected, tmp_path):
    write("spiders/actors.py", SPIDER)
    write("tests/pages/actors/expected.json", "[{]")
    done = crawl_here("check")
    assert (done.rc, done.stdout.splitlines()) == (
        2,
        ["✗ actors  has cases that cannot be read", "✓ films  1 page, 2 items, 2 requests"],
    )
    assert "tests/pages/actors/expected.json: " in done.stderr


def test_a_case_that_is_none_for_the_spider_any_more_is_red_and_the_others_are_read(
    crawl_here, edit, expected, tmp_path
):
    edit("parse_film", "read_film")
    assert '-   callback: "parse_film"\n    +   callback: "read_film"' in crawl_here("check").stdout
    path = tmp_path / "tests/pages/films/expected.json"
    case = expected()[0]
    others = [
        {**case, "callback": "parse_film"},
        {**case, "arguments": {"year": "1"}},
        {**case, "page": "gone.html"},
        {**case, "url": "board"},
    ]
    path.write_text(json.dumps(others))
    done = crawl_here("check", "--update", "--yes")
    assert (done.rc, done.stdout.splitlines()[0]) == (1, "✗ films  4 of 4 pages differ")
    for told in (
        "spider films has no callback 'parse_film'",
        "spider films has no argument 'year'",
        "cannot read tests/pages/films/gone.html: No such file or directory",
        "'board' is no URL that can be fetched",
    ):
        assert f"    + error: {told}" in done.stdout
    assert sorted(expected(), key=str) == sorted(others, key=str)


def test_a_spider_in_the_current_folder_is_checked_and_no_other_file_is_run(crawl_here, write, expected, tmp_path):
    (tmp_path / "spiders/films.py").rename(tmp_path / "films.py")
    write("setup.py", "1 / 0")
    done = crawl_here("check")
    assert (done.rc, done.stdout) == (0, "✓ films  1 page, 2 items, 2 requests\n"), done


def test_what_a_callback_asks_for_by_itself_is_not_sent(crawl_here, edit, expected, serve):
    server = serve({"/more": "more"})
    asks = f"""
        import urllib.request
        urllib.request.urlopen("{server.url}/more")
        for film in"""
    edit("\n        for film in", asks)
    done = crawl_here("check")
    assert (done.rc, server.log) == (1, [])
    assert "saved pages are read without a network, and 127." in done.stdout
    assert server.url.removeprefix("http://") + " was to be reached. Yield a Request for it instead" in done.stdout
    assert "spiders/films.py" in done.stdout  # and of the traceback nothing but the line in there
    assert not [word for word in ("urllib/request.py", "shut_network.py", "During handling") if word in done.stdout]
    urllib.request.urlopen(f"{server.url}/more").close()  # and now there is one again

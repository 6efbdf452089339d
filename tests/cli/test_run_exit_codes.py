"""The exit codes of `crawl run`, and what is said with them."""

import json
import os

import pytest

SPIDERS = os.path.join(os.path.dirname(__file__), "..", "..", "spiders")
MAOYAN = os.path.join(SPIDERS, "maoyan.py")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def no_frames_of_ours(stderr):
    return "/crawler/" not in stderr.replace("/crawler/tests/", "") and "site-packages" not in stderr


def test_0_for_a_board_from_a_real_process_pool(crawl_command, site, tmp_path):
    done = crawl_command("run", MAOYAN, "-a", f"site={site.url}", "-o", "out.jsonl")
    assert done.rc == 0, done
    assert done.stdout == ""
    items = lines(tmp_path / "out.jsonl")
    assert [item["index"] for item in items] == [str(number) for number in range(1, 11)]
    assert "maoyan: finished after" in done.stderr
    assert "items    10 in out.jsonl" in done.stderr
    assert "exit code" not in done.stderr


def test_3_for_a_board_without_films(crawl_here, write, site, tmp_path):
    write(
        "empty.py",
        f"""
        start_urls = ["{site.url}/board/empty"]

        def parse(page):
            for film in page.css("dd"):
                yield {{"title": film.get()}}
        """,
    )
    done = crawl_here("run", "empty.py", "-o", "out.jsonl", "--pool", "inline")
    assert done.rc == 3
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert "exit code 3: no items\n  pages arrived and no callback yielded an item" in done.stderr
    assert crawl_here("run", "empty.py", "--pool", "inline", "--allow-empty").rc == 0


def test_4_for_a_verification_page(crawl_command, write, tmp_path):
    from crawler.demo.site import serve

    with serve(verify=True) as site:
        done = crawl_command("run", MAOYAN, "-a", f"site={site.url}", "-o", "out.jsonl")
    assert done.rc == 4
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert "verification page 猫眼验证中心 (maoyan)" in done.stderr
    assert (
        "    The site sent a verification or ban page instead of the page asked for, and nothing was done to get\n"
        "    around it. Try again later, or ask more slowly (--delay 5). Or save the page with a browser, in a\n"
        "    folder under the path of its URL (board/7), serve that folder with python3 -m http.server 8000, and\n"
        "    let the spider start at http://127.0.0.1:8000.\n"
    ) in done.stderr
    assert "exit code 4: a start page was blocked" in done.stderr
    assert len(site.log) == 1  # it is not asked again and again


def test_quiet_leaves_one_sentence(crawl_here, write, serve):
    from crawler.demo.site import serve as serve_demo

    site = serve({"/": "x"})
    text = "start_urls = ['{url}']\n\ndef parse(page):\n    {does}\n"
    write("empty.py", text.format(url=site.url, does="yield from ()"))
    write("gone.py", text.format(url=f"{site.url}/gone", does="yield {}"))
    quiet = ("-q", "--pool", "inline")
    done = crawl_here("run", "empty.py", *quiet)
    assert (done.rc, done.stderr) == (3, "crawl: no items\n")
    done = crawl_here("run", "gone.py", "-s", "retry.status=404", "-s", "retry.times=0", *quiet)
    assert (done.rc, done.stderr) == (1, "crawl: 1 error, and max_errors allows 0\n")
    with serve_demo(verify=True) as board:
        done = crawl_here("run", MAOYAN, "-a", f"site={board.url}", *quiet)
    told = "crawl: a start page was blocked (verification page 猫眼验证中心 (maoyan))\n"
    assert (done.rc, done.stderr) == (4, told)


def test_4_where_the_spider_itself_says_blocked(crawl_here, write, site):
    write(
        "own.py",
        f"""
        start_urls = ["{site.url}/board/7"]

        def blocked(page):
            return "please log in" if "影榜" in page.text else False

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    done = crawl_here("run", "own.py", "--pool", "inline")
    assert done.rc == 4
    assert "blocked: please log in" in done.stderr


def test_1_for_a_callback_that_raises_and_the_items_of_the_other_pages(crawl_command, write, serve, tmp_path):
    server = serve({"*": "x"})
    spider = write(
        "broken.py",
        f"""
        start_urls = ["{server.url}/a", "{server.url}/b", "{server.url}/c"]
        settings = {{"politeness.delay": 0}}

        def parse(page):
            yield {{"url": page.url[-1]}}
            if page.url.endswith("b"):
                yield title(page)

        def title(page):
            return [][3]
        """,
    )
    done = crawl_command("run", "broken.py", "-o", "out.jsonl")
    assert done.rc == 1
    assert sorted(item["url"] for item in lines(tmp_path / "out.jsonl")) == ["a", "c"]
    line = 1 + spider.read_text().splitlines().index("    return [][3]")
    assert f"IndexError: list index out of range at broken.py:{line}" in done.stderr
    assert f"    broken.py:{line}  1 × IndexError: list index out of range\n" in done.stderr
    assert f"first at {server.url}/b" in done.stderr
    assert "exit code 1: 1 error, and max_errors allows 0" in done.stderr
    assert no_frames_of_ours(done.stderr)
    assert crawl_command("run", "broken.py", "--max-errors", "1", "--pool", "inline").rc == 0


UNLOADABLE = {
    "syntax": ("def parse(page)\n    yield {}\n", "bad.py:1: SyntaxError: expected ':'"),
    "import": ("import nosuchmodule\n", "bad.py:1: ModuleNotFoundError: No module named 'nosuchmodule'"),
    "raises": ("x = 1\n\ny = x / 0\n", "bad.py:3: ZeroDivisionError: division by zero"),
    "exits": ("import sys\nsys.exit(0)\n", "bad.py:2: SystemExit: 0"),
    "empty": ("", "bad.py has no spider in it"),
    "two": (
        "from crawler import Spider\nclass A(Spider):\n    pass\nclass B(Spider):\n    pass\n",
        "bad.py has several spiders: A, B\n  name one: bad.py:A",
    ),
    "lambda": (
        "from crawler import Request, Spider\nr = Request('http://127.0.0.1/', callback=lambda page: None)\n",
        "bad.py:2:",
    ),
}


@pytest.mark.parametrize("fault", UNLOADABLE)
def test_2_for_a_file_that_cannot_be_loaded(crawl_here, write, fault):
    text, told = UNLOADABLE[fault]
    spider = write("bad.py", text)
    done = crawl_here("run", spider.name, "-o", "out.jsonl")
    assert done.rc == 2
    assert told in done.stderr
    assert no_frames_of_ours(done.stderr)
    assert not (spider.parent / "out.jsonl").exists()
    if fault in ("syntax", "raises"):
        assert text.splitlines()[0 if fault == "syntax" else 2] in done.stderr  # the user's own line


ARGUMENTS = {
    "missing file": (["nothing.py"], "crawl: there is no file nothing.py\n"),
    "missing name": (["filmz"], "crawl: there is no file spiders/filmz.py\n"),
    "a folder": (["."], "crawl: . is a folder, not a spider\n"),
    "missing class": (["films.py:Movies"], "crawl: films.py has no spider class Movies\n  it has Films\n"),
    "unknown argument": (
        ["films.py", "-a", "page=3"],
        "crawl: spider films has no argument 'page'\n  did you mean pages? its arguments are: site: str = '{site}', "
        "pages: int = 1\n",
    ),
    "unconvertible argument": (
        ["films.py", "-a", "pages=many"],
        "crawl: spider films: pages='many' does not fit int: Expected `int`, got `str`\n",
    ),
    "argument without a value": (["films.py", "-a", "pages"], "crawl: -a pages: expected name=value\n"),
    "setting without a value": (
        ["films.py", "-s", "politeness.delay"],
        "crawl: -s politeness.delay: expected section.key=value\n",
    ),
    "unknown setting": (
        ["films.py", "-s", "politeness.dely=1"],
        "crawl: there is no setting 'politeness.dely' (-s politeness.dely=1)\n  did you mean politeness.delay?\n",
    ),
    "setting that does not fit": (
        ["films.py", "-s", "crawl.workers=two"],
        "crawl: crawl.workers = 'two' does not fit (-s crawl.workers=two): Expected `int`, got `str`\n",
    ),
    "negative": (["films.py", "--delay=-1"], "crawl: politeness.delay = -1.0 is too small (--delay): at least 0\n"),
    "not a number": (["films.py", "--delay=nan"], "crawl: politeness.delay = nan"),
    "no room": (["films.py", "--per-host=0"], "crawl: politeness.per_host = 0 is too small (--per-host): at least 1\n"),
    "missing config": (["films.py", "--config", "quick"], "crawl: cannot read the settings file quick:"),
    "unknown suffix": (
        ["films.py", "-o", "out.xlsx"],
        "crawl: cannot tell the format of the output 'out.xlsx' by the suffix .xlsx\n",
    ),
    "text without format": (["films.py", "-o", "out.txt"], "crawl: out.txt needs a format"),
    "output named twice": (["films.py", "-o", "a.csv", "-o", "./a.csv"], "crawl: the output a.csv is named twice\n"),
    "not a network": (["films.py", "-s", "guard.only=somewhere"], "crawl: guard.only: 'somewhere' "),
}


@pytest.mark.parametrize("fault", ARGUMENTS)
def test_2_for_what_cannot_be_meant(crawl_here, films, site, fault):
    arguments, told = ARGUMENTS[fault]
    done = crawl_here("run", *arguments)
    assert done.rc == 2, done
    assert done.stderr.startswith(told.replace("{site}", site.url)), done.stderr
    assert "Traceback" not in done.stderr
    assert site.log == []


def test_5_for_an_output_in_a_folder_that_does_not_exist(crawl_command, films, site, tmp_path):
    done = crawl_command("run", films, "-o", "results/out.jsonl")
    assert done.rc == 5
    assert done.stderr == (
        "crawl: cannot write results/out.jsonl: No such file or directory\n"
        "  create its folder first: mkdir -p results\n"
    )
    assert site.log == []
    assert list((tmp_path / ".crawl").glob("*/*")) == []  # no run that crawl export would take for the last one


def test_5_for_a_database_that_does_not_answer_keeps_no_run_to_resume(crawl_here, films, tmp_path):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    done = crawl_here("run", films, "-o", "postgresql+psycopg://me@127.0.0.1:1/films")
    assert done.rc == 5
    assert "nothing was run: type the same again when it can be written" in done.stderr
    assert list((tmp_path / ".crawl").glob("*/*")) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("more", [[], ["-q"]])
def test_5_for_a_full_disk_and_the_other_output_is_whole(crawl_here, films, tmp_path, more):
    (tmp_path / "full.jsonl").symlink_to("/dev/full")
    done = crawl_here("run", films, "-o", "full.jsonl", "-o", "good.jsonl", "--pool", "thread", *more)
    assert done.rc == 5
    assert "cannot write full.jsonl: No space left on device" in done.stderr
    assert len(lines(tmp_path / "good.jsonl")) == 10
    assert "Traceback" not in done.stderr


def test_several_outputs_that_fail_before_the_start_leave_no_half_files(crawl_here, films, tmp_path):
    done = crawl_here("run", films, "-o", "a.jsonl", "-o", "missing/b.jsonl")
    assert done.rc == 5
    assert "missing/b.jsonl" in done.stderr


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("settings = ['x']", "settings of spider One is ['x'], and not a dict"),
        ("name = 5", "name of spider One is 5, and not a text"),
        ("async def parse(self, page):\n        yield {}", "parse of spider one is async"),
        ("async def start(self):\n        yield 1", "start of spider one is async"),
        ("def parse(self):\n        yield {}", "parse of spider one cannot be called as it is written (one.py:5): too"),
        ("def parse():\n        yield {}", "parse of spider one cannot be called as it is written (one.py:5): "),
        ("def parse(self, page, n):\n        yield {}", "(one.py:5): missing a required argument: 'n'"),
        ("def start(self, page):\n        yield 1", "start of spider one cannot be called as it is written"),
    ],
)
def test_a_spider_that_cannot_be_meant_is_refused_before_anything_runs(crawl_here, write, tmp_path, body, told):
    parse = "" if "parse" in body else "def parse(self, page):\n        yield {}"
    start = "start_urls = ['http://127.0.0.1:1/']"
    lines = "\n    ".join(["class One(Spider):", start, body, parse])
    write("one.py", f"from crawler import Spider\n\n{lines}\n")
    done = crawl_here("run", "one.py")
    assert (done.rc, told in done.stderr) == (2, True), done
    assert not (tmp_path / ".crawl").exists()


@pytest.mark.parametrize(
    ("base", "rules", "told"),
    [
        ("SitemapSpider", "sitemap_rules = ['x']", "is 'x', and not a pattern and a callback"),
        (
            "SitemapSpider",
            "sitemap_rules = [('(', 'parse')]",
            "sitemap_rules of spider one: '(' is no regular expression",
        ),
        ("SitemapSpider", "sitemap_rules = [('x', 'parse_x')]", "spider one has no callback 'parse_x'"),
        ("SitemapSpider", "sitemap_follow = ['(']", "sitemap_follow of spider one: '(' is no regular expression"),
        ("LinkSpider", "rules = ['/films/']", "and not a list of Follow(...)"),
        ("LinkSpider", "rules = [Follow('/films/', callback='parse_x')]", "has no callback 'parse_x"),
        ("LinkSpider", "rules = [Follow(css='[[')]", "css='[[' selects nothing"),
        ("LinkSpider", "rules = [Follow(xpath='//')]", "xpath='//' selects nothing"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused_before_anything_runs(crawl_here, write, base, rules, told):
    lines = "\n    ".join([f"class One({base}):", rules, "def parse(self, page):", "    yield {}"])
    write("one.py", f"from crawler import Follow, LinkSpider, SitemapSpider\n\n{lines}\n")
    done = crawl_here("run", "one.py")
    assert (done.rc, told in done.stderr) == (2, True), done

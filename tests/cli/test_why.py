"""`crawl why`: the whole answer for URLs with every kind of fate, in runs that run, ended or were killed."""

import json
import re
import shutil
import signal

import pytest


@pytest.fixture
def shop(serve):
    """A site with a redirect, a page that fails twice, one that is gone, and a chain of ten pages."""
    pages = {f"/page/{n}": f'<a href="/page/{n + 1}">on</a>' for n in range(1, 10)}
    return serve(
        {
            "/": '<a href="/old"></a><a href="/dup"></a><a href="/shaky"></a><a href="/gone"></a><a href="/page/1"></a>'
            '<a href="https://other.example/x"></a>',
            "/old": (301, {"Location": "/new"}, ""),
            "/new": "<p>new",
            "/dup": (302, {"Location": "/"}, ""),
            "/shaky": lambda hit: (500, {}, "") if hit.count < 3 else "<p>steady",
            "/page/10": "<p>last",
            "/broken": "<p>x",
            "/form": "<p>sent",
            **pages,
        }
    )


@pytest.fixture
def spider(shop, write):
    return write(
        "shop.py",
        f"""
        from crawler import Request, Spider

        class Shop(Spider):
            settings = {{
                "politeness": {{"delay": 0, "per_host": 4}},
                "scope.allowed_hosts": ["127.0.0.1"],
                "retry.pause": 0.01,
                "limits.max_depth": 8,
            }}

            def start(self):
                yield Request("{shop.url}/")
                yield Request("{shop.url}/broken", callback=self.fail)
                yield Request("{shop.url}/form", method="POST", body="q=1")

            def parse(self, page):
                for number in range(5 if page.url.endswith("/new") else 1):
                    yield {{"number": number, "text": "\\x9b2J"}}
                for link in page.links():
                    yield page.follow(link)

            def fail(self, page):
                raise ValueError("no such film")
        """,
    )


@pytest.fixture
def why(spider, shop, crawl_here, tmp_path):
    """`why("/old")`: what `crawl why` tells of a URL of the shop after a run, without its times and its port."""
    done = crawl_here("run", spider, "--run-dir", "kept", "--pool", "inline", "-q")
    assert done.rc == 1, done  # the callback that raises

    def ask(path, *options):
        url = path if "//" in path else shop.url + path
        told = crawl_here("why", url, "kept", *options)
        told.stdout = re.sub(r"\d\d:\d\d:\d\d  \d\.\d\d s", "TIME", told.stdout).replace(shop.url, "SHOP")
        return told

    return ask


def test_a_page_that_was_read(why):
    done = why("/new")
    assert (done.rc, done.stderr) == (0, "")
    assert done.stdout == (
        "SHOP/old\n"
        "  verdict   done\n"
        "  run       kept (finished)\n"
        "  found     on SHOP/ by parse, depth 1\n"
        "  redirect  → SHOP/new\n"
        "  attempts  TIME  301  SHOP/old\n"
        "            TIME  200  SHOP/new\n"
        "  items     5\n"
        '    {"number":0,"text":"\\x9b2J"}\n'
        '    {"number":1,"text":"\\x9b2J"}\n'
        '    {"number":2,"text":"\\x9b2J"}\n'
        "    and 2 more\n"
    )
    assert why("/old").stdout == done.stdout


def test_a_start_and_one_that_a_callback_broke_on(why):
    assert "  found     by start(), depth 0\n" in why("/").stdout
    assert re.search(r"verdict   failed: fail: ValueError.*no such film", why("/broken").stdout)


def test_what_was_fetched_for_it_first_is_told_by_its_url(spider, shop, crawl_here):
    crawl_here("run", spider, "--run-dir", "kept", "--pool", "inline", "-q", "-s", "robots.obey=true")
    told = crawl_here("why", shop.url + "/", "kept").stdout
    assert re.findall(r" s  (\d{3}  .*)", told) == [f"404  {shop.url}/robots.txt", f"200  {shop.url}/"]


def test_each_attempt_is_told(why):
    assert "  attempts  TIME  500\n            TIME  500\n            TIME  200\n" in why("/shaky").stdout
    assert "  verdict   failed: status: 404 Not Found\n" in why("/gone").stdout


def test_what_rules_refused_says_so(why):
    assert why("https://other.example/x").stdout == (
        "https://other.example/x\n"
        "  verdict   dropped: scope: other.example is not in scope.allowed_hosts\n"
        "  run       kept (finished)\n"
        "  found     on SHOP/ by parse, depth 1\n"
    )
    assert "verdict   redirect: duplicate of SHOP/\n" in why("/dup").stdout
    deep = why("/page/9").stdout
    assert "verdict   dropped: depth: 9 is more than limits.max_depth = 8\n" in deep
    path = "  path      SHOP/\n" + "".join(f"            {line}\n" for line in (
        "SHOP/page/1", "SHOP/page/2", "… 3 pages more …", "SHOP/page/6", "SHOP/page/7", "SHOP/page/8"
    ))  # fmt: skip
    assert path in deep


def test_a_request_with_a_body_is_told_with_its_method(why, shop):
    assert why("/form").stdout.startswith("POST SHOP/form\n  verdict   done\n")


def test_the_url_is_taken_in_any_form(why, shop):
    assert "verdict   done" in why(shop.url.upper().replace("HTTP", "hTTp") + "/x/../new#part").stdout


def test_as_json(why, shop):
    told = json.loads(why("/old", "--json").stdout)
    assert told.pop("attempts")[0].keys() == {"at", "seconds", "url", "outcome"}
    assert told.pop("items") == [{"number": n, "text": "\x9b2J"} for n in range(3)]
    assert told == {
        "url": "SHOP/old", "method": "GET", "run": "kept", "run_state": "finished", "spider": "shop", "state": "done",
        "reason": "", "rule": "", "verdict": "done", "not_before": None, "found_by": "parse", "depth": 1,
        "path": ["SHOP/"], "redirects": ["SHOP/new"], "item_count": 5,
    }  # fmt: skip
    assert json.loads(why("https://other.example/x", "--json").stdout)["rule"] == "scope"
    assert json.loads(why("/gone", "--json").stdout)["rule"] == "status"
    assert json.loads(why("/broken", "--json").stdout)["rule"] == ""


def test_a_url_that_was_never_found(why):
    done = why("/brok")
    assert (done.rc, done.stderr) == (1, "")
    assert done.stdout == "SHOP/brok: was never found in this run (kept)\n  like it: SHOP/broken\n"
    as_json = why("/brok", "--json")
    assert (as_json.rc, as_json.stdout) == (1, "")
    assert "was never found" in as_json.stderr


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("films.example/1", "crawl why https://films.example/1"),
        ("/board/4", "it begins with https:// or http://"),
        (":::", "it begins with https:// or http://"),
    ],
)
def test_what_is_no_url_is_refused_with_what_may_be_meant(url, hint, crawl_here):
    done = crawl_here("why", url)
    assert (done.rc, done.stdout) == (2, "")
    assert done.stderr == f"crawl: {url!r} is no absolute URL\n  {hint}\n"


def test_two_spiders_that_want_one_url_are_both_told(shop, write, crawl_here):
    for name in ("one", "two"):
        write(f"{name}.py", f'start_urls = ["{shop.url}/new"]\n\ndef parse(page):\n    yield {{"by": "{name}"}}\n')
    assert crawl_here("run", "one.py", "two.py", "--pool", "inline", "--delay", "0", "-q").rc == 0
    told = crawl_here("why", f"{shop.url}/new").stdout
    first, second = told.split("\n\n")
    assert "(finished), spider one\n" in first
    assert '{"by":"one"}' in first
    assert "(finished), spider two\n" in second
    assert '{"by":"two"}' in second
    assert len(crawl_here("why", f"{shop.url}/new", "--json").stdout.splitlines()) == 2


def test_a_run_that_runs_and_the_same_one_killed_and_copied(
    serve, write, start_crawl, crawl_here, wait_until, tmp_path
):
    held = serve({"/": '<a href="/slow">'})
    held.routes["/slow"] = lambda hit: str(held.over.wait(20))
    write(
        "slow.py",
        f"""
        start_urls = ["{held.url}/"]
        settings = {{"politeness.delay": 0}}

        def parse(page):
            yield {{"at": page.url}}
            yield from (page.follow(link) for link in page.links())
        """,
    )
    running = start_crawl("run", "slow.py", "--run-dir", "kept", "-q")
    wait_until(lambda: "/slow" in held.paths)
    told = crawl_here("why", f"{held.url}/slow", "kept").stdout
    assert "  verdict   waiting (for its turn, or being fetched just now)\n  run       kept (running)\n" in told
    running.signal(signal.SIGKILL)
    running.end(10)
    wait_until(lambda: not running.living())
    shutil.copytree(tmp_path / "kept", tmp_path / "copy it")
    for name, quoted in (("kept", "kept"), ("copy it", "'copy it'")):
        told = crawl_here("why", f"{held.url}/slow", name).stdout
        assert f"waiting (the run ended before its turn; crawl resume {quoted} goes on with it)" in told
        assert "verdict   done" in crawl_here("why", f"{held.url}/", name).stdout


def test_a_retry_that_is_not_due_says_when(serve, write, start_crawl, crawl_here, wait_until):
    failing = serve({"/": (503, {}, "")})
    write(
        "down.py",
        f"""
        start_urls = ["{failing.url}/"]
        settings = {{"retry.pause": 60, "retry.max_pause": 60}}

        def parse(page):
            yield {{}}
        """,
    )
    start_crawl("run", "down.py", "--run-dir", "kept", "-q")
    wait_until(lambda: failing.log)
    told = wait_until(lambda: re.search(r"verdict .*not before.*", crawl_here("why", f"{failing.url}/", "kept").stdout))
    assert re.fullmatch(r"verdict   waiting \(not before (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\)", told[0])

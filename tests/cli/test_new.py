"""`crawl new`: what it writes for each kind of page works at once, and it takes nothing away from anybody."""

import json
import re
import subprocess
import sys

import pytest

FEW = '{"count": 2, "data": {"films": [{"id": 1, "name": "One", "tags": []}, {"id": 2, "name": "Two", "tags": []}]}}'
SITEMAP = """<urlset><url><loc>{0}/films/1</loc></url><url><loc>{0}/films/2</loc></url></urlset>"""
FILMS = "".join(f'<li class="film"><h2>Film {n}</h2><a href="/{n}">see</a></li>' for n in range(5))


def test_each_kind_is_ready_to_run_and_its_test_passes(crawl_here, serve, tmp_path):
    server = serve(
        {
            "/": f"<title>Five films</title><ul>{FILMS}</ul>",
            "/api": (200, {"Content-Type": "application/json"}, FEW),
            "/sitemap.xml": lambda hit: (200, {"Content-Type": "text/xml"}, SITEMAP.format(server.url)),
            "/robots.txt": (200, {"Content-Type": "text/plain"}, "User-agent: *\n"),
            "/feed": (200, {"Content-Type": "text/xml"}, "<rss><channel><item><title>A</title></item></channel></rss>"),
            "/films/1": "<title>One</title>",
            "/films/2": "<title>Two</title>",
            "/latin": (200, {"Content-Type": "text/html; charset=gb2312"}, "<title>电影</title>".encode("gb2312")),
        }
    )
    expected = {
        "plain": ("/", [], "5 items", 5),
        "xpaths": ("/", ["--xpath"], "5 items", 5),
        "patterns": ("/", ["--regex"], "5 items", 5),
        "api": ("/api", ["--json-api"], "2 items", 2),
        "maps": ("/sitemap.xml", ["--sitemap"], "2 requests", 2),
        "robots": ("/", ["--sitemap"], "1 item", 0),
        "news": ("/feed", [], "1 item", 1),
        "title": ("/latin", ["--css"], "1 item", 1),
    }
    for name, (path, flags, gives, _) in expected.items():
        done = crawl_here("new", name, server.url + path, *flags)
        assert done.rc == 0, done
        assert f"crawl: spiders/{name}.py is the spider; that page gives it {gives}\n" in done.stderr
    assert len(server.log) == len(expected)
    done = crawl_here("check")
    assert (done.rc, done.stdout.count("✓")) == (0, len(expected)), done
    for name, (_, _, _, items) in expected.items():
        done = crawl_here("run", name, "-o", "-", "--pool", "inline", "-q", "-s", "politeness.delay=0")
        assert (done.rc, len(done.stdout.splitlines())) == (0 if items else 3, items), done
    assert '"电影"' in (tmp_path / "tests/spiders/test_title.py").read_text()
    assert (tmp_path / "tests/pages/title/latin.html").read_bytes() == "<title>电影</title>".encode("gb2312")

    def tested():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    done = tested()
    assert (done.returncode, "8 passed" in done.stdout) == (0, True), done
    for name in expected:  # each test can fail
        spider = tmp_path / f"spiders/{name}.py"
        spider.write_text(spider.read_text().replace("yield {", "0 and {").replace("sitemap_rules", "rules"))
    for name in ("maps",):
        spider = tmp_path / f"spiders/{name}.py"
        spider.write_text(spider.read_text().replace("    rules = ", '    sitemap_rules = [("x", "parse")]  # '))
    assert "8 failed" in tested().stdout
    done = crawl_here("check")
    assert (done.rc, done.stdout.count("✗")) == (1, len(expected)), done


def test_what_is_there_stays_unless_it_is_forced(crawl_here, serve, tmp_path):
    server = serve({"*": "<title>new</title>"})
    spider, test = tmp_path / "spiders/films.py", tmp_path / "tests/spiders/test_films.py"
    saved, expected = tmp_path / "tests/pages/films/p.html", tmp_path / "tests/pages/films/expected.json"
    for path in (spider, test, saved, expected):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
        done = crawl_here("new", "films", f"{server.url}/p")
        assert (done.rc, done.stderr) == (
            2,
            f"crawl: {path.relative_to(tmp_path)} is there already\n"
            "  take another name, or --force, which replaces it\n",
        )
        assert path.read_text() == "mine"
        path.unlink()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    paths = (spider, test, saved, expected)
    for path in paths:
        path.write_text("mine")
    assert crawl_here("new", "films", f"{server.url}/p", "--force").rc == 0
    assert "mine" not in "".join(path.read_text() for path in paths)
    assert len(server.log) == 2  # nobody is asked for nothing


def test_a_saved_page_is_taken_as_it_is_and_nothing_is_fetched(crawl_here, serve, tmp_path):
    server = serve({})
    (tmp_path / "page.html").write_bytes(b"<title>caf\xe9</title>")
    url = f"{server.url}/board/7?x=1"
    done = crawl_here("new", "films", url.replace("//", "//me:secret@"), "--page", "page.html")
    assert (done.rc, server.log, "secret" in done.stderr) == (0, [], False)
    assert (tmp_path / "tests/pages/films/7.html").read_bytes() == b"<title>caf\xe9</title>"
    assert f'start_urls = ["{url}"]' in (tmp_path / "spiders/films.py").read_text()


def test_it_begins_where_the_url_leads_to_and_writes_no_password(crawl_here, serve, tmp_path):
    server = serve({"/old": (301, {"Location": "/new"}, ""), "/new": "<title>new</title>"})
    done = crawl_here("new", "films", server.url.replace("//", "//me:secret@") + "/old")
    assert (done.rc, "secret" in done.stderr) == (0, False)
    assert f"{server.url}/old leads to {server.url}/new: the spider begins there" in done.stderr
    written = "".join(path.read_text() for path in tmp_path.rglob("*.py"))
    assert "secret" not in written
    assert f'start_urls = ["{server.url}/new"]' in written


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my-site.py", "such as my_site"),
        ("spiders/films.py", "such as films"),
        ("9films", "such as site_9films"),
        ("_films", "such as films"),
        ("", "such as films"),
        ("../x", "such as x"),
        ("class", "it is a word of Python's own"),
        ("match", "it is a word of Python's own"),
        ("json", "it is a module of Python's own"),
        ("lxml", "it is an installed module"),
        ("crawler", "it is an installed module"),
    ],
)
def test_a_name_that_cannot_be_that_of_a_spider_is_refused(crawl_here, tmp_path, name, told):
    done = crawl_here("new", name, "http://127.0.0.1:1/")
    assert (done.rc, told in done.stderr) == (2, True), done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["/api"], 2, "is JSON\n  --json-api writes a spider for that"),
        (["/", "--json-api"], 2, "is not JSON"),
        (["/sitemap.xml"], 2, "is a sitemap\n  --sitemap writes a spider for that"),
        (["/text", "--sitemap"], 2, "no sitemap at"),
        (["/nothing"], 1, "status: 404 Not Found, so no spider is given it"),
        (["/", "--css", "--xpath"], 2, "--css and --xpath do not go together"),
        (["/", "--page", "none.html"], 2, "cannot read none.html"),
        (["/", "-s", "fetch.nothing=1"], 2, "nothing"),
    ],
)
def test_what_cannot_be_done_is_told_and_writes_nothing(crawl_here, serve, tmp_path, words, code, told):
    server = serve({"/api": FEW, "/": "<title>x</title>", "/sitemap.xml": SITEMAP, "/text": "some words"})
    done = crawl_here("new", "films", server.url + words[0], *words[1:])
    assert (done.rc, told in done.stderr) == (code, True), done
    assert list(tmp_path.iterdir()) == []


def test_a_verification_page_ends_with_4(crawl_here, site, tmp_path):
    assert crawl_here("new", "films", f"{site.url}/verify").rc == 4
    assert list(tmp_path.iterdir()) == []


def test_what_robots_txt_forbids_is_left_alone(crawl_here, site, tmp_path):
    obeying = {"CRAWL_ROBOTS_OBEY": "true", "CRAWL_POLITENESS_DELAY": "0"}
    done = crawl_here("new", "account", f"{site.url}/account/", env=obeying)
    assert (done.rc, done.stderr.splitlines()[0]) == (
        1,
        f"crawl: {site.url}/robots.txt asks crawlers to leave {site.url}/account/ alone",
    )
    assert (site.log, list(tmp_path.iterdir())) == ([("GET", "/robots.txt")], [])
    assert crawl_here("new", "board", f"{site.url}/board/7", env=obeying).rc == 0
    assert crawl_here("new", "account", f"{site.url}/account/", "-s", "robots.obey=false", env=obeying).rc == 0


@pytest.mark.parametrize(("status", "code"), [(404, 0), (503, 1)])
def test_a_robots_txt_that_is_missing_forbids_nothing(crawl_here, serve, status, code):
    server = serve({"/robots.txt": (status, {}, "User-agent: *\nDisallow: /\n"), "*": "<title>x</title>"})
    done = crawl_here("new", "films", server.url, env={"CRAWL_ROBOTS_OBEY": "true", "CRAWL_POLITENESS_DELAY": "0"})
    assert (done.rc, f"robots.txt answers {status}" in done.stderr) == (code, code == 1), done


def test_a_folder_that_cannot_be_written_ends_with_5(crawl_here, site, tmp_path):
    (tmp_path / "tests").write_text("a file")
    done = crawl_here("new", "films", f"{site.url}/board/7")
    assert (done.rc, done.stderr.startswith("crawl: cannot write tests/pages/films/7.html: ")) == (5, True)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/empty", "/empty is empty"),
        ("/file", "/file is no page: it is application/pdf"),
        ("/map", "/map is a sitemap"),
        ("/map.gz", "/map.gz is a sitemap"),
        ("/map.txt", "/map.txt is a sitemap"),
        ("/other.gz", "/other.gz is no page: it is "),
    ],
)
def test_what_is_no_page_is_told(crawl_here, serve, tmp_path, path, told):
    import gzip

    odd = (
        SITEMAP.format("http://a.example").replace("<urlset", "<s:urlset xmlns:s='x'").replace("</urlset", "</s:urlset")
    )
    server = serve(
        {
            "/empty": " ",
            "/file": (200, {"Content-Type": "application/pdf"}, "%PDF-1.7"),
            "/map": (200, {"Content-Type": "text/xml"}, f"<!-- a map -->{odd}"),
            "/map.txt": (200, {"Content-Type": "text/plain"}, "http://a.example/1\nhttp://a.example/2\n"),
            "/other.gz": (200, {}, gzip.compress(b"some words")),
            "/map.gz": (200, {"Content-Type": "application/gzip"}, gzip.compress(odd.encode())),
        }
    )
    done = crawl_here("new", "films", server.url + path, "-s", "robots.obey=false")
    assert (done.rc, told in done.stderr) == (2, True), done
    assert not (tmp_path / "spiders").exists()


def test_a_name_that_no_file_can_have_is_refused(crawl_here):
    done = crawl_here("new", "a" * 300, "http://127.0.0.1:1/")
    assert (done.rc, "is too long for the name of a file" in done.stderr) == (2, True), done


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ('[{"id": 1}]', ["# if page.json():", '#     yield page.follow(f"?page={number}", data=number)']),
        ('{"data": {"results": [{"id": 1}], "next": "/2"}}', ['# if following := page.json()["data"].get("next"):']),
        ("[]", []),
    ],
)
def test_further_pages_of_an_api_are_asked_for_as_it_has_them(crawl_here, serve, tmp_path, answer, lines):
    server = serve({"*": (200, {"Content-Type": "application/json"}, answer)})
    done = crawl_here("new", "api", f"{server.url}/api", "--json-api", "-s", "robots.obey=false")
    assert done.rc == 0, done
    text = (tmp_path / "spiders/api.py").read_text()
    assert all(line in text for line in lines)
    assert ("gives it 0 items" in done.stderr) == (answer == "[]")


@pytest.mark.parametrize(
    ("path", "flags", "items"),
    [
        ("/board/4", [], 100),
        ("/board/4", ["--xpath"], 100),
        ("/board/4", ["--regex"], 100),
        ("/api/films?limit=40", ["--json-api"], 100),
    ],
)
def test_further_pages_are_read_once_the_comments_are_taken_away(crawl_here, site, tmp_path, path, flags, items):
    fast = ("-s", "politeness.delay=0", "-s", "robots.obey=false")
    assert crawl_here("new", "films", site.url + path, *flags, *fast).rc == 0
    uncomment(tmp_path / "spiders/films.py")
    done = crawl_here("run", "films", "-o", "-", "-q", "--pool", "inline", *fast)
    assert (done.rc, len(done.stdout.splitlines()), len(set(done.stdout.splitlines()))) == (0, items, items), done


@pytest.mark.parametrize("numbers", [("", "2", "3"), ("", "cursor 1+1/", "cursor 2"), ("list", "2", "3")])
def test_further_answers_are_read_once_the_comments_are_taken_away(crawl_here, serve, tmp_path, numbers):
    is_list = numbers[0] == "list"

    def answer(hit):
        given = hit.query.get("page", hit.query.get("cursor", numbers[0]))
        number = numbers.index(given) if given in numbers else 3
        records = [{"id": number}] if number < 3 else []
        following = numbers[number + 1] if number < 2 else None
        following = int(following) if following and following.isdecimal() else following
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps(records if is_list else {"meta": {"next": following}, "data": records}),
        )

    server = serve({"*": answer})
    fast = ("-s", "politeness.delay=0", "-s", "robots.obey=false")
    assert crawl_here("new", "films", f"{server.url}/api?sort=x", "--json-api", *fast).rc == 0
    uncomment(tmp_path / "spiders/films.py")
    done = crawl_here("run", "films", "-o", "-", "-q", "--pool", "inline", "--max-pages", "9", *fast)
    assert (done.rc, done.stdout) == (0, '{"id":0}\n{"id":1}\n{"id":2}\n'), done
    assert all("sort=x" in path for path in server.paths)


def uncomment(path):
    """Take the comments away from the code that reads further pages."""
    text, number = re.subn(r"^( +)# (?=if|for|    )|^( +)#$", r"\1", path.read_text(), flags=re.MULTILINE)
    assert number
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "kind", "body", "item"),
    [
        (
            "feed",
            "application/feed+json",
            '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "url": "/a", "title": "A"}]}',
            {"title": "A", "published": None, "summary": None},
        ),
        ("data", "application/x-ndjson", '{"a": 1, "b": [2]}', {"a": 1, "b": [2]}),
        ("data.txt", "text/plain", '{"a": 1}\n{"b": 2}\n', {"a": 1}),
        ("data", "text/csv", "a,b\n1,2\n", {"a": "1", "b": "2"}),
        ("data.csv", "application/octet-stream", "a;b c\n1,5;2\n", {"a": "1,5", "b c": "2"}),
        ("data", "text/tab-separated-values", "a,1\tb\n1\t2\n", {"a,1": "1", "b": "2"}),
        ("data.txt", "text/plain", "a,b\n1,2\n", {"a": "1", "b": "2"}),
    ],
)
def test_feeds_and_tables_are_read_as_such(crawl_here, serve, tmp_path, name, kind, body, item):
    server = serve({"*": (200, {"Content-Type": kind}, body)})
    done = crawl_here("new", "films", f"{server.url}/{name}", "-s", "robots.obey=false")
    assert done.rc == 0, done
    assert "(FeedSpider):" in (tmp_path / "spiders/films.py").read_text()
    done = crawl_here("run", "films", "-o", "-", "-q", "--pool", "inline", "-s", "politeness.delay=0")
    read = json.loads(done.stdout.splitlines()[0])
    if "link" in read:
        assert read.pop("link") == f"{server.url}/a"
    assert read == item


def test_words_with_commas_are_no_table(crawl_here, serve, tmp_path):
    server = serve({"*": (200, {"Content-Type": "text/plain"}, "one, two\nthree, four, five\n")})
    assert crawl_here("new", "films", f"{server.url}/a", "-s", "robots.obey=false").rc == 0
    assert "(Spider):" in (tmp_path / "spiders/films.py").read_text()


def test_a_table_that_cannot_be_read_is_told_and_writes_nothing(crawl_here, serve, tmp_path):
    server = serve({"*": (200, {"Content-Type": "text/csv"}, "a,b\n1,2,3\n")})
    done = crawl_here("new", "films", f"{server.url}/a", "-s", "robots.obey=false")
    assert (done.rc, "has not as many cells as the first line" in done.stderr) == (2, True), done
    assert list(tmp_path.iterdir()) == []
    server = serve({"*": (200, {}, '{"a": 1}\n{"a": 2}\n')})
    done = crawl_here("new", "films", f"{server.url}/a", "--json-api", "-s", "robots.obey=false")
    assert (done.rc, "it is JSON Lines, which is read as a feed: leave out --json-api" in done.stderr) == (2, True)


HITS = {"meta": [{"x": 1}] * 3, "hits": {"hits": [{"_source": {"t": 1}}] * 20}}


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        ([{"a": 1}, 5, None, {"a": 2}], [{"a": 1}, {"a": 2}]),
        ([None, {"a": 1}], [{"a": 1}]),
        (HITS, [{"_source": {"t": 1}}] * 20),
        ({"films": [{"id": 1, "who": [{"x": 1}] * 90}] * 2, "kinds": ["a"] * 90}, [{"id": 1}] * 2),
    ],
)
def test_the_records_of_an_answer_are_those_with_most_in_them(crawl_here, tmp_path, answer, items):
    (tmp_path / "page.json").write_text(json.dumps(answer))
    done = crawl_here("new", "films", "http://127.0.0.1:1/x", "--page", "page.json", "--json-api")
    assert done.rc == 0, done
    done = crawl_here("parse", "films", "page.json", "-q")
    assert [json.loads(line) for line in done.stdout.splitlines()] == items


@pytest.mark.parametrize("blocked", ["tests", "spiders"])
def test_where_one_file_cannot_be_written_none_is(crawl_here, serve, tmp_path, blocked):
    server = serve({"*": "<title>new</title>"})
    (tmp_path / blocked).write_text("a file")
    words = "new", "films", f"{server.url}/p"
    done = crawl_here(*words)
    assert (done.rc, f": {blocked} is a file, not a folder\n" in done.stderr) == (5, True), done
    assert [path.name for path in tmp_path.iterdir()] == [blocked]
    (tmp_path / blocked).unlink()
    assert crawl_here(*words).rc == 0
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "expected.json",
        "films.py",
        "p.html",
        "test_films.py",
    ]
    (tmp_path / "tests/spiders/test_films.py").unlink()
    (tmp_path / "tests/spiders/test_films.py").mkdir()
    spider = (tmp_path / "spiders/films.py").read_text()
    done = crawl_here(*words, "--force", "--xpath")
    assert (done.rc, "test_films.py is a folder" in done.stderr) == (2, True), done
    assert (tmp_path / "spiders/films.py").read_text() == spider


def test_what_is_missing_of_a_page_is_told_once(crawl_here, serve, caplog):
    server = serve({"*": "<title>deep</title>" + "<div>" * 3000})
    done = crawl_here("new", "films", f"{server.url}/p", "-s", "robots.obey=false")
    assert done.rc == 0, done
    assert caplog.text.count("nests too deep") == 1

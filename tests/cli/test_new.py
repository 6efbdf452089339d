"""`crawl new`: what it writes for each kind of page works at once, and it takes nothing away from anybody."""

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


def test_what_is_there_stays_unless_it_is_forced(crawl_here, serve, tmp_path):
    server = serve({"*": "<title>new</title>"})
    spider, test = tmp_path / "spiders/films.py", tmp_path / "tests/spiders/test_films.py"
    saved = tmp_path / "tests/pages/films/p.html"
    for path in (spider, test, saved):
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
    for path in (spider, test, saved):
        path.write_text("mine")
    assert crawl_here("new", "films", f"{server.url}/p", "--force").rc == 0
    assert "mine" not in spider.read_text() + test.read_text() + saved.read_text()
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
        ('[{"id": 1}]', ["# if page.json():", '#     yield page.follow("?page=2")']),
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

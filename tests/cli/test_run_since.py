"""`crawl run SPIDER --since RUN`: a site is crawled again, and only what has changed is read."""

import json
import sqlite3

import pytest

SPIDER = """
    from crawler import Request, Spider

    class News(Spider):
        site: str
        settings = {"politeness.delay": 0, "retry.pause": 0.01}

        def start(self):
            yield Request(f"{self.site}/")

        def parse(self, page):
            for text in page.css("p::text").getall():
                yield {"at": page.url.removeprefix(self.site), "text": text}
            for number, link in enumerate(page.links()):
                yield page.follow(link, data={"number": number}, on_failure="failed")
            for form in page.css("form::attr(action)").getall():
                yield page.follow(form, method="POST", body="q=1")

        def failed(self, failure):
            yield {"failed": failure.url.removeprefix(self.site)}
"""


class Site:
    """Pages by path; with `etags` the server knows conditional requests."""

    def __init__(self, serve, write, crawl_here, tmp_path):
        self.pages = {}
        self.etags = True
        self.fields = {}
        self.server = serve({"*": self.answer})
        write("news.py", SPIDER)
        self.tmp_path = tmp_path
        self.crawl_here = crawl_here
        self.runs = 0

    def answer(self, hit):
        page = self.pages.get(hit.path)
        if page is None:
            return 404, {}, "gone"
        if isinstance(page, tuple):
            return page
        etag = f'"{hash(page)}"'
        if not self.etags:
            return page
        if hit.headers.get("If-None-Match") == etag:
            return 304, {"ETag": etag}, ""
        return 200, {"ETag": etag, **self.fields}, page

    def crawl(self, *options, command="run", rc=0, items=None):
        """One run; its items as {(path, text)}, and what the site was asked."""
        del self.server.log[:]
        self.runs += 1
        out = self.tmp_path / f"{self.runs}.jsonl"
        arguments = ["news.py", "-a", f"site={self.server.url}", "-o", out, "--pool", "inline"]
        self.done = self.crawl_here(command, *(arguments if command == "run" else []), *options)
        assert self.done.rc == rc, self.done
        if command != "run":
            out = items or out
        return [tuple(json.loads(line).values()) for line in out.read_text().splitlines()] if out.exists() else []


@pytest.fixture
def site(serve, write, crawl_here, tmp_path):
    site = Site(serve, write, crawl_here, tmp_path)
    site.pages.update(
        {
            "/": '<p>home</p><a href="/a"></a><a href="/b"></a>',
            "/a": '<p>a</p><a href="/a/1"></a><a href="/"></a>',
            "/a/1": "<p>first of a</p><p>second of a</p>",
            "/b": '<p>b</p><a href="/b/1"></a>',
            "/b/1": "<p>first of b</p>",
        }
    )
    return site


@pytest.mark.parametrize("etags", [True, False])
def test_nothing_has_changed(site, etags):
    site.etags = etags
    assert len(site.crawl()) == 6
    assert site.crawl("--since", "last") == []
    assert sorted(site.server.paths) == ["/", "/a", "/a/1", "/b", "/b/1"]
    assert "nothing has changed since 20" in site.done.stderr
    assert "5 pages not modified, 0 changed, 0 gone" in site.done.stderr
    assert ("304: 5" in site.done.stderr) == etags


@pytest.mark.parametrize("etags", [True, False])
def test_only_what_is_new_or_has_changed_is_yielded(site, etags):
    site.etags = etags
    site.crawl()
    site.pages["/b/1"] = '<p>first of b</p><p>second of b</p><a href="/b/2"></a>'
    site.pages["/b/2"] = "<p>new</p>"
    assert sorted(site.crawl("--since", "news")) == [("/b/1", "second of b"), ("/b/2", "new")]
    assert "4 pages not modified, 1 changed, 0 gone" in site.done.stderr
    assert "not as in that run" not in site.done.stderr


def test_an_item_that_was_changed_is_yielded_and_its_neighbours_are_not(site):
    site.crawl("--meta")
    site.pages["/a/1"] = "<p>first of a</p><p>second of a, corrected</p>"
    [item] = site.crawl("--since", "last", "--meta")
    assert item[:3] == ("/a/1", "second of a, corrected", f"{site.server.url}/a/1")


def test_a_run_that_compares_can_be_compared_with(site):
    site.crawl()
    site.pages["/a/1"] += "<p>third</p>"
    assert site.crawl("--since", "last") == [("/a/1", "third")]
    assert site.crawl("--since", "last") == []
    site.pages["/b/1"] += "<p>second of b</p>"
    site.pages["/a/1"] += "<p>fourth</p>"
    assert sorted(site.crawl("--since", "last")) == [("/a/1", "fourth"), ("/b/1", "second of b")]


def test_changed_pages_without_a_changed_item(site):
    site.crawl()
    for path in site.pages:
        site.pages[path] += "<!-- served by 7 -->"
    assert site.crawl("--since", "last") == []
    assert "pages have changed, and none of their items since 20" in site.done.stderr


def test_a_page_that_is_wanted_with_other_data_is_read_again(site, write):
    spider = SPIDER.replace('"text": text}', '"text": text, "rank": page.data}')
    write("news.py", spider)
    site.crawl()
    site.pages["/"] = '<p>home</p><a href="/b"></a><a href="/a"></a>'
    changed = [("/a", "a", {"number": 1}), ("/b", "b", {"number": 0})]
    assert sorted(site.crawl("--since", "last")) == changed
    assert "4 pages not modified, 1 changed, 0 gone" in site.done.stderr


def test_other_arguments_are_told(site, write):
    write("news.py", SPIDER.replace("site: str", "site: str\n        lang: str = 'en'"))
    site.crawl()
    site.crawl("--since", "last", "-a", "lang=de")
    assert "not as in that run: the arguments (-a); only" in site.done.stderr


def test_pages_that_are_gone_are_counted(site):
    site.crawl()
    del site.pages["/b/1"]
    assert site.crawl("--since", "last") == [("/b/1",)]  # what reads its failure has never seen one
    assert "4 pages not modified, 0 changed, 1 gone" in site.done.stderr


def test_a_page_is_found_though_the_page_that_led_to_it_first_does_not_any_more(site):
    site.pages["/b"] += '<a href="/a/1"></a>'  # not the first to lead there
    site.crawl()
    site.pages["/a"] = "<p>a</p><p>new here</p>"
    site.pages["/a/1"] += "<p>third of a</p>"
    assert sorted(site.crawl("--since", "last")) == [("/a", "new here"), ("/a/1", "third of a")]


def test_redirects_are_followed_as_before(site):
    site.pages["/b"] = (301, {"Location": "/c"}, "")
    site.pages["/c"] = '<p>c</p><a href="/c/1"></a>'
    site.pages["/c/1"] = "<p>first of c</p>"
    assert len(site.crawl()) == 6
    site.pages["/c/1"] += "<p>second of c</p>"
    assert site.crawl("--since", "last") == [("/c/1", "second of c")]
    assert {"/b", "/c", "/c/1"} < set(site.server.paths)


def test_a_redirect_that_leads_elsewhere_is_a_new_page(site):
    site.pages["/b"] = (301, {"Location": "/c"}, "")
    site.pages["/c"] = "<p>c</p>"
    site.crawl()
    site.pages["/b"] = (301, {"Location": "/d"}, "")
    site.pages["/d"] = "<p>d</p>"
    assert site.crawl("--since", "last") == [("/d", "d")]


def test_forms_are_sent_again(site):
    site.pages["/a"] += '<form method="post" action="/search">'
    site.pages["/search"] = "<p>found</p>"
    site.crawl()
    assert site.crawl("--since", "last") == []
    assert [str(hit) for hit in site.server.log if hit.method == "POST"] == ["POST /search"]
    site.pages["/search"] += "<p>more</p>"
    assert site.crawl("--since", "last") == [("/search", "more")]


def test_forms_that_are_answered_with_a_redirect_are_sent_again(site):
    site.pages["/a"] += '<form method="post" action="/search">'
    site.pages["/search"] = (303, {"Location": "/found"}, "")
    site.pages["/found"] = "<p>found</p>"
    site.crawl()
    for _ in range(2):
        assert site.crawl("--since", "last") == []
        assert [str(hit) for hit in site.server.log if "/search" in hit.path] == ["POST /search"]


def test_a_page_that_a_form_leads_back_to_is_its_own(site):
    site.pages = {"/": '<p>home</p><form action="/login">'}
    answer = site.answer
    site.server.routes["/login"] = lambda hit: (303, {"Location": "/", "Set-Cookie": "who=me"}, "")
    site.server.routes["*"] = lambda hit: "<p>welcome</p>" if hit.headers.get("Cookie") else answer(hit)
    assert sorted(site.crawl()) == [("/", "home"), ("/", "welcome")]
    assert site.crawl("--since", "last") == []


def test_pages_that_were_not_read_well_are_read_again(site, write):
    write("news.py", SPIDER.replace("for text", "assert page.url[-2:] not in ('/a', '/b')\n            for text"))
    assert site.crawl(rc=1) == [("/", "home")]
    write("news.py", SPIDER)
    read = site.crawl("--since", "last")
    assert sorted(read) == [
        ("/a", "a"),
        ("/a/1", "first of a"),
        ("/a/1", "second of a"),
        ("/b", "b"),
        ("/b/1", "first of b"),
    ]
    assert "not as in that run: news.py; only pages" in site.done.stderr
    assert site.crawl("--since", "last") == []


def test_a_page_whose_items_were_cut_by_a_limit_is_read_again(site):
    site.pages["/"] = "<p>1</p><p>2</p><p>3</p>"
    assert len(site.crawl("--max-items", "2")) == 2
    assert site.crawl("--since", "last") == [("/", "3")]


@pytest.mark.parametrize("trouble", ["page", "host"])
def test_what_could_not_be_had_once_is_compared_with_the_run_before(site, trouble):
    site.crawl()
    pages = dict(site.pages)
    down = ["/a"] if trouble == "page" else pages
    site.pages.update(dict.fromkeys(down, (503, {}, "")))
    site.crawl("--since", "last", "-s", "retry.times=0", rc=1)
    site.pages = {**pages, "/a/1": "<p>first of a</p><p>third of a</p>"}
    assert site.crawl("--since", "last") == [("/a/1", "third of a")]


def test_why_says_that_a_page_was_not_read(site, crawl_here):
    site.crawl()
    site.crawl("--since", "last")
    told = crawl_here("why", f"{site.server.url}/a/1").stdout
    assert "since: not modified since 20" in told
    assert "found     on" in told
    assert "304" in told


def test_a_site_that_is_down_is_no_success(site):
    site.crawl()
    for path in site.pages:
        site.pages[path] = (503, {}, "")
    site.crawl("--since", "last", "-s", "retry.times=0", rc=1)
    site.pages["/"] = (404, {}, "")
    site.crawl("--since", "last", rc=3)


def test_a_run_that_was_stopped_goes_on_comparing(site, tmp_path):
    site.crawl()
    for path in ("/a", "/a/1", "/b/1"):
        site.pages[path] += "<p>more</p>"
    out = tmp_path / "2.jsonl"
    assert len(site.crawl("--since", "last", "--max-pages", "1")) == 1
    everything = site.crawl("-s", "limits.max_pages=0", command="resume", items=out)
    assert sorted(everything) == [("/a", "more"), ("/a/1", "more"), ("/b/1", "more")]
    assert "2 pages not modified, 3 changed, 0 gone" in site.done.stderr


def test_a_resumed_run_whose_other_one_is_gone(site, tmp_path):
    site.crawl("--run-dir", "first")
    site.pages["/a"] += "<p>more</p>"
    site.pages["/b"] += "<p>more</p>"
    site.crawl("--since", "first", "--max-pages", "1")
    (tmp_path / "first").rename(tmp_path / "elsewhere")
    site.crawl(command="resume", rc=2)
    assert "which this one is to tell the changes since, is gone" in site.done.stderr


def test_the_run_it_is_compared_with_is_not_deleted(site, tmp_path):
    runs = tmp_path / ".crawl" / "news"
    site.crawl()
    [first] = runs.iterdir()
    site.pages["/b/1"] += "<p>more</p>"
    site.crawl()
    site.crawl()
    assert site.crawl("-s", "run.keep=1", "--since", first.name) == [("/b/1", "more")]
    assert first.exists()
    assert len(list(runs.iterdir())) == 3  # one between them is gone


def test_with_worker_processes(site):
    site.crawl()
    site.pages["/b/1"] += "<p>more</p>"
    assert site.crawl("--since", "last", "--pool", "process") == [("/b/1", "more")]


def test_together_with_the_cache_of_rfc_9111(site):
    site.fields = {"Cache-Control": "no-cache"}
    site.crawl("--cache", "rfc9111")
    site.pages["/b/1"] += "<p>more</p>"
    assert site.crawl("--since", "last", "--cache", "rfc9111") == [("/b/1", "more")]
    assert "304: 4" in site.done.stderr


def test_the_conditions_of_the_cache_are_the_only_ones(site):
    site.fields = {"Cache-Control": "no-cache"}
    site.crawl("--run-dir", "first")
    old, site.pages["/b/1"] = site.pages["/b/1"], "<p>news</p>"
    site.crawl("--cache", "rfc9111")
    site.pages["/b/1"] = old
    assert site.crawl("--since", "first", "--cache", "rfc9111") == []
    assert [hit.headers.get_all("If-None-Match") for hit in site.server.log if hit.path == "/b/1"] == [
        [f'"{hash("<p>news</p>")}"']
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "nothing"], "there is no run 'nothing'"),
        (["--since", "other"], "is a run of other, not of news"),
        (["--since", "last", "--cache"], "--since asks the site what has changed"),
    ],
)
def test_what_it_refuses(site, write, crawl_here, tmp_path, options, said):
    write("other.py", f'start_urls = ["{site.server.url}/b/1"]\ndef parse(page):\n    yield {{"at": page.url}}\n')
    assert crawl_here("run", "other.py", "--pool", "inline").rc == 0
    site.crawl()
    runs = sorted((tmp_path / ".crawl").rglob("ledger.db"))
    site.crawl(*options, rc=2)
    assert said in site.done.stderr
    assert sorted((tmp_path / ".crawl").rglob("ledger.db")) == runs


def test_a_run_of_an_older_version_is_refused(site, tmp_path):
    site.crawl("--run-dir", "first")
    with sqlite3.connect(tmp_path / "first" / "ledger.db") as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    site.crawl("--since", "first", rc=2)
    assert "is a ledger of version 2, this crawler writes version" in site.done.stderr
    assert "start a new run: crawl run" in site.done.stderr

"""`crawl_offline`: a whole crawl on the pages of a test, and nothing else."""

import socket
import urllib.request

import pytest
import requests

from crawler import Download, Request, Spider
from crawler.errors import UsageError
from crawler.testing.answers import Json

SITE = "https://films.example"
BOARD = '<li><a href="/1">One</a></li><li><a href="/2">Two</a></li>'


class Films(Spider):
    site: str = SITE
    pages: int = 1

    def start(self):
        yield Request(f"{self.site}/board")

    def parse(self, page):
        for film in page.css("a"):
            yield page.follow(film, callback=self.parse_film, data={"pages": self.pages})

    def parse_film(self, page):
        yield {"title": page.css("h1::text").get(), **page.data}


def test_items_come_in_the_order_of_the_requests(crawl_offline):
    report = crawl_offline(Films, pages={f"{SITE}/board": BOARD, f"{SITE}/1": "<h1>一", f"{SITE}/2": "<h1>Two"})
    assert report.items == [{"title": "一", "pages": 1}, {"title": "Two", "pages": 1}]
    assert [request.url for request in report.requests] == [f"{SITE}/board", f"{SITE}/1", f"{SITE}/2"]
    assert (report.failures, report.exit_code) == ([], 0)


def test_arguments_and_settings(crawl_offline):
    pages = {"http://other.example/board": BOARD, "http://other.example/1": "<h1>One"}
    settings = {"limits.max_items": 1}
    report = crawl_offline(Films, pages, site="http://other.example", arguments={"pages": 7}, settings=settings)
    assert report.items == [{"title": "One", "pages": 7}]
    assert report.reason == "max_items reached"


def test_a_page_that_is_not_there_is_a_failure_that_names_its_url(crawl_offline):
    report = crawl_offline(Films, pages={f"{SITE}/board": BOARD, f"{SITE}/1": "<h1>One"})
    [failure] = report.failures
    assert failure.url == f"{SITE}/2"
    assert failure.detail == f"pages= has no page for {SITE}/2; the nearest one is {SITE}/1"
    assert (report.exit_code, len(report.items), len(report.requests)) == (1, 1, 3)  # and it is not tried again


def test_loopback_is_no_exception(crawl_offline, site):
    report = crawl_offline(Films, pages={}, site=site.url)
    assert f"pages= has no page for {site.url}/board" in report.failures[0].detail
    assert site.log == []


@pytest.mark.parametrize("pool", ["inline", "thread"])
def test_statuses_retries_redirects_and_cookies_are_those_of_a_crawl(crawl_offline, pool):
    class Login(Spider):
        def start(self):
            yield Request.post(f"{SITE}/login", form={"user": "me"})

        def parse(self, page):
            yield {"at": page.url}

    report = crawl_offline(
        Login,
        pages={
            f"POST {SITE}/login": (303, {"Location": "/in", "Set-Cookie": ["a=1; Path=/", "b=2; Path=/"]}, ""),
            f"{SITE}/in": [(503, {"Retry-After": "60"}, ""), TimeoutError("too late"), "<p>in"],
        },
        settings={"crawl.pool": pool},
    )
    assert report.items == [{"at": f"{SITE}/in"}]
    assert [(sent.method, sent.url.removeprefix(SITE)) for sent in report.requests] == [
        ("POST", "/login"), ("GET", "/in"), ("GET", "/in"), ("GET", "/in")
    ]  # fmt: skip
    assert report.requests[0].body == b"user=me"
    assert report.requests[3].headers["Cookie"] == "a=1; b=2"
    assert report.seconds < 10


def test_another_method_is_another_page(crawl_offline):
    report = crawl_offline(Films, pages={f"POST {SITE}/board": BOARD})
    assert report.failures[0].detail == f"pages= has no page for {SITE}/board, only for POST"


def test_robots_txt_is_asked_for_where_that_is_wanted(crawl_offline):
    pages = {f"{SITE}/board": BOARD, f"{SITE}/1": "<h1>One", f"{SITE}/2": "<h1>Two"}
    report = crawl_offline(Films, pages, settings={"robots.obey": True})
    assert (len(report.items), report.requests[0].url) == (2, f"{SITE}/robots.txt")
    pages[f"{SITE}/robots.txt"] = "User-agent: *\nDisallow: /2"
    report = crawl_offline(Films, pages, settings={"robots.obey": True})
    assert (report.items, report.dropped) == ([{"title": "One", "pages": 1}], {"robots": 1})


def test_pauses_of_the_spider_and_secrets_of_its_sites_are_of_no_interest(crawl_offline):
    class Slow(Films):
        settings = {
            "politeness.delay": 3600,
            "fetch.proxy": "env:NO_SUCH_PROXY",
            "host": [{"match": "films.example", "delay": 3600, "auth": "env:NO_SUCH_LOGIN"}],
        }

    report = crawl_offline(Slow, pages={f"{SITE}/board": BOARD, f"{SITE}/1": "<h1>1", f"{SITE}/2": "<h1>2"})
    assert len(report.items) == 2


def test_files_go_to_a_folder_of_the_test(crawl_offline, tmp_path):
    class Files(Spider):
        def start(self):
            yield Download(f"{SITE}/a.pdf", folder="sheets")

    report = crawl_offline(Files, pages={f"{SITE}/a.pdf": b"%PDF-1.4"})
    assert report.items[0]["path"] == str(tmp_path / "downloads" / "sheets" / "a.pdf")
    assert (tmp_path / "downloads" / "sheets" / "a.pdf").read_bytes() == b"%PDF-1.4"


class Asks(Spider):
    """Goes past the crawler, as `way` says."""

    way: str
    start_urls = [f"{SITE}/"]

    def parse(self, page):
        match self.way:
            case "connect":
                socket.create_connection(("127.0.0.1", 9), 1)
            case "connect_ex":
                socket.socket().connect_ex(("127.0.0.1", 9))
            case "name":
                socket.getaddrinfo("other.example", 80)
            case "old name":
                socket.gethostbyname("other.example")
            case "datagram":
                socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))
            case "urllib":
                urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)
            case "requests":
                requests.get(f"{SITE}/other", timeout=1)
        yield {"reached": self.way}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("way", "named"),
    [
        ("connect", "127.0.0.1:9"),
        ("connect_ex", "127.0.0.1:9"),
        ("name", "other.example:80"),
        ("old name", "other.example"),
        ("datagram", "127.0.0.1:9"),
        ("urllib", "127.0.0.1:9"),
        ("requests", f"pages= has no page for {SITE}/other"),
    ],
)
def test_the_network_is_shut_for_the_spider_too(crawl_offline, way, named):
    report = crawl_offline(Asks, pages={f"{SITE}/": "x"}, way=way)
    assert report.items == []
    assert named in report.page_errors[0].message


def test_afterwards_the_network_is_as_it_was(crawl_offline, site):
    before = (socket.getaddrinfo, socket.socket.connect, "connect" in vars(socket.socket))
    crawl_offline(Films, pages={})
    with pytest.raises(UsageError):
        crawl_offline(Films, pages={}, nothing=1)
    assert (socket.getaddrinfo, socket.socket.connect, "connect" in vars(socket.socket)) == before
    assert requests.get(f"{site.url}/board/7", timeout=5).status_code == 200


def test_other_threads_go_on(crawl_offline, site):
    import threading

    class Waits(Spider):
        start_urls = [f"{SITE}/"]

        def parse(self, page):
            begin.set()
            assert done.wait(10)
            yield {"answer": answers.pop()}

    begin, done, answers = threading.Event(), threading.Event(), []

    def ask():
        begin.wait(10)
        with socket.create_connection(site.server_address[:2], 5) as connection:
            connection.sendall(b"GET /board/7 HTTP/1.0\r\n\r\n")
            answers.append(connection.recv(15).decode())
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    report = crawl_offline(Waits, pages={f"{SITE}/": "x"})
    thread.join()
    assert report.items == [{"answer": "HTTP/1.1 200 OK"}]


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ({"/board": "x"}, "pages['/board']: the key is no absolute URL"),
        ({"ftp://a.example/": "x"}, "the key is no absolute URL"),
        ({SITE: 7}, "is int, which is no page"),
        ({SITE: (200, "x")}, "is a tuple, but not (status, headers, body)"),
        ({SITE: []}, "is an empty list"),
        ({SITE: "pages/none.html"}, "cannot read pages/none.html: No such file or directory"),
    ],
)
def test_pages_that_cannot_be_meant_are_refused(crawl_offline, pages, told):
    with pytest.raises(UsageError) as raised:
        crawl_offline(Films, pages)
    assert told in raised.value.message


def test_processes_are_refused(crawl_offline):
    with pytest.raises(UsageError, match="cannot answer in other processes"):
        crawl_offline(Films, {}, settings={"crawl": {"pool": "process"}})


@pytest.mark.parametrize(
    ("url", "page", "kind", "text"),
    [
        ("/", "<p>é", "text/html; charset=utf-8", "<p>é"),
        ("/feed.xml", "<rss/>", "xml; charset=utf-8", "<rss/>"),
        ("/api", {"a": "é"}, "application/json", '{"a":"é"}'),
        ("/api", Json([1]), "application/json", "[1]"),
        ("/", (200, {"Content-Type": "text/html; charset=gb2312"}, "电".encode("gb2312")), "gb2312", "电"),
        ("/", b'<meta charset="gb2312">\xb5\xe7', "text/html", '<meta charset="gb2312">电'),
        ("/list.txt", "https://a.example/x.html", "text/plain", "https://a.example/x.html"),
    ],
)
def test_pages_are_what_they_look_like(crawl_offline, url, page, kind, text):
    class Reads(Spider):
        start_urls = [SITE + url]

        def parse(self, page):
            yield {"kind": page.headers["content-type"], "text": page.text}

    report = crawl_offline(Reads, pages={SITE + url: page})
    assert report.items[0]["text"] == text
    assert kind in report.items[0]["kind"]


@pytest.mark.parametrize("as_path", [True, False])
def test_a_saved_page_is_a_file(crawl_offline, tmp_path, monkeypatch, as_path):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "board.html"
    page.write_bytes('<meta charset="gb2312"><a href="/1">电</a>'.encode("gb2312"))
    report = crawl_offline(Films, {f"{SITE}/board": page if as_path else "board.html", f"{SITE}/1": "<h1>1"})
    assert len(report.items) == 1

"""`crawl fetch`: bodies on standard output or in files, header fields, exit codes."""

import pytest

VERIFY = "<html><head><title>猫眼验证中心</title></head></html>"


@pytest.fixture
def site_of_three(serve):
    return serve(
        {
            "/1": "one\n",
            "/2": "two\n",
            "/raw": (200, {"Content-Type": "image/png"}, b"\x89PNG\0\xff"),
            "/old": (301, {"Location": "/1", "Set-Cookie": "id=7"}, ""),
            "/loop": (302, {"Location": "/loop"}, ""),
            "/verify": VERIFY,
            "/gone": (410, {}, "was here\n"),
            "/inside": (302, {"Location": "http://127.0.0.9:1/"}, ""),
            "/evil": (200, {"X-Evil": "a\x1b[31mb"}, "e"),
            "*": lambda hit: str(hit.headers.get("Authorization")),
        }
    )


FAST = ("-s", "politeness.delay=0")


def test_a_body_is_written_as_it_came(crawl_here, site_of_three):
    done = crawl_here("fetch", f"{site_of_three.url}/1")
    assert (done.rc, done.stdout, done.stderr) == (0, "one\n", "")


def test_several_pages_come_in_the_order_they_were_typed(crawl_here, site_of_three):
    urls = [f"{site_of_three.url}/{name}" for name in ("2", "1", "gone")]
    done = crawl_here("fetch", *urls, *FAST)
    assert (done.rc, done.stdout) == (0, "two\none\nwas here\n")
    assert site_of_three.most == 1  # one host, one page at a time


def test_hosts_are_asked_side_by_side_by_processes(crawl_here, serve):
    servers = [serve({"/": f"{n} "}) for n in range(3)]
    done = crawl_here("fetch", *(server.url for server in servers), "http://127.0.0.1:1/", "-s", "crawl.workers=2")
    assert (done.rc, done.stdout) == (1, "0 1 2 ")
    assert done.stderr == "crawl: http://127.0.0.1:1/: connect: Connection refused\n"


def test_the_pause_between_two_pages_of_a_host_is_kept(crawl_here, site_of_three):
    crawl_here("fetch", f"{site_of_three.url}/1", f"{site_of_three.url}/2", "-s", "politeness.delay=0.2")
    first, second = site_of_three.log
    assert second.at - first.at > 0.19


def test_header_fields_are_told_apart_from_the_body(crawl_here, site_of_three):
    url = site_of_three.url.replace("//", "//me:geheim@")
    done = crawl_here("fetch", "--headers", f"{url}/old", *FAST, "-s", 'fetch.headers={"X-Token":"geheim","A":"b"}')
    assert (done.rc, done.stdout) == (0, "one\n")
    lines = done.stderr.splitlines()
    assert lines[:2] == [f"* {site_of_three.url}/old redirects", f"> GET {site_of_three.url}/1"]
    assert "> X-Token: ***" in lines
    assert "> A: b" in lines
    assert "> Cookie: ***" in lines
    assert "< 200 OK" in lines
    assert "geheim" not in done.stderr


def test_header_fields_cannot_move_the_cursor(crawl_here, site_of_three):
    assert "< X-Evil: a\\x1b[31mb\n" in crawl_here("fetch", "--headers", f"{site_of_three.url}/evil").stderr


@pytest.mark.parametrize(
    ("path", "rc", "strict", "told"),
    [
        ("/1", 0, 0, ""),
        ("/gone", 0, 1, "410 Gone"),
        ("/verify", 0, 4, "blocked: verification page"),
        ("/loop", 1, 1, "redirect: more than 3 hops"),
    ],
)
def test_a_status_counts_if_it_is_asked_for(crawl_here, site_of_three, path, rc, strict, told):
    options = [f"{site_of_three.url}{path}", "-s", "redirect.max_hops=3", *FAST]
    assert crawl_here("fetch", *options).rc == rc
    done = crawl_here("fetch", "--check-status", *options)
    assert done.rc == strict
    assert told in done.stderr


def test_a_redirect_does_not_lead_into_the_network_around(crawl_here, site_of_three, monkeypatch):
    monkeypatch.delenv("CRAWL_GUARD_ALLOW")
    done = crawl_here("fetch", f"{site_of_three.url}/inside")
    assert done.rc == 1
    assert "127.0.0.9 is a private address" in done.stderr


def test_settings_and_logins_are_those_of_a_crawl(crawl_here, site_of_three, write):
    write("own.toml", f'host = [{{ match = "{site_of_three.host}", auth = "me:secret" }}]')
    done = crawl_here("fetch", f"{site_of_three.url}/who", "--config", "own.toml")
    assert done.stdout == "Basic bWU6c2VjcmV0"
    done = crawl_here("fetch", f"{site_of_three.url}/who", "-s", "fetch.proxy=http://127.0.0.1:1")
    assert (done.rc, done.stderr.partition(": connect: the proxy")[2] != "") == (1, True)


def test_pages_are_saved_under_safe_names_and_never_over_each_other(crawl_here, site_of_three, tmp_path):
    urls = [f"{site_of_three.url}/{name}" for name in ("1", "1", "raw", "..%2f..%2fx")]
    done = crawl_here("fetch", *urls, "--save", "pages", *FAST)
    assert (done.rc, done.stdout) == (0, "")
    files = {path.name: path.read_bytes() for path in (tmp_path / "pages").iterdir()}
    assert files == {
        "1.html": b"one\n",
        "1-2.html": b"one\n",
        "raw.png": b"\x89PNG\0\xff",
        "_.._x.html": b"None",
    }
    assert f"crawl: {site_of_three.url}/1 → pages/1-2.html (4 bytes)\n" in done.stderr


def test_save_may_stand_alone_or_name_a_file(crawl_here, site_of_three, tmp_path):
    assert crawl_here("fetch", "--save", f"{site_of_three.url}/2").rc == 0
    assert crawl_here("fetch", f"{site_of_three.url}/1", "--save", "2.html").rc == 0  # named, so replaced
    assert (tmp_path / "2.html").read_text() == "one\n"
    assert crawl_here("fetch", f"{site_of_three.url}/1", "--save", "none/x").rc == 5


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("example.org", "did you mean https://example.org/?"), ("ftp://a.example/", "it begins with https:// or http://")],
)
def test_what_is_no_url_is_told(crawl_here, typed, hint):
    done = crawl_here("fetch", typed)
    assert (done.rc, done.stderr) == (2, f"crawl: {typed!r} is no URL that can be fetched\n  {hint}\n")


def test_a_terminal_is_shown_text_only(crawl_here, site_of_three, serve, monkeypatch):
    server = serve({"/esc": (200, {"Content-Type": "text/html"}, b"<p>\x1b[31m\ttab \xe4\n2")})
    monkeypatch.setattr("os.isatty", lambda number: number == 1)
    assert crawl_here("fetch", f"{server.url}/esc").stdout == "<p>\\x1b[31m\ttab ä\n2\n"
    done = crawl_here("fetch", f"{site_of_three.url}/raw")
    assert (done.stdout, done.stderr) == (
        "",
        "crawl: 6 bytes of image/png are nothing for a terminal: --save keeps them\n",
    )

"""URLs: the short ways of `url.py` against the library and against the web platform's own test data."""

import csv
import json
from pathlib import Path

import pytest
from ada_url import URL, join_url
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.url import canonical, fingerprint_of, host_named, host_of, hostname_of, join, join_all, split_credentials

WPT = Path(__file__).parents[2] / "shared" / "data" / "url" / "urltestdata.json"
RESOLVE = WPT.with_name("url-resolve.csv")


def library_canonical(url):
    """What `canonical` has to give: the library's answer, without any short way."""
    parsed = URL(url)
    parsed.hash = ""
    return parsed.href


def library_join(base, href):
    return join_url(base, href).partition("#")[0]


def answer(function, *arguments):
    """The answer, or the fact that there is none."""
    try:
        return function(*arguments)
    except ValueError:
        return ValueError


hosts = st.one_of(
    st.sampled_from(
        [
            "a.example",
            "www.maoyan.com",
            "maoyan.com.",
            "localhost",
            "a--b.example",
            "a-.example",
            "-a.example",
            "xn--fiq228c.example\n",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "xn--a.example",
            "a.xn--",
            "XN--FIQ228C.example",
            "例子.测试",
            "bücher.example",
            "straße.de",
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "127.0.0.01\n",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "127.0.0.1.",
            "127.0.0.256",
            "127.0.0.100",
            "127.10.20.30",
            "1.2.3",
            "4294967295",
            "4294967296",
            "a.1",
            "a.0x1",
            "1.a",
            "09.example",
            "a..b",
            ".a\n",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "[::1]",
            "[::1%25eth0]",
            "[2001:DB8::0:1]",
            "u@h.example",
            "u:p@h.example",
            ":@h.example",
            "A.Example",
            "a_b.example",
            "a%2eb.example\n",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "a%41.example",
            "a.b%00",
            "ａ.example",
            "©.example",
            "example.com/",
            "a\tb.example",
        ]
    ).map(str.strip),
    st.text("abcxyz019-._%A", min_size=1, max_size=12),
    st.from_regex(r"[a-z][a-z0-9-]{0,5}(\.[a-z][a-z0-9-]{0,5}){0,3}\.?", fullmatch=True),
)
ports = st.one_of(
    st.sampled_from(
        ["", "", "", *[":", ":80", ":443", ":8080", ":1000", ":9999", ":0", ":080", ":65535", ":65536", ":99999"]]
    ),
    st.integers(0, 70_000).map(lambda number: f":{number}"),
)
segments = st.one_of(
    st.sampled_from(
        [
            "",
            "a b",
            *[
                ".",
                "..",
                "...",
                "%2e",
                "%2E",
                "%2e%2e",
                ".%2e",
                "%2e.",
                "..;",
                ".a",
                "a.",
                "%",
                "%4",
                "%41",
                "%zz",
                "%2f",
                "~",
                "é",
            ],
        ]
    ),
    st.text("aZ0_-~.!$&'()*+,;=:@%\\ \t\n\"<>`{}|^[]é中", max_size=6),
    st.text("aZ09_-~!$&()*+,;=:@.", min_size=1, max_size=8),
)
paths = st.lists(segments, max_size=5).map(lambda parts: "".join("/" + part for part in parts))
queries = st.one_of(
    st.just(""),
    st.text("aZ09_-~!$&()*+,;=:@./?", max_size=10).map("?".__add__),
    st.text("a=&?/'\"<>%# \t\\`{}|^[]é中\x00", max_size=10).map("?".__add__),
)
fragments = st.sampled_from(["", "", "", "#", "#top", "#a#b", "#/x?y"])
schemes = st.sampled_from(
    ["http", "https", "http", "https", "HTTP", "ftp", "ws", "file", "httpx", "mailto", "javascript"]
)
absolute = st.builds(
    "{}:{}{}{}{}{}{}".format,
    schemes,
    st.sampled_from(["//", "//", "//", "/", "///", "\\\\"]),
    hosts,
    ports,
    paths,
    queries,
    fragments,
)
# Spaces and control characters around a URL are not part of it.
padded = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", " ", "\n", "\x00"]),
    absolute,
    st.sampled_from(["", "", "", " ", "\n"]),
)
# What the short ways are for, and what is just a little different.
tame_hosts = st.from_regex(r"[a-z][a-z0-9-]{0,6}(\.[a-z]{1,4}){0,2}(:[0-9]{2,5})?", fullmatch=True)
tame_segments = st.one_of(
    st.sampled_from(["", ".", "..", "...", ".a", "..a", "a..", "%2e", "a%2e", "A", "é"]),
    st.text("aZ09_-~!$&()*+,;=:@.", min_size=1, max_size=6),
)
tame_paths = st.lists(tame_segments, min_size=1, max_size=4).map(lambda parts: "".join("/" + part for part in parts))
tame_queries = st.one_of(st.just(""), st.text("aZ09&=./?~-", max_size=8).map("?".__add__))
tame = st.builds("http{}://{}{}{}".format, st.sampled_from(["", "s"]), tame_hosts, tame_paths, tame_queries)
tame_on_loopback = st.from_regex(r"https?://127(\.[0-9]{1,2}){3}(:[1-9][0-9]{3})?/[a-z]{0,3}", fullmatch=True)
any_url = st.one_of(padded, tame, tame_on_loopback)
hrefs = st.one_of(
    st.builds("{}{}{}".format, paths, queries, fragments),
    st.builds("{}{}{}".format, st.lists(segments, max_size=4).map("/".join), queries, fragments),
    st.builds("{}{}{}".format, tame_paths, st.sampled_from(["", "/"]), tame_queries),
    any_url,
)


@given(any_url)
@settings(max_examples=300, deadline=None)
@example("http://a.example/\n")
@example("http://a.example:80/")
@example("http://xn--a.example/")
@example("http://127.0.0.01/")
@example("http://a.example/%2e/x")
@example("http://a.example/a/../b")
@example("http://a.example/a/.")
def test_the_canonical_form_is_the_librarys(url):
    assert answer(canonical, url) == answer(library_canonical, url)


@given(any_url)
@settings(max_examples=100, deadline=None)
def test_the_canonical_form_is_its_own_canonical_form(url):
    once = answer(canonical, url)
    if once is not ValueError:
        assert canonical(once) == once
        assert "#" not in once


@given(any_url, hrefs)
@settings(max_examples=300, deadline=None)
@example("http://a.example/x", "//b.example/")
@example("http://a.example/x", "/..")
@example("http://a.example/x", "/a/%2e%2e/b")
@example("http://a.example/x", "/a\\b")
@example("file:///x", "/a")
@example("httpx:/a//b/c", "/d")
def test_a_join_is_the_librarys(page, href):
    base = answer(canonical, page)
    if base is not ValueError:
        assert answer(join, base, href) == answer(library_join, base, href)


@given(any_url, st.lists(hrefs, max_size=4), any_url)
@settings(max_examples=100, deadline=None)
def test_the_links_of_a_page_are_joined_as_single_ones(page, links, other_page):
    for base in (answer(canonical, page), answer(canonical, other_page)):
        if base is not ValueError and base.startswith(("http://", "https://")):
            expected = [answer(library_join, base, href) for href in links]
            for _ in range(2):  # the second time from memory
                assert list(join_all(base, links)) == [link for link in expected if link is not ValueError]


@given(any_url, hrefs)
@settings(max_examples=100, deadline=None)
def test_a_joined_link_is_canonical(page, href):
    base = answer(canonical, page)
    link = answer(join, base, href) if base is not ValueError else ValueError
    # Without a host (mailto:, javascript:) a cut fragment may leave a blank that the library would cut, too.
    if link is not ValueError and link.startswith(("http:", "https:")):
        assert canonical(link) == link


@given(any_url)
@settings(max_examples=100, deadline=None)
def test_host_and_hostname_are_the_librarys(url):
    whole = answer(canonical, url)
    if whole is not ValueError and whole.startswith(("http://", "https://")):
        parsed = URL(whole)
        assert host_of(whole) == parsed.host
        assert hostname_of(whole) == parsed.hostname


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Www.Maoyan.COM:80/board/../board/./4#top", "http://www.maoyan.com/board/4"),
        ("https://a.example:443", "https://a.example/"),
        ("https://a.example:80", "https://a.example:80/"),
        ("http://a.example/%7Eme", "http://a.example/%7Eme"),
        ("http://a.example\\b\\c", "http://a.example/b/c"),
        (" http://a.example/a\tb\n", "http://a.example/ab"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://例子.测试/电影?名=1", "http://xn--fsqu00a.xn--0zwm56d/%E7%94%B5%E5%BD%B1?%E5%90%8D=1"),
        ("http://[::0001]:8080/", "http://[::1]:8080/"),
        ("http://a.example//x//", "http://a.example//x//"),
        ("http://a.example./", "http://a.example./"),
        ("http://a.example?", "http://a.example/?"),
    ],
)
def test_the_canonical_form(url, expected):
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:45123/a", "http://127.0.0.1:8080/a", "http://a.example:1024/b?c", "https://a.example/"]
)
def test_the_library_is_not_asked_about_what_it_would_not_change(url, monkeypatch):
    """It takes five times as long. Servers for tests get a port of five digits from the system."""
    assert library_canonical(url) == url
    monkeypatch.setattr("crawler.url.URL", None)
    assert canonical(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "/board/4", "www.maoyan.com", "http://", "http://a b/", "http://a:65536/", "http://[::1/", "http://\ud800/"],
)
def test_what_is_no_absolute_url_has_no_canonical_form(url):
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        canonical(url)


@pytest.mark.parametrize(
    ("url", "host", "hostname"),
    [
        ("http://a.example/", "a.example", "a.example"),
        ("http://a.example:8080/x", "a.example:8080", "a.example"),
        ("http://u:p@a.example:8080/@x:1", "a.example:8080", "a.example"),
        ("http://[::1]/", "[::1]", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080", "[::1]"),
        ("http://a.example/?http://b.example/", "a.example", "a.example"),
    ],
)
def test_the_host_of_a_url(url, host, hostname):
    assert (host_of(url), hostname_of(url)) == (host, hostname)


def test_http_and_https_of_one_name_share_a_host():
    assert host_of(canonical("http://a.example:80/")) == host_of(canonical("https://a.example:443/"))


def test_different_requests_have_different_fingerprints():
    url = "http://a.example/"
    prints = [
        fingerprint_of(url),
        fingerprint_of(url + "x"),
        fingerprint_of(url, "POST"),
        fingerprint_of(url, "POST", b"a"),
        fingerprint_of(url, "POST", b"b"),
        fingerprint_of(url, "GET", b"a"),
        fingerprint_of(url, spider=1),
        fingerprint_of(url, "POST", b"a", spider=1),
    ]
    assert len(set(prints)) == len(prints)
    assert {len(one) for one in prints} == {8}


def test_a_fingerprint_is_the_same_in_every_run():
    assert fingerprint_of("http://a.example/").hex() == "3a87aef1ec36efc3"
    assert fingerprint_of("http://a.example/", "POST", "é") == fingerprint_of("http://a.example/", "POST", "é".encode())


def _foreign_cases():
    if not WPT.is_file():
        pytest.skip(f"needs the web platform's URL tests in {WPT}")
    return [case for case in json.loads(WPT.read_text()) if isinstance(case, dict)]


def test_the_web_platforms_own_cases():
    wrong = []
    joined = parsed = 0
    for case in _foreign_cases():
        expected = ValueError if case.get("failure") else case["href"].partition("#")[0]
        if case["base"] is None:
            got = answer(canonical, case["input"])
            parsed += 1
        elif case["input"].startswith("#") or (base := answer(canonical, case["base"])) is ValueError:
            continue  # opaque bases that only a fragment can be joined to, and bases that are no URL
        else:
            got = answer(join, base, case["input"])
            joined += 1
        if got != expected:
            wrong.append((case["input"], case["base"], expected, got))
    assert parsed > 300
    assert joined > 300
    assert not wrong


def test_the_web_platforms_inputs_are_joined_to_its_urls_as_the_library_does():
    inputs = sorted({case["input"] for case in _foreign_cases()})
    urls = (answer(canonical, url) for url in inputs)
    bases = sorted({url for url in urls if url is not ValueError and url.startswith("http")})[::4]
    assert len(inputs) * len(bases) > 10_000
    for base in bases:
        expected = [answer(library_join, base, href) for href in inputs]
        assert [answer(join, base, href) for href in inputs] == expected
        wanted = [link for link in expected if link is not ValueError]
        assert [list(join_all(base, inputs)) for _ in range(2)] == [wanted, wanted]


# Pieces that meet at the borders of the short ways.
rubble = st.lists(
    st.sampled_from([
        "http://", "https://", "HTTP:", "//", "a.example", "xn--a", "127.0.0.1", "127.0.0.01", ":80", ":443", ":8080",
        "/", ".", "..", "%2e", "?", "#", "@", "u:p@", "\\", "a", "é", "0x7f", "1", " ", "%", "｡", "\u00ad", "_", "-",
        ":", "[::1]", "&", ";", "*", "~", "'", "|", "^", "\t", "A", "9", "xn--", "\u200d", "\ud800",
    ]),
    max_size=8,
).map("".join)  # fmt: skip


@given(st.sampled_from(["http://a.example/", "https://a.example:8080/b/c?d", "http://[::1]//a"]), st.lists(rubble))
@settings(max_examples=300, deadline=None)
@example("http://a.example/", ["http://a.example//b.example/", "//b.example/"])
def test_rubble_is_what_the_library_makes_of_it(base, links):
    for link in links:
        assert answer(canonical, link) == answer(library_canonical, link)
        assert answer(join, base, link) == answer(library_join, base, link)
    expected = [answer(library_join, base, link) for link in links]
    assert list(join_all(base, links)) == [link for link in expected if link is not ValueError]


def test_the_joins_of_another_crawler():
    if not RESOLVE.is_file():
        pytest.skip(f"needs the joins in {RESOLVE}")
    lines = RESOLVE.read_text(encoding="utf-8").splitlines()
    rows = [[field.strip() for field in row] for row in csv.reader(lines, skipinitialspace=True) if len(row) == 3]
    cases = [row for row in rows if not row[0].startswith("#") and row[1]]
    assert len(cases) > 5
    # That file leaves canonical form (default ports, empty passwords) to somebody else.
    wrong = [case for case in cases if join(canonical(case[1]), case[0]) != canonical(case[2])]
    assert not wrong


def test_remembered_links_of_one_origin_do_not_answer_for_another() -> None:
    assert list(join_all("http://127.0.0.1:8099/", ["/p/1.html"])) == ["http://127.0.0.1:8099/p/1.html"]
    # Put behind each other as text, these two would be the URL above.
    assert list(join_all("http://127.0.0.1:809/", ["9/p/1.html"])) == ["http://127.0.0.1:809/9/p/1.html"]
    assert list(join_all("http://a.example/x/", ["http://[", "/b", "//c.example/", "d", "/b#e"])) == [
        "http://a.example/b",
        "http://c.example/",
        "http://a.example/x/d",
        "http://a.example/b",
    ]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.org", "example.org"),
        ("Example.ORG", "example.org"),
        ("example.org:8080", "example.org:8080"),
        ("example.org:80", "example.org"),
        ("example.org:443", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("https://example.org:80", "example.org:80"),
        ("http://example.org/", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_host_that_people_mean(text, host):
    assert host_named(text) == host


@pytest.mark.parametrize(
    "text",
    ["", "a b", "http://", "a.example/x", "a.example?x", "me@a.example", "ftp://a.example", "*.a", "a:b", "a:99999"],
)
def test_what_is_no_host(text):
    with pytest.raises(ValueError, match=r"no host|Invalid"):
        host_named(text)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://u:p@a.example:81/b?c@d", ("http://a.example:81/b?c@d", "u", "p")),
        ("https://u%40x:p%3A%C3%A9@a.example/", ("https://a.example/", "u@x", "p:é")),
        ("http://u@a.example/", ("http://a.example/", "u", "")),
        ("http://:p@[::1]/", ("http://[::1]/", "", "p")),
        ("http://u:p:q@a.example/@x", ("http://a.example/@x", "u", "p:q")),
        ("http://a.example/@b", None),
        ("http://a.example/?x=u:p@b", None),
        ("http://@a.example/", None),
    ],
)
def test_credentials_are_split_off(url, expected):
    assert split_credentials(canonical(url)) == expected


def test_escapes_that_mean_the_same_have_one_fingerprint():
    same = [fingerprint_of(f"http://a.example/{path}") for path in ("~u/%C3%A9%2F", "%7eu/%c3%a9%2f", "%7Eu/%C3%a9%2F")]
    assert len(set(same)) == 1
    assert fingerprint_of("http://a.example/%2F") != fingerprint_of("http://a.example//")
    assert fingerprint_of("http://a.example/%zz%") != fingerprint_of("http://a.example/%ZZ%")


def test_each_session_fetches_for_itself():
    url = "http://a.example/"
    assert len({fingerprint_of(url, jar=jar) for jar in ("", "a", "b")}) == 3

"""What a jar keeps, to whom it sends it, and what has to go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.rules import cookie_jar
from crawler.rules.cookie_jar import Jar, default_path, path_matches

URL = "http://www.a.example/films/1"
TLS = "https://www.a.example/films/1"


class Told(list):
    def __call__(self, domain, path, name, text):
        self.append((domain, path, name, text is not None))


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def jar(told):
    return Jar(told)


def store(jar, *lines, url=URL, now=1000.0):
    for line in lines:
        jar.store(url, line, now)


def sent(jar, url=URL, now=1000.0):
    return "; ".join(f"{name}={value}" for name, value in jar.pairs(url, now))


# -- domains -------------------------------------------------------------------------------------------------------


def test_without_a_domain_a_cookie_is_for_its_host_alone(jar):
    store(jar, "a=1; Path=/")
    assert sent(jar, "http://www.a.example/") == "a=1"
    assert sent(jar, "http://www.a.example:8080/") == "a=1"  # ports do not matter (RFC 6265, 8.5)
    assert sent(jar, "http://x.www.a.example/") == sent(jar, "http://a.example/") == ""


@pytest.mark.parametrize("domain", ["a.example", ".a.example", "A.Example"])
def test_with_a_domain_it_is_for_all_below(jar, domain):
    store(jar, f"a=1; Path=/; Domain={domain}")
    for url in ("http://a.example/", "http://www.a.example/", "https://x.y.a.example/"):
        assert sent(jar, url) == "a=1"
    assert sent(jar, "http://ba.example/") == sent(jar, "http://example/") == ""


@pytest.mark.parametrize(
    "domain",
    [
        "b.example",
        "x.www.a.example",
        "w.a.example",
        "ww.a.example",
        "example",
        ".example",
        "a.example.",
        "a..example",
        "com",
        "a.example:80",
        "\xe9.example",
        "\xc3\xa9\xff",
    ],
)
def test_for_another_domain_nobody_sets_one(jar, told, domain):
    store(jar, f"a=1; Domain={domain}")
    assert len(jar) == 0
    assert told == []


@pytest.mark.parametrize(
    ("host", "domain"), [("me.co.uk", "co.uk"), ("me.github.io", "github.io"), ("a.kawasaki.jp", "jp")]
)
def test_for_a_public_suffix_nobody_sets_one(jar, host, domain):
    store(jar, f"a=1; Path=/; Domain={domain}", url=f"http://{host}/")
    assert len(jar) == 0


@pytest.mark.parametrize("host", ["github.io", "localhost", "intranet"])
def test_a_host_that_is_a_suffix_itself_sets_one_for_itself(jar, host):
    store(jar, f"a=1; Path=/; Domain={host}", url=f"http://{host}/")
    assert sent(jar, f"http://{host}/") == "a=1"
    assert sent(jar, f"http://me.{host}/") == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_has_cookies_for_itself_alone(jar, host):
    store(jar, "a=1; Path=/", f"b=1; Path=/; Domain={host}", url=f"http://{host}:8080/")
    store(jar, "c=1; Domain=0.0.1", "d=1; Domain=1", "e=1; Domain=.0.0.1", "f=1; Domain=1]", url=f"http://{host}/")
    assert sent(jar, f"http://{host}/") == "a=1; b=1"
    assert sent(jar, f"http://1.{host}/") == ""


def test_a_domain_may_be_written_in_its_own_letters(jar):
    url = "http://www.xn--bcher-kva.example/"
    store(jar, "a=1; Path=/; Domain=b\xc3\xbccher.example", url=url)
    assert sent(jar, "http://xn--bcher-kva.example/") == "a=1"


# -- paths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "default"), [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("//", "/")])
def test_the_path_of_a_cookie_that_names_none(path, default):
    assert default_path(path) == default


@pytest.mark.parametrize(
    ("path", "cookie", "matches"),
    [
        ("/", "/", True),
        ("/a", "/", True),
        ("/a", "/a", True),
        ("/a/", "/a", True),
        ("/a/b", "/a", True),
        ("/a/b", "/a/", True),
        ("/ab", "/a", False),
        ("/a", "/a/", False),
        ("/A", "/a", False),
        ("/", "/a", False),
    ],
)
def test_whether_a_path_is_one_that_a_cookie_is_for(path, cookie, matches):
    assert path_matches(path, cookie) is matches


def test_the_query_is_no_part_of_the_path(jar):
    store(jar, "a=1", url="http://a.example/x?y=/z/")
    assert sent(jar, "http://a.example/?/x/y") == "a=1"


def test_longer_paths_go_first_and_then_what_was_set_first(jar):
    store(jar, "a=1; Path=/", "b=1; Path=/films", "c=1; Path=/", "d=1; Path=/films; Domain=a.example", "a=2; Path=/")
    assert sent(jar) == "b=1; d=1; a=2; c=1"


def test_the_same_name_with_another_path_or_domain_is_another_cookie(jar):
    store(jar, "a=1; Path=/", "a=2; Path=/films", "a=3; Path=/; Domain=a.example")
    assert sent(jar) == "a=2; a=1; a=3"
    assert len(jar) == 3


# -- Secure --------------------------------------------------------------------------------------------------------


def test_a_secure_cookie_goes_over_https_only_and_is_set_over_https_only(jar):
    store(jar, "a=1; Secure")
    assert len(jar) == 0
    store(jar, "a=1; Secure", url=TLS)
    assert (sent(jar), sent(jar, TLS)) == ("", "a=1")


@pytest.mark.parametrize(
    "line", ["a=2; Path=/", "a=2; Path=/films", "a=2; Path=/films/x; Domain=a.example", "a=; Path=/; Max-Age=0"]
)
def test_over_http_nobody_sets_what_hides_a_secure_cookie(jar, line):
    store(jar, "a=1; Path=/; Secure; Domain=a.example", "b=1; Path=/; Secure", url=TLS)
    store(jar, line, line.replace("a=", "b=", 1))
    assert sent(jar, "https://www.a.example/films/x/y") == "a=1; b=1"


def test_over_http_other_paths_and_hosts_are_free(jar):
    store(jar, "a=1; Path=/login; Secure", url=TLS)
    store(jar, "a=2; Path=/")
    store(jar, "a=3; Path=/login", url="http://b.example/")
    assert sent(jar, "https://www.a.example/login") == "a=1; a=2"
    assert sent(jar, "http://b.example/login") == "a=3"


def test_over_https_a_secure_cookie_may_become_another(jar):
    store(jar, "a=1; Path=/; Secure", url=TLS)
    store(jar, "a=2; Path=/", url=TLS)
    assert sent(jar) == "a=2"


@pytest.mark.parametrize(
    ("line", "url", "kept"),
    [
        ("__Host-a=1; Secure; Path=/", TLS, True),
        ("__host-a=1; Path=/", TLS, False),
        ("__Host-a=1; Secure", "https://a.example/", False),
        ("__Host-a=1; Secure; Path=/x", TLS, False),
        ("__Host-a=1; Secure; Path=/; Domain=www.a.example", TLS, False),
        ("__Host-a=1; Secure; Path=/", URL, False),
        ("__Secure-a=1; Secure; Domain=a.example", TLS, True),
        ("__SECURE-a=1", TLS, False),
        ("__Secure-a=1; Secure", URL, False),
        ("__Other-a=1", URL, True),
    ],
)
def test_a_prefix_means_what_it_promises(jar, line, url, kept):
    store(jar, line, url=url)
    assert len(jar) == kept


# -- the end of cookies --------------------------------------------------------------------------------------------


def test_a_cookie_is_gone_when_it_is_over(jar, told):
    store(jar, "a=1; Max-Age=10", "b=1")
    assert sent(jar, now=1009.9) == "a=1; b=1"
    assert sent(jar, now=1010.0) == "b=1"
    assert len(jar) == 1
    assert told == [
        ("www.a.example", "/films", "a", True),
        ("www.a.example", "/films", "b", True),
        ("www.a.example", "/films", "a", False),
    ]


def test_what_was_never_there_is_not_told_to_be_gone(jar, told):
    store(jar, "a=1; Max-Age=0")
    assert told == []
    assert len(jar) == 0


def test_of_too_many_those_that_are_over_go_first_and_then_the_idle_ones(jar, told, monkeypatch):
    monkeypatch.setattr(cookie_jar, "MOST_PER_DOMAIN", 3)
    store(jar, "a=1; Path=/idle", "b=1; Max-Age=5", "c=1")
    store(jar, "d=1", now=1006.0)
    assert sent(jar, now=1006.0) == "c=1; d=1"
    assert sent(jar, "http://www.a.example/idle", now=1006.0) == "a=1"
    store(jar, "e=1", now=1006.0)  # c and d were sent before a was
    assert sent(jar, "http://www.a.example/idle", now=1006.0) == "a=1"
    assert sent(jar, now=1006.0) == "d=1; e=1"
    assert [name for _, _, name, there in told if not there] == ["b", "c"]


def test_each_domain_has_room_of_its_own(jar, monkeypatch):
    monkeypatch.setattr(cookie_jar, "MOST_PER_DOMAIN", 3)
    for number in range(10):
        store(jar, f"a{number}=1", f"b{number}=1; Domain=a.example")
    assert sent(jar) == "a7=1; b7=1; a8=1; b8=1; a9=1; b9=1"


def test_a_jar_has_an_end(jar, told, monkeypatch):
    monkeypatch.setattr(cookie_jar, "MOST", 100)
    for number in range(1000):
        store(jar, "a=1; Path=/", url=f"http://{number}.example/")
        sent(jar, "http://0.example/")
        assert len(jar) <= 100
    assert sent(jar, "http://0.example/") == sent(jar, "http://999.example/") == "a=1"
    assert sent(jar, "http://1.example/") == ""
    assert sum(1 if there else -1 for *_, there in told) == len(jar)


LINES = st.builds(
    lambda name, value, attributes: "; ".join([f"{name}={value}", *attributes]),
    st.sampled_from(["a", "b", "__Host-c", ""]),
    st.text(st.characters(max_codepoint=255), max_size=5),
    st.lists(
        st.sampled_from(
            ["Path=/", "Path=/x", "Path", "Domain=a.example", "Domain=b.example", "Domain=com", "Secure", "Max-Age=0",
             "Max-Age=100", "Expires=x", "Max-Age=-1"]
        ),
        max_size=4,
    ),
)  # fmt: skip
URLS = st.sampled_from(["http://a.example/", "https://www.a.example/x/y", "http://127.0.0.1/", "https://b.example/x?y"])


@given(st.lists(st.tuples(URLS, LINES), max_size=12))
def test_what_is_told_is_what_is_there(steps):
    kept = {}

    def tell(domain, path, name, text):
        if text is None:
            del kept[domain, path, name]
        else:
            kept[domain, path, name] = text

    jar = Jar(tell)
    for number, (url, line) in enumerate(steps):
        jar.store(url, line, 1000.0 + number * 30)
    again = Jar(tell)
    for text in kept.values():
        again.restore(text, 1000.0)
    assert len(jar) == len(kept) == len(again)
    for url in ("http://a.example/", "https://www.a.example/x/y", "http://127.0.0.1/", "https://b.example/x"):
        assert jar.pairs(url, 1000.0) == again.pairs(url, 1000.0)

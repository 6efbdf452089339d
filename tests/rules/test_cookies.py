"""Cookies are kept by the parent and go back where they belong."""

import json
import time
from http.cookiejar import time2netscape

import pytest

from crawler.request import Request
from crawler.response import Failure, Response
from crawler.rules.cookies import Cookies
from crawler.verdict import GO, KEEP

URL = "http://a.example/films/1"


@pytest.fixture
def cookies():
    return Cookies()


def keep(cookies, *lines, url=URL, jar=""):
    pairs = tuple(("Set-Cookie", line) for line in lines)
    assert cookies.after(Request(url, jar=jar), Response(url, 200, (("Server", "x"), *pairs))) is KEEP


def sent(jars, url=URL, **fields):
    """The cookies that go out with a request, as a dict."""
    pairs = jars.before(Request(url, **fields)).header_pairs
    if not pairs:
        return {}
    ((name, value),) = pairs
    assert name == "Cookie"
    return dict(pair.partition("=")[::2] for pair in value.split("; "))


def test_without_cookies_nothing_is_sent(cookies):
    assert cookies.before(Request(URL)) is GO


def test_what_was_set_is_sent_back(cookies):
    keep(cookies, "session=1; Path=/; HttpOnly", "theme=dark; Path=/")
    assert sent(cookies) == {"session": "1", "theme": "dark"}


def test_the_field_name_may_be_written_in_any_case(cookies):
    cookies.after(Request(URL), Response(URL, 200, (("set-COOKIE", "a=1"),)))
    assert sent(cookies) == {"a": "1"}


def test_a_later_value_replaces_an_earlier_one(cookies):
    keep(cookies, "a=1; Path=/")
    keep(cookies, "a=2; Path=/")
    assert sent(cookies) == {"a": "2"}


def test_an_expired_cookie_is_gone(cookies):
    keep(cookies, "a=1; Path=/", "b=1; Path=/")
    keep(cookies, "a=; Path=/; Max-Age=0", "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert sent(cookies) == {}


def test_another_host_gets_none(cookies):
    keep(cookies, "a=1")
    assert sent(cookies, "http://b.example/") == {}
    assert sent(cookies, "http://www.a.example/") == {}


def test_a_cookie_for_a_domain_goes_to_its_subdomains(cookies):
    keep(cookies, "a=1; Domain=a.example; Path=/")
    assert sent(cookies, "http://www.a.example/") == {"a": "1"}


def test_a_cookie_for_somebody_elses_domain_is_refused(cookies):
    keep(cookies, "a=1; Domain=b.example", "b=1; Domain=.example")
    assert sent(cookies, "http://b.example/") == {}
    assert sent(cookies, "http://c.example/") == {}


def test_a_cookie_for_a_path_stays_there(cookies):
    keep(cookies, "a=1; Path=/films")
    assert sent(cookies, "http://a.example/films/2") == {"a": "1"}
    assert sent(cookies, "http://a.example/people") == {}


def test_a_secure_cookie_is_sent_over_https_only(cookies):
    keep(cookies, "a=1; Secure; Path=/", url="https://a.example/")
    assert sent(cookies, "http://a.example/") == {}
    assert sent(cookies, "https://a.example/") == {"a": "1"}


def test_a_host_on_this_machine_may_set_cookies_too(cookies):
    keep(cookies, "a=1; Path=/", url="http://127.0.0.1:8080/")
    assert sent(cookies, "http://127.0.0.1:8080/x") == {"a": "1"}
    keep(cookies, "b=1; Path=/", url="http://localhost:8080/")
    assert sent(cookies, "http://localhost:8080/x") == {"b": "1"}


def test_jars_are_separate_sessions(cookies):
    keep(cookies, "a=1", jar="one")
    keep(cookies, "a=2", jar="two")
    assert sent(cookies, jar="one") == {"a": "1"}
    assert sent(cookies, jar="two") == {"a": "2"}
    assert sent(cookies) == {}


def test_the_requests_own_cookies_win_and_are_not_kept(cookies):
    keep(cookies, "a=1; Path=/", "b=1; Path=/")
    assert sent(cookies, cookies={"a": "mine", "c": "3"}) == {"a": "mine", "b": "1", "c": "3"}
    assert sent(cookies) == {"a": "1", "b": "1"}


def test_own_cookies_are_sent_without_any_jar(cookies):
    assert sent(cookies, cookies={"a": "1"}) == {"a": "1"}


def test_a_failure_sets_nothing(cookies):
    assert cookies.after(Request(URL), Failure(URL, "timeout")) is KEEP
    assert sent(cookies) == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "=",
        ";",
        "a",
        "=1",
        "a=1; Max-Age=soon",
        "a=1; Expires=never",
        "a=1; Path",
        "a=1; Domain=",
        "\xff=\xfe",
        "a=1; Version=x",
    ],
)
def test_nonsense_harms_nobody(cookies, line):
    keep(cookies, line, "good=1; Path=/")
    assert sent(cookies)["good"] == "1"


# -- kept over the end of the process ------------------------------------------------------------------------------


class Store(dict):
    """What a ledger does with what it is told."""

    def keep(self, jar, domain, path, name, text):
        self.told = name, text
        if text is None:
            self.pop((jar, domain, path, name), None)
        else:
            self[jar, domain, path, name] = text

    def again(self, now=time.time):
        """The rule of the resumed run."""
        return Cookies(self.keep, [(key[0], text) for key, text in self.items()], now)


@pytest.fixture
def store():
    return Store()


def test_a_resumed_run_sends_what_was_set_before(store):
    first = Cookies(store.keep)
    keep(first, "session=1; Path=/; HttpOnly", "wide=2; Domain=a.example; Path=/films", "long=3; Max-Age=1000")
    keep(first, "session=other", jar="two")
    keep(first, "safe=1; Secure; Path=/", url="https://a.example/")
    second = store.again()
    for url in (URL, "http://www.a.example/films", "http://a.example/x", "https://a.example/", "http://b.example/"):
        assert sent(second, url) == sent(first, url)
        assert sent(second, url, jar="two") == sent(first, url, jar="two")
    assert sent(second) == {"session": "1", "wide": "2", "long": "3"}


def test_what_the_server_took_back_does_not_come_again(store):
    first = Cookies(store.keep)
    keep(first, "a=1; Path=/", "b=1; Path=/")
    keep(store.again(), "a=; Path=/; Max-Age=0", "b=2; Path=/")
    assert sent(store.again()) == {"b": "2"}
    assert len(store) == 1


def test_a_cookie_that_runs_out_is_not_loaded_and_is_forgotten(store):
    clock = [time.time()]
    first = Cookies(store.keep, now=lambda: clock[0])
    keep(first, f"a=1; Expires={time2netscape(clock[0] + 1000)}", "b=1")
    clock[0] += 2000
    assert sent(store.again(lambda: clock[0])) == {"b": "1"}
    assert sent(first) == {"b": "1"}  # the process that goes on removes it as it looks
    assert store.told == ("a", None)


def test_loading_tells_nothing(store):
    keep(Cookies(store.keep), "a=1")
    store.told = None
    store.again()
    assert store.told is None


def test_what_is_told_is_json(store):
    keep(Cookies(store.keep), 'n=\xfc"; Path=/; SameSite=Lax')
    (text,) = store.values()
    assert json.loads(text)["name"] == "n"
    assert sent(store.again()) == {"n": '\xfc"'}


@pytest.mark.parametrize("line", ["a=1; Max-Age=" + "9" * 30, "a=1; Expires=" + "9" * 30, "a", "=1", "\xff=\xfe"])
def test_nonsense_is_kept_as_well_as_it_was_understood(store, line):
    first = Cookies(store.keep)
    keep(first, line, "good=1")
    assert sent(store.again()) == sent(first)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 0, "name": "a", "value": "1", "port": null, "domain": "a.example", "path": "/", "_rest": {}}',
        "{}",
        "[]",
        "",
        "{",
        '{"name": 1}',
        "\ud800",
    ],
)
def test_what_another_version_kept_is_left_out(text):
    rule = Cookies(None, [("", text)])
    assert sent(rule) == {}
    keep(rule, "a=1")
    assert sent(rule) == {"a": "1"}


def test_the_order_is_that_of_the_first_run(store):
    keep(Cookies(store.keep), "a=1", "b=1")
    again = store.again()
    keep(again, "c=1", "a=2")
    assert list(sent(again)) == list(sent(store.again())) == ["a", "b", "c"]


def test_a_cookie_that_is_set_again_as_it_is_is_not_told_again(store):
    clock = [1_000_000.0]
    rule = Cookies(store.keep, now=lambda: clock[0])
    told = []
    for line in ("a=1; Max-Age=1000", "b=1"):
        for _ in range(5):
            store.told = None
            keep(rule, line)
            told.append(store.told is not None)
            clock[0] += 25
    # An expiry that moves is told as soon as it has moved far enough to matter.
    assert told == [True, False, False, True, False, True, False, False, False, False]
    keep(rule, "b=2")
    assert store.told[0] == "b"

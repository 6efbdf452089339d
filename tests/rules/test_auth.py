"""Credentials go to the hosts they are for, and to no other."""

from base64 import b64decode
from functools import partial

import pytest

from crawler import Request, Spider, crawl
from crawler.errors import SettingsError, UsageError
from crawler.host_table import HostSettings
from crawler.rules.auth import Auth, header_of
from crawler.secrets import resolve
from crawler.verdict import GO

LOGIN = {"match": "a.example", "auth": "Bearer t", "headers": {"X-Api-Key": "k", "X-Shown": "s"}}


def rule_of(*tables, **environment):
    return Auth([HostSettings(**table) for table in tables], partial(resolve, environment=environment))


def sent(rule, url, **request):
    return dict(rule.before(Request(url, **request)).header_pairs)


def test_a_host_without_a_table_gets_nothing():
    rule = rule_of(LOGIN)
    for url in ("http://b.example/", "http://www.a.example/", "http://a.example.b.example/", "http://xa.example/"):
        assert rule.before(Request(url)) is GO
    assert rule_of({"match": "a.example", "delay": 1.0}).before(Request("http://a.example/")) is GO


def test_user_and_password_are_basic_credentials_in_utf_8():
    value = sent(rule_of({"match": "a.example", "auth": "ж ж:p:w"}), "https://a.example/x")["Authorization"]
    scheme, _, coded = value.partition(" ")
    assert (scheme, b64decode(coded).decode()) == ("Basic", "ж ж:p:w")


@pytest.mark.parametrize("auth", ["Bearer abc.d-e_f~+/==", "bearer  abc.d-e_f~+/==", " Bearer abc.d-e_f~+/== "])
def test_a_token_is_sent_as_a_bearer(auth):
    assert header_of(auth) == "Bearer abc.d-e_f~+/=="


def test_a_user_may_be_called_bearer():
    assert header_of("Bearer:x").startswith("Basic ")


@pytest.mark.parametrize(
    "auth", ["hush", "Token hush", "Bearer", "Bearer hush hush", "me:hush\r\nX: 1", "Bearer hu:sh"]
)
def test_what_is_neither_is_refused_and_not_shown(auth):
    with pytest.raises(SettingsError, match=r"auth of \[\[host\]\] match = 'a.example' is neither") as caught:
        rule_of({"match": "a.example", "auth": auth})
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("name", ["X Key", "", "X:", "ключ"])
def test_a_field_that_cannot_be_sent_is_refused(name):
    with pytest.raises(SettingsError, match="cannot be sent as it is"):
        rule_of({"match": "a.example", "headers": {name: "hush"}})
    with pytest.raises(SettingsError, match="cannot be sent as it is") as caught:
        rule_of({"match": "a.example", "headers": {"X": "hush\nY: 1"}})
    assert "hush" not in caught.value.message


def test_a_value_may_stand_in_the_environment():
    table = {"match": "a.example", "auth": "env:LOGIN", "headers": {"X-Api-Key": "env:KEY", "X": "plain"}}
    assert sent(rule_of(table, LOGIN="Bearer t", KEY="k"), "http://a.example/") == {
        "X-Api-Key": "k",
        "X": "plain",
        "Authorization": "Bearer t",
    }


def test_a_variable_that_is_not_set_is_told_at_once():
    with pytest.raises(UsageError, match="the environment variable NOT_THERE is not set"):
        rule_of({"match": "*", "auth": "env:NOT_THERE"})


def test_the_first_table_decides_also_that_there_is_none():
    rule = rule_of({"match": "open.a.example", "auth": "", "headers": {}}, {**LOGIN, "match": "*.a.example"})
    assert rule.before(Request("http://open.a.example/")) is GO
    assert "Authorization" in sent(rule, "http://shut.a.example/")


def test_auth_wins_over_a_field_of_the_table():
    rule = rule_of({"match": "a.example", "auth": "Bearer t", "headers": {"authorization": "x"}})
    assert rule.before(Request("http://a.example/")).header_pairs == (("Authorization", "Bearer t"),)


# -- from https to http --------------------------------------------------------------------------------------------


def test_what_was_sent_over_https_once_is_not_sent_in_the_clear():
    rule = rule_of(LOGIN)
    everything = {"X-Api-Key": "k", "X-Shown": "s", "Authorization": "Bearer t"}
    assert sent(rule, "http://a.example/") == everything  # nobody knows it otherwise
    assert sent(rule, "https://a.example/") == everything
    assert sent(rule, "http://a.example/") == {"X-Shown": "s"}
    assert sent(rule, "https://a.example/") == everything


@pytest.mark.parametrize("origin", [{"parent": "https://a.example/x"}, {"hops": ("https://a.example/x",)}])
def test_a_link_or_redirect_from_https_to_http_takes_nothing_along(origin):
    rule = rule_of(LOGIN)
    assert sent(rule, "http://a.example/y", **origin) == {"X-Shown": "s"}
    assert sent(rule, "http://a.example/z", parent="http://a.example/y") == {"X-Shown": "s"}


def test_another_hosts_https_says_nothing_about_this_one():
    assert "Authorization" in sent(rule_of(LOGIN), "http://a.example/", parent="https://b.example/")


def test_a_value_from_the_environment_is_a_secret_whatever_its_name():
    rule = rule_of({"match": "a.example", "headers": {"X-Shown": "env:MINE"}}, MINE="m")
    assert rule.before(Request("http://a.example/", parent="https://a.example/")) is GO


# -- a login in the URL --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule_of(), rule_of(LOGIN)], ids=["no table", "a table"])
def test_a_login_in_the_url_is_sent(rule):
    def login(url):
        scheme, _, coded = sent(rule, url).get("Authorization", "").partition(" ")
        return b64decode(coded).decode() if scheme == "Basic" else scheme

    assert login("https://me:p%40ss%3a@a.example/") == "me:p@ss:"
    assert login("https://me@b.example:8080/@x") == "me:"
    assert login("https://b.example/@me:x") == ""
    assert login("https://b.example/?q=me:x@y") == ""
    assert login("https://me:%0d%0aX:1@b.example/") == ""


class Redirected(Spider):
    site: str

    def start(self):
        yield Request(f"{self.site}/start")

    def parse(self, page):
        yield {"url": page.url}


def test_a_redirect_takes_no_credentials_to_another_host(serve, monkeypatch):
    monkeypatch.setenv("SITE_LOGIN", "me:secret")
    other = serve({"*": "<p>other"})
    server = serve({"/start": (302, {"Location": "/next"}, ""), "/next": (302, {"Location": f"{other.url}/"}, "")})
    tables = [{"match": server.host, "auth": "env:SITE_LOGIN", "headers": {"X-Api-Key": "k"}}]
    report = crawl(
        Redirected(site=server.url), settings={"crawl.pool": "thread", "politeness.delay": 0, "host": tables}
    )
    assert [hit.headers["X-Api-Key"] for hit in server.log] == ["k", "k"]
    assert all(hit.headers["Authorization"].startswith("Basic ") for hit in server.log)
    (hit,) = other.log
    assert hit.headers["Authorization"] is None
    assert hit.headers["X-Api-Key"] is None
    assert report.exit_code == 0

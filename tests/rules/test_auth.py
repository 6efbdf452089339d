"""Credentials go to the hosts they are for, and to no other."""

from base64 import b64decode

import pytest

from crawler import Request, Spider, crawl
from crawler.errors import UsageError
from crawler.host_table import HostSettings, HostTable
from crawler.rules.auth import Auth, authorization
from crawler.verdict import GO


def fields(url, *tables, **environment):
    from functools import partial

    from crawler.secrets import resolve

    rule = Auth(HostTable([HostSettings(**table) for table in tables]), partial(resolve, environment=environment))
    verdict = rule.before(Request(url))
    return dict(verdict.header_pairs)


def test_a_host_without_a_table_gets_nothing():
    assert Auth(HostTable([HostSettings("a.example", auth="u:p")])).before(Request("http://b.example/")) is GO


def test_user_and_password_are_basic_credentials_in_utf_8():
    value = fields("https://a.example/x", {"match": "a.example", "auth": "ж:p:w"})["Authorization"]
    scheme, _, coded = value.partition(" ")
    assert (scheme, b64decode(coded).decode()) == ("Basic", "ж:p:w")


@pytest.mark.parametrize("credentials", ["Bearer abc", "Token t:1", "Digest username=x"])
def test_other_schemes_stay_as_they_are(credentials):
    assert authorization(credentials) == credentials


def test_a_value_may_stand_in_the_environment():
    table = {"match": "a.example", "auth": "env:LOGIN", "headers": {"X-Api-Key": "env:KEY", "X": "plain"}}
    assert fields("http://a.example/", table, LOGIN="Bearer t", KEY="k") == {
        "X-Api-Key": "k",
        "X": "plain",
        "Authorization": "Bearer t",
    }


def test_a_variable_that_is_not_set_is_told():
    with pytest.raises(UsageError, match="the environment variable NOT_THERE is not set"):
        fields("http://a.example/", {"match": "*", "auth": "env:NOT_THERE"})


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

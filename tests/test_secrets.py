"""Secrets come from the environment, and are never shown."""

import pytest

from crawler.errors import SettingsError, UsageError
from crawler.host_table import HostSettings
from crawler.secrets import is_secret, mask, mask_url, masked, resolve, shown
from crawler.settings import Layer, merge


def test_a_value_is_itself_unless_it_names_a_variable():
    assert resolve("plain", {}) == "plain"
    assert resolve("env:NAME", {"NAME": "value"}) == "value"
    with pytest.raises(UsageError, match="variable NAME is not set"):
        resolve("env:NAME", {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@proxy:3128/", "http://***@proxy:3128/"),
        ("no URL, me@example.org", "no URL, me@example.org"),
        ("socks5h://u@p and http://a:b@c/x@y", "socks5h://***@p and http://***@c/x@y"),
        ("http://a.example/x?mail=me@b", "http://a.example/x?mail=me@b"),
    ],
)
def test_user_and_password_of_urls_are_hidden(text, shown):
    assert mask_url(text) == shown


def test_a_secret_is_shown_as_stars_and_a_name_of_a_variable_as_it_is():
    assert [mask(value) for value in ("hush", "", "env:X")] == ["***", "", "env:X"]


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "X-Api-Key", "X-Auth-Token", "x-csrf-token", "X-Session-Id", "Client-Secret"]
)
def test_names_of_secret_fields(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "User-Agent", "Referer", "X-Requested-With"])
def test_names_of_other_fields(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("fetch.proxy", "http://me:hush@p", "'http://***@p'"),
        ("fetch.proxy", "http://me:p/hush@p:1", "'http://***@p:1'"),
        ("fetch.proxy", "socks5://p:1", "'socks5://p:1'"),
        ("fetch.proxy", "me:p/hush@p:1", "'***@p:1'"),
        ("fetch.proxy", "env:PROXY", "'env:PROXY'"),
        ("fetch.headers", {"X-Api-Key": "hush", "Accept": "a"}, "{'X-Api-Key': '***', 'Accept': 'a'}"),
        ("fetch.headers", "X-Api-Key: hush", "…"),
        ("host", [{"match": "a", "auth": "hush"}, {"auth": "hush"}], "[{match = 'a', …}, …]"),
        ("host", [HostSettings("a", auth="hush", headers={"X": "hush"})], "[{match = 'a', …}]"),
        ("host", "auth=hush", "…"),
        ("host", {"auth": "hush"}, "…"),
        ("crawl.workers", "many", "'many'"),
    ],
)
def test_settings_are_shown_without_credentials(key, value, told):
    assert shown(key, value) == told


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", [{"match": "a.example", "auth": 1, "headers": {"X-Api-Key": "hush"}, "proxy": "http://me:hush@p"}]),
        ("host", [{"match": "a.example", "auth": "me:hush", "per_host": "many"}]),
        ("host", [{"auth": "me:hush"}]),
        ("host", '[{"auth": "me:hush"}]'),
        ("host", "me:hush"),
        ("fetch.proxy", ["http://me:hush@p"]),
        ("fetch.headers", "Authorization: hush"),
        ("fetch.headers", {"Authorization": ["hush"]}),
    ],
)
def test_no_error_about_a_setting_tells_a_secret(key, value):
    with pytest.raises(SettingsError) as caught:
        merge([Layer("spider.toml", {key: value})])
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"
    assert key in caught.value.message


def test_whole_settings_can_be_masked():
    host = {"match": "a.example", "auth": "me:geheim", "proxy": "http://u:p/q@b.example:1", "delay": 2.0}
    values = {
        "fetch.headers": {"X-Api-Key": "geheim", "Accept": "*/*", "Cookie": "env:COOKIE"},
        "fetch.proxy": "socks5://u:p@b.example",
        "host": [{**host, "headers": {"Authorization": "geheim"}}, {"match": "c.example", "auth": None}],
        "fetch.timeout": 60.0,
        "scope.include": ["http://u:p@d.example/"],
    }
    assert masked(values) == {
        "fetch.headers": {"X-Api-Key": "***", "Accept": "*/*", "Cookie": "env:COOKIE"},
        "fetch.proxy": "socks5://***@b.example",
        "host": [
            {
                "match": "a.example",
                "auth": "***",
                "proxy": "http://***@b.example:1",
                "delay": 2.0,
                "headers": {"Authorization": "***"},
            },
            {"match": "c.example", "auth": None},
        ],
        "fetch.timeout": 60.0,
        "scope.include": ["http://***@d.example/"],
    }

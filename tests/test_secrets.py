"""Secrets come from the environment, and are never shown."""

import pytest

from crawler.errors import SettingsError, UsageError
from crawler.host_table import HostSettings
from crawler.secrets import is_secret, mask, mask_fields, mask_url, resolve, shown
from crawler.settings import Layer, merge


def test_a_value_is_itself_or_that_of_the_variable_it_names(monkeypatch):
    monkeypatch.setenv("MY_LOGIN", "me:hush")
    monkeypatch.setenv("EMPTY", "")
    assert resolve("me:hush") == "me:hush"
    assert resolve("env:MY_LOGIN") == "me:hush"
    assert resolve("env:EMPTY") == ""
    assert resolve("") == ""


def test_a_variable_that_is_not_there_is_named(monkeypatch):
    monkeypatch.delenv("MY_LOGIN", raising=False)
    with pytest.raises(UsageError, match=r"variable MY_LOGIN is not set, and a setting asks for it \(env:MY_LOGIN\)"):
        resolve("env:MY_LOGIN")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://me:hush@proxy:8080", "http://me:***@proxy:8080"),
        ("http://me:hush@proxy:8080/path@x?y=@", "http://me:***@proxy:8080/path@x?y=@"),
        ("socks5h://me:hu:s@h@[::1]:1080", "socks5h://me:***@[::1]:1080"),
        ("http://hushtoken@proxy", "http://***@proxy"),
        ("http://:hush@proxy", "http://:***@proxy"),
        ("me:hush@proxy:8080", "me:***@proxy:8080"),
        ("http://proxy:8080/@me", "http://proxy:8080/@me"),
        ("http://proxy", "http://proxy"),
        ("env:PROXY", "env:PROXY"),
        ("", ""),
        (
            "no connection to http://me:hush@a, nor http://x:hush@b/",
            "no connection to http://me:***@a, nor http://x:***@b/",
        ),
    ],
)
def test_a_url_is_shown_without_its_password(url, masked):
    assert mask_url(url) == masked


def test_a_secret_is_shown_as_stars_and_a_name_of_a_variable_as_it_is():
    assert [mask(value) for value in ("hush", "", "env:X")] == ["***", "", "env:X"]


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "X-Api-Key", "X-Auth-Token", "x-csrf-token", "X-Session-Id", "Client-Secret"]
)
def test_names_of_secret_fields(name):
    assert is_secret(name)
    assert mask_fields({name: "hush", "Accept": "text/html"}) == {name: "***", "Accept": "text/html"}


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "User-Agent", "Referer", "X-Requested-With"])
def test_names_of_other_fields(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("fetch.proxy", "http://me:hush@p", "'http://me:***@p'"),
        ("fetch.proxy", "http://me:p/hush@p:1", "'http://me:***@p:1'"),
        ("fetch.proxy", "socks5://p:1", "'socks5://p:1'"),
        ("fetch.proxy", "me:p/hush@p:1", "'me:***@p:1'"),
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

"""Scope: http and https, on the allowed hosts and their subdomains."""

import pytest

from crawler.errors import SettingsError
from crawler.request import Request
from crawler.rules.scope import Scope
from crawler.verdict import GO, Drop


def verdict(url, *allowed):
    return Scope(allowed).found(Request(url))


@pytest.mark.parametrize("url", ["http://a.example/", "https://b.example:8443/x", "http://[::1]/"])
def test_without_a_list_every_host_is_allowed(url):
    assert verdict(url) is GO


@pytest.mark.parametrize(
    "url", ["mailto:a@b.example", "javascript:void(0)", "ftp://a.example/", "file:///etc/passwd", "data:,x"]
)
def test_other_schemes_are_dropped_by_name(url):
    scheme = url.partition(":")[0]
    assert verdict(url, "a.example") == Drop(f"scope: {scheme}: is not fetched, only http and https")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "https://a.example:8443/",
        "http://www.a.example/",
        "http://x.y.a.example:1/",
        "http://u@a.example/",
    ],
)
def test_subdomains_and_all_ports_of_an_allowed_host_are_allowed(url):
    assert verdict(url, "a.example") is GO


@pytest.mark.parametrize(
    "url",
    [
        "http://b.example/",
        "http://aa.example/",
        "http://example/",
        "http://a.example.evil.example/",
        "http://b.example/a.example",
    ],
)
def test_others_are_dropped_with_their_name(url):
    found = verdict(url, "a.example")
    assert isinstance(found, Drop)
    assert found.reason == f"scope: {url.split('/')[2]} is not in scope.allowed_hosts"
    assert found.state == "dropped"
    assert not found.error


def test_a_host_with_a_port_allows_that_port_only():
    assert verdict("http://a.example:8080/", "a.example:8080") is GO
    assert isinstance(verdict("http://a.example/", "a.example:8080"), Drop)
    assert isinstance(verdict("http://a.example:8081/", "a.example:8080"), Drop)


@pytest.mark.parametrize("allowed", ["A.Example", "a.example."])
def test_the_list_may_be_written_as_people_write_names(allowed):
    assert verdict("http://www.a.example/", allowed) is GO


def test_an_address_is_a_name_like_any_other():
    assert verdict("http://[::1]:8080/", "[::1]") is GO
    assert verdict("http://127.0.0.1:8080/", "127.0.0.1") is GO
    assert isinstance(verdict("http://127.0.0.1/", "127.0.0.2"), Drop)


def test_a_name_in_its_rooted_form_is_the_same_name():
    assert verdict("http://a.example./", "a.example") is GO


def test_patterns_are_searched_in_the_url():
    scope = Scope((), include=[r"/films/", r"\?page="], exclude=[r"/films/old"])
    assert scope.found(Request("http://a.example/films/1")) is GO
    assert scope.found(Request("http://a.example/?page=2")) is GO
    assert scope.found(Request("http://a.example/about")) == Drop("scope: no pattern of scope.include matches")
    refused = scope.found(Request("http://a.example/films/old/1"))
    assert refused == Drop("scope: '/films/old' of scope.exclude matches")


@pytest.mark.parametrize("name", ["include", "exclude"])
def test_a_pattern_that_is_none_is_told(name):
    with pytest.raises(SettingsError, match=rf"scope\.{name}: '\(' is no regular expression"):
        Scope((), **{name: ["("]})


def test_a_url_may_be_so_long_and_no_longer():
    scope = Scope((), max_url=30)
    assert scope.found(Request("http://a.example/" + 13 * "x")) is GO
    assert scope.found(Request("http://a.example/" + 14 * "x")).reason == (
        "scope: a URL of 31 characters, more than limits.max_url = 30"
    )


@pytest.mark.parametrize("host", ["", "*.a.example", ".a.example", "http://a.example/path", "a b", "user@a.example"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(SettingsError, match="is no host"):
        Scope([host])


@pytest.mark.parametrize("host", ["https://bücher.example/", "bücher.example", "XN--BCHER-KVA.example."])
def test_hosts_are_meant_as_people_write_them(host):
    scope = Scope([host])
    assert scope.found(Request("http://www.xn--bcher-kva.example/")) is GO
    assert type(scope.found(Request("http://a.example/"))) is Drop


def test_a_pattern_that_takes_too_long_refuses():
    slow = Scope((), ["a"], ["b"], search=lambda pattern, url: None)
    assert "took longer than crawl.parse_timeout" in slow.found(Request("http://a.example/")).reason
    slow = Scope((), [], ["b"], search=lambda pattern, url: None)
    assert slow.found(Request("http://a.example/")).reason == (
        "scope: 'b' of scope.exclude took longer than crawl.parse_timeout"
    )

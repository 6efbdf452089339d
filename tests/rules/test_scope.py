"""Scope: http and https, on the allowed hosts and their subdomains."""

import pytest

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


# -- patterns and length -------------------------------------------------------------------------------------------


def of(url, **options):
    return Scope(**options).found(Request(url))


def test_with_include_one_of_its_patterns_has_to_match():
    options = {"include": ["/films/", r"\?page=\d+$"]}
    assert of("http://a.example/films/1", **options) is GO
    assert of("http://a.example/?page=3", **options) is GO
    assert of("http://a.example/people/1", **options) == Drop("scope: no pattern of scope.include matches")


def test_what_matches_exclude_is_left_out_also_where_include_matches():
    options = {"include": ["/films/"], "exclude": ["/login", r"[?&]sort="]}
    assert of("http://a.example/films/1", **options) is GO
    assert of("http://a.example/films/?sort=up", **options) == Drop("scope: [?&]sort= is in scope.exclude")


def test_patterns_and_hosts_both_have_to_allow():
    options = {"allowed_hosts": ["a.example"], "include": ["/x"]}
    assert of("http://a.example/x", **options) is GO
    assert of("http://b.example/x", **options).reason.startswith("scope: b.example")
    assert of("http://a.example/y", **options).reason.startswith("scope: no pattern")


def test_a_url_may_have_so_many_characters_and_no_more():
    url = "http://a.example/" + "x" * 83
    assert of(url, max_url=100) is GO
    assert of(url + "x", max_url=100) == Drop("url: 101 characters, more than limits.max_url")
    assert of("http://a.example/" + "x" * 9000, max_url=8192).reason == (
        "url: 9,017 characters, more than limits.max_url"
    )
    assert of(url * 1000) is GO


def test_what_is_no_page_is_told_as_that_however_long_it_is():
    assert of("data:" + "x" * 9000, max_url=100) == Drop("scope: data: is not fetched, only http and https")

"""Redirects: each hop is a new request, and takes along only what is meant for its host."""

import pytest

from crawler.request import Request
from crawler.response import Failure, Response
from crawler.rules.redirect import Redirect
from crawler.verdict import KEEP, Again, Drop

URL = "https://a.example/films/1"


def after(request, status, location, rule=None):
    headers = (("Location", location),) if location is not None else ()
    return (rule or Redirect(20)).after(request, Response(request.url, status, headers))


def hop(request, status=302, location="/elsewhere"):
    verdict = after(request, status, location)
    assert isinstance(verdict, Again)
    assert verdict.delay == 0
    return verdict.request


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_to_the_next_hop(status):
    verdict = after(Request(URL), status, "/films/2")
    assert verdict == Again(
        Request("https://a.example/films/2", hops=(URL,)), 0.0, f"redirect: {status} to https://a.example/films/2"
    )


@pytest.mark.parametrize("status", [200, 204, 300, 304, 305, 306, 404])
def test_other_statuses_lead_nowhere(status):
    assert after(Request(URL), status, "/films/2") is KEEP


def test_failures_and_redirects_without_a_target_lead_nowhere():
    assert Redirect(20).after(Request(URL), Failure(URL, "timeout")) is KEEP
    assert after(Request(URL), 302, None) is KEEP
    assert after(Request(URL), 302, "") is KEEP
    assert after(Request(URL), 302, " \t ") is KEEP


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("2", "https://a.example/films/2"),
        ("../x/./y", "https://a.example/x/y"),
        ("//b.example/", "https://b.example/"),
        ("HTTPS://B.Example:443/x#top", "https://b.example/x"),
        ("?page=2", "https://a.example/films/1?page=2"),
        (" /spaced ", "https://a.example/spaced"),
        ("/电影".encode().decode("latin-1"), "https://a.example/%E7%94%B5%E5%BD%B1"),
        ("/电影", "https://a.example/%E7%94%B5%E5%BD%B1"),
        ("/caf\xe9 \xff?q=\xe9", "https://a.example/caf%E9%20%FF?q=%E9"),
        ("/a\tb", "https://a.example/ab"),
        ("\t/x\t", "https://a.example/x"),
    ],
)
def test_a_target_is_joined_to_the_page(location, target):
    assert hop(Request(URL), location=location).url == target


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "data:text/html,x", "javascript:alert(1)", "ftp://a.example/"]
)
def test_a_target_that_is_not_fetched_is_an_error(location):
    verdict = after(Request(URL), 302, location)
    assert isinstance(verdict, Drop)
    assert verdict.reason == f"redirect: to {location}, which is not fetched"
    assert (verdict.state, verdict.error) == ("failed", True)


@pytest.mark.parametrize("location", ["http://", "http://[", "http://a b/", "http://a:99999/"])
def test_a_target_that_is_no_url_is_an_error(location):
    verdict = after(Request(URL), 302, location)
    assert isinstance(verdict, Drop)
    assert "which is no URL" in verdict.reason
    assert (verdict.state, verdict.error) == ("failed", True)


def test_hops_are_counted_and_limited():
    rule, request = Redirect(3), Request(URL)
    for number in range(3):
        request = after(request, 302, f"/{number}", rule).request
    assert request.hops == (URL, "https://a.example/0", "https://a.example/1")
    assert after(request, 302, "/3", rule) == Drop(f"redirect: more than 3 hops from {URL}", state="failed", error=True)


def test_with_no_hops_allowed_the_answer_counts_as_it_is():
    assert after(Request(URL), 302, "/x", Redirect(0)) is KEEP


def test_a_redirect_to_itself_is_a_hop_like_any_other():
    assert hop(Request(URL), location=URL).hops == (URL,)


@pytest.mark.parametrize(
    ("status", "method", "next_method", "keeps_body"),
    [
        (301, "GET", "GET", True),
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (303, "POST", "GET", False),
        (303, "PUT", "GET", False),
        (307, "POST", "POST", True),
        (308, "POST", "POST", True),
        (301, "PUT", "PUT", True),
        (302, "DELETE", "DELETE", True),
        (301, "HEAD", "HEAD", True),
        (303, "HEAD", "HEAD", True),
    ],
)
def test_the_method_of_the_next_hop(status, method, next_method, keeps_body):
    fields = {"Content-Type": "text/plain", "content-language": "fr", "X": "1"}
    request = Request(URL, method=method, body=b"x", headers=fields)
    following = hop(request, status)
    assert following.method == next_method
    assert following.body == (b"x" if keeps_body else None)
    assert ("Content-Type" in following.headers) == keeps_body
    assert ("content-language" in following.headers) == keeps_body
    assert following.headers["X"] == "1"


PERSONAL = {"Authorization": "secret", "cookie": "a=b", "Proxy-Authorization": "p", "X": "1"}


def test_the_same_host_gets_everything():
    following = hop(Request(URL, headers=PERSONAL, cookies={"a": "b"}))
    assert (following.headers, following.cookies) == (PERSONAL, {"a": "b"})


@pytest.mark.parametrize("location", ["https://b.example/", "https://a.example:8443/", "https://www.a.example/"])
def test_another_host_gets_nothing_personal(location):
    following = hop(Request(URL, headers=PERSONAL, cookies={"a": "b"}), location=location)
    assert (following.headers, following.cookies) == ({"X": "1"}, None)


def test_a_redirect_from_https_to_http_is_refused():
    assert after(Request(URL), 302, "http://a.example/x") == Drop(
        "redirect: from https to http://a.example/x, redirect.downgrade allows it", state="failed", error=True
    )
    assert isinstance(after(Request("http://a.example/"), 302, "http://b.example/x"), Again)


def test_nothing_personal_goes_from_https_to_http_where_that_is_allowed():
    rule = Redirect(20, downgrade=True, secret=["X-Api-Key"])
    request = Request(URL, headers={**PERSONAL, "x-api-key": "k"}, cookies={"a": "b"})
    following = after(request, 302, "http://a.example/", rule).request
    assert following.headers == {"X": "1"}
    assert following.cookies is None


def test_secret_fields_go_to_no_other_host_and_are_found_in_any_case():
    rule = Redirect(20, secret=["X-Api-Key"])
    request = Request(URL, headers={"x-API-key": "k", "Authorization": "a", "Host": "a.example", "X": "1"})
    assert after(request, 302, "https://b.example/", rule).request.headers == {"X": "1"}
    assert after(request, 302, "/x", rule).request.headers == request.headers


def test_validators_do_not_go_to_another_url():
    request = Request(URL, headers={"If-None-Match": '"1"', "if-modified-since": "x", "X": "1"})
    assert hop(request).headers == {"X": "1"}
    assert hop(request, location=URL).headers == request.headers


def test_several_places_to_go_to_are_none():
    def verdict(*locations):
        pairs = tuple(("location", location) for location in locations)
        return Redirect(20).after(Request(URL), Response(URL, 302, pairs))

    assert verdict("/a", " /a ", "").request.url == "https://a.example/a"
    assert verdict("/b", "/a") == Drop("redirect: to several places, '/a' and '/b'", state="failed", error=True)


@pytest.mark.parametrize("location", ["/a\rb", "/a\nSet-Cookie: x=1", "/\x00", "/\x1b[31m", "/\x7f"])
def test_control_characters_lead_nowhere_and_are_not_told_raw(location):
    verdict = after(Request(URL), 302, location)
    assert verdict == Drop(f"redirect: to {location!r}, which has control characters", state="failed", error=True)
    assert verdict.reason.isprintable()


def test_a_very_long_target_is_not_kept():
    verdict = after(Request(URL), 302, "/" + "x" * 10_000)
    assert verdict == Drop(
        "redirect: to a URL of 10,018 characters, more than limits.max_url", state="failed", error=True
    )
    for location in ("http://[" + "x" * 10_000, "file:///" + "x" * 10_000, "/\x00" + "x" * 10_000):
        assert len(after(Request(URL), 302, location).reason) < 300


def test_from_http_to_https_of_the_same_host_everything_goes():
    following = hop(Request("http://a.example/", headers=PERSONAL), location="https://a.example/")
    assert following.headers == PERSONAL


def test_the_rest_of_the_request_stays_and_attempts_start_again():
    request = Request(
        URL, callback="parse_film", data=1, priority=3, depth=2, jar="j", timeout=5.0, attempts=2, again=True
    )
    assert hop(request) == request.replace(url="https://a.example/elsewhere", hops=(URL,), attempts=0)


def test_fields_that_are_named_secret_stay_where_they_are():
    request = Request(URL, headers={"X-Mine": "1", "X-Api-Key": "2", "X": "3"})
    rule = Redirect(20, secret=["x-mine"])
    assert after(request, 302, "https://b.example/", rule).request.headers == {"X": "3"}
    assert after(request, 302, "https://b.example/").request.headers == {"X-Mine": "1", "X": "3"}


def test_a_password_in_a_target_is_not_told():
    verdict = after(Request(URL), 302, "https://me:hush@b.example/x")
    assert verdict.reason == "redirect: 302 to https://***@b.example/x"

"""What the settings of `[url]` take out of URLs, and that nothing else changes."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.url import canonical
from crawler.url_options import SESSIONS, TRACKING, UrlOptions


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?utm_source=a&page=2&UTM_Medium=b", "?page=2"),
        ("?fbclid=1", ""),
        ("?a=1&&gclid=2&b", "?a=1&&b"),
        ("?utm%5Fsource=1&x", "?x"),
        ("?notutm_source=1&gclids=2&q=utm_source=3", "?notutm_source=1&gclids=2&q=utm_source=3"),
        ("?", "?"),
        ("?sid=1&PHPSESSID=2", "?sid=1&PHPSESSID=2"),
    ],
)
def test_parameters_that_track_are_left_out(query, expected):
    assert UrlOptions(drop_tracking=True)(f"https://a.example/p{query}") == f"https://a.example/p{expected}"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/p?PHPSESSID=1&page=2&sid=3&ASPSESSIONIDQQ=4&CFID=5&CFTOKEN=6", "/p?page=2"),
        ("/p;jsessionid=AB12.node1?page=2", "/p?page=2"),
        ("/p;JSESSIONID=AB12/q;v=1", "/p/q;v=1"),
        ("/p;v=1;jsessionid=2;w=3", "/p;v=1;w=3"),
        ("/p;cfid=1;cftoken=2", "/p"),
        ("/;jsessionid=1", "/"),
        ("/..;jsessionid=1/a", "/..;jsessionid=1/a"),
        ("/(S(lit3py55t21z5v55vlm25s55))/a.aspx", "/a.aspx"),
        ("/shop/(A(x)S(y)F(z))/", "/shop/"),
        ("/(S(x))", "/"),
        ("/(S(x));jsessionid=1/(S(y))/a", "/a"),
        ("/(S)/x(S(y))/(S(y))x/a?b=/(S(x))/;jsessionid=1", "/(S)/x(S(y))/(S(y))x/a?b=/(S(x))/;jsessionid=1"),
        ("/side?side=1&insid=2&utm_source=3", "/side?side=1&insid=2&utm_source=3"),
    ],
)
def test_session_ids_are_left_out_of_query_and_path(target, expected):
    assert UrlOptions(drop_sessions=True)(f"http://a.example{target}") == f"http://a.example{expected}"


def test_parameters_are_sorted_by_name_and_those_of_one_name_keep_their_order():
    tidy = UrlOptions(sort_query=True)
    assert tidy("http://a.example/?b=1&a=2&b=0&a=1&%61b") == "http://a.example/?a=2&a=1&%61b&b=1&b=0"
    assert tidy("http://a.example/?&&a") == "http://a.example/?a"
    assert tidy("http://a.example/?&") == tidy("http://a.example/?") == "http://a.example/"


def test_own_names_are_left_out_whole_or_by_their_beginning():
    tidy = UrlOptions(drop_parameters=["Ref_*", "lang"])
    assert tidy("http://a.example/?ref_no=1&lang=en&language=2&ref=3") == "http://a.example/?language=2&ref=3"


def test_what_is_not_asked_for_is_off():
    assert not UrlOptions()
    assert UrlOptions(sort_query=True)
    assert UrlOptions(drop_tracking=True)
    assert UrlOptions(drop_sessions=True)
    assert UrlOptions(drop_parameters=["x_*"])
    url = "http://a.example/;jsessionid=1?utm_source=b&sid=1&a"
    assert UrlOptions()(url) == url
    assert UrlOptions(True, True, True)("mailto:b?utm_source=x&a") == "mailto:b?utm_source=x&a"


names = st.sampled_from([*TRACKING, *SESSIONS, "a", "b", "", "%2e", "utm%5fx"]).map(lambda name: name.replace("*", "x"))
parameters = st.builds("{}{}".format, names, st.sampled_from(["", "=", "=1", "=%41", "=/(S(x))", "=;jsessionid=2"]))
segments = st.lists(
    st.sampled_from([
        "a", ".", "..", "%2E", ";jsessionid=1", ";JSESSIONID=", ";cfid=2", ";v", "(S(x))", "(S(x", "))", "(A(1)S(2))",
        "(", ";jsession", "id=3", " ", "é",
    ]),
    max_size=4,
).map("".join)  # fmt: skip
urls = st.builds(
    "{}{}{}".format,
    st.sampled_from(["http://a.example", "https://u:p@a.example:8080", "http://[::1]"]),
    st.lists(segments, max_size=4).map(lambda parts: "".join("/" + part for part in parts)),
    st.lists(parameters, max_size=4).map(lambda parts: "?" + "&".join(parts) if parts else ""),
)


@given(urls, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([(), ("a",), ("b*", "%2e")]))
@settings(max_examples=300, deadline=None)
@example("http://a.example/..;jsessionid=1/x", False, False, True, ())
@example("http://a.example/(S(;jsessionid=1x))/", False, False, True, ())
def test_the_result_is_canonical_and_stays_as_it_is(url, sort, tracking, sessions, parameters):
    tidy = UrlOptions(sort, tracking, sessions, parameters)
    once = tidy(canonical(url))
    assert canonical(once) == once
    assert tidy(once) == once

"""Set-Cookie fields, as servers write them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.rules.set_cookie import SetCookie, cookie_date, parse_set_cookie

NOW = 1_000_000.0
LONGEST = 400 * 86400.0


def parse(line):
    return parse_set_cookie(line, NOW)


@pytest.mark.parametrize(
    ("line", "cookie"),
    [
        ("a=1", SetCookie("a", "1")),
        (" a \t=\t 1 ; Secure ;HttpOnly; x=y; ", SetCookie("a", "1", secure=True, http_only=True)),
        ("a=b=c", SetCookie("a", "b=c")),
        ('a="1 2"', SetCookie("a", '"1 2"')),
        ("a=", SetCookie("a", "")),
        ("\xe9=\xff", SetCookie("\xe9", "\xff")),
        ("a=1; DOMAIN=.Example.ORG; path=/x", SetCookie("a", "1", "example.org", "/x")),
        ("a=1; Domain=x; Domain=y; Path=/x; Path=z", SetCookie("a", "1", "y")),
        ("a=1; Domain=x; Domain=; Path=/x; Path", SetCookie("a", "1", "x")),
        ("a=1; Domain=..x", SetCookie("a", "1", ".x")),
        ("a=1; SameSite=None; Partitioned; Priority=High", SetCookie("a", "1")),
        ("a=1; Path=/" + "x" * 1024, SetCookie("a", "1")),
        ("a=1; Path=/" + "x" * 1023, SetCookie("a", "1", path="/" + "x" * 1023)),
    ],
)
def test_what_a_field_says(line, cookie):
    assert parse(line) == cookie


@pytest.mark.parametrize(
    "line", ["", "a", "=1", " =1", ";", "; a=1", "a; b=1", "a\x00=1", "a=1\x1b[0m", "a=1; Path=/\r\n"]
)
def test_what_sets_no_cookie(line):
    assert parse(line) is None


def test_a_cookie_has_up_to_4096_bytes():
    assert parse("ab=" + "x" * 4094).value == "x" * 4094
    assert parse("ab=" + "x" * 4095) is None


@pytest.mark.parametrize(
    ("attributes", "expires"),
    [
        ("Max-Age=60", NOW + 60),
        ("max-age = 60 ", NOW + 60),
        ("Max-Age=0", 0.0),
        ("Max-Age=-1", 0.0),
        ("Max-Age=" + "9" * 400, NOW + LONGEST),
        ("Max-Age=6.0", None),
        ("Max-Age=+6", None),
        ("Max-Age=", None),
        ("Max-Age=\xb2", None),
        ("Expires=Tue, 13 Jan 1970 00:00:00 GMT", 12 * 86400.0),
        ("Expires=Tue, 13 Jan 2970 00:00:00 GMT", NOW + LONGEST),
        ("Expires=never", None),
        ("Expires=Tue, 13 Jan 1970 00:00:00 GMT; Max-Age=60", NOW + 60),
        ("Max-Age=60; Expires=Tue, 13 Jan 1970 00:00:00 GMT", NOW + 60),
        ("Expires=Tue, 13 Jan 1970 00:00:00 GMT; Max-Age=soon", 12 * 86400.0),
        ("Expires=Tue, 13 Jan 1970 00:00:00 GMT; Expires=never", 12 * 86400.0),
        ("Expires=Tue, 13 Jan 1601 00:00:00 GMT", datetime(1601, 1, 13, tzinfo=UTC).timestamp()),
    ],
)
def test_when_a_cookie_is_over(attributes, expires):
    assert parse(f"a=1; {attributes}").expires == expires


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 november 94 8:49:37",
        "1994 Nov 06x 08:49:37 +0200",
        "08:49:37 06 94 nov",
        "08:49:37x 6nov 6 Nov 1994",
    ],
)
def test_a_date_in_whatever_order(text):
    assert cookie_date(text) == 784_111_777.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06 Nov 1994",
        "08:49:37 Nov 1994",
        "08:49:37 06 1994",
        "08:49:37 06 Nov",
        "08:49 06 Nov 1994",
        "24:00:00 06 Nov 1994",
        "08:60:00 06 Nov 1994",
        "08:49:60 06 Nov 1994",
        "08:49:37 31 Feb 1994",
        "08:49:37 00 Nov 1994",
        "08:49:37 32 Nov 1994",
        "08:49:37 06 Nov 1600",
        "08:49:37 06 Nov 19940",
        "08:49:37 006 Nov 1994",
        "08:49:377 06 Nov 1994",
        "0\xb2:49:37 06 Nov 1994",
    ],
)
def test_what_is_no_date(text):
    assert cookie_date(text) is None


@pytest.mark.parametrize(("year", "meant"), [("69", 2069), ("70", 1970), ("99", 1999), ("00", 2000), ("101", None)])
def test_years_of_two_digits(year, meant):
    date = cookie_date(f"00:00:00 01 Jan {year}")
    assert date == (None if meant is None else datetime(meant, 1, 1, tzinfo=UTC).timestamp())


@given(
    st.integers(0, 4 * 10**9),
    st.sampled_from(["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%Y %H:%M:%S", "%c", "%H:%M:%S %d %B %Y"]),
)
def test_every_second_of_a_century_is_read(seconds, form):
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert cookie_date(date.strftime(form)) == seconds
    assert cookie_date(format_datetime(date, usegmt=True)) == seconds


@given(st.text(st.characters(max_codepoint=255), max_size=60) | st.text("a=; :1Domainpthexrs-,", max_size=60))
def test_whatever_comes_is_a_cookie_or_none(line):
    cookie = parse(line)
    assert cookie is None or (cookie.name and (cookie.path[:1] in ("", "/")) and not cookie.domain.isupper())

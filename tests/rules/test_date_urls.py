"""Dates in URLs: endless calendars are known by years that nobody asks for, and ids are not taken for dates."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.rules import date_urls
from crawler.rules.date_urls import Dates

SITE = "http://a.example"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(date_urls, "_MOST_ODD", 5)


def refused(urls, years=1, this_year=2025):
    dates = Dates(years, this_year)
    return [url for url in urls if dates.reason(SITE + url)]


@pytest.mark.parametrize(
    "form",
    [
        "/calendar/{year}/{month}",
        "/calendar/{year}/{month:02}/01/",
        "/events/{year}-{month:02}",
        "/events/{year}-{month:02}-28.html",
        "/events/28.{month}.{year}",
        "/events/{month:02}/{year}",
        "/cal?year={year}&month={month}",
        "/cal?view=month&month={month}&year={year}",
        "/cal?date={year}-{month:02}-01",
        "/cal?date={year}{month:02}01",
        "/cal?m={year}{month:02}",
        "/calendar/17/{year}/{month:02}",
        "/room-1/{year}/{month:02}",
        "/v1.2/calendar?year={year}&month={month}",
        "/day/{year}{month:02}28",
    ],
)
def test_a_calendar_is_cut_some_dates_after_the_last_year(form):
    months = [(year, month) for year in range(2024, 2030) for month in range(1, 13)]
    cut = refused([form.format(year=year, month=month) for year, month in months])
    assert cut == [form.format(year=year, month=month) for year, month in months if (year, month) > (2027, 5)]


def test_months_may_have_names():
    months = ["jan", "february", "Mar", "apr", "May", "june", "july", "aug", "september"]
    for form in ("/cal/2030/{}", "/cal/{}-2030.html"):
        assert refused([form.format(month) for month in months]) == [
            form.format(month) for month in months if month not in months[:5]
        ]
    assert refused([f"/cal/2030/marble-{number}" for number in range(99)]) == []


def test_a_calendar_is_cut_some_dates_before_1800():
    urls = [f"/day/{year}/1/1/" for year in range(2000, 1700, -1)]
    assert refused(urls) == [f"/day/{year}/1/1/" for year in range(1794, 1700, -1)]


def test_two_centuries_of_newspapers_are_read():
    urls = [f"/archive/{y}/{m:02}/{d:02}/" for y in range(1800, 2027) for m in range(1, 13) for d in range(1, 29)]
    assert refused(urls) == []


def test_the_same_date_counts_once():
    assert refused([f"/cal/2030/{month}" for month in (1, 2, 3, 4, 5)] * 100) == []


def test_each_form_and_each_host_counts_for_itself():
    dates = Dates(1, 2025)
    for month in range(1, 6):
        for place in ("http://a.example/x", "http://b.example/x", "http://a.example/y"):
            assert dates.reason(f"{place}/2030/{month}") == ""
    assert dates.reason("http://a.example/x/2030/6") == (
        "a calendar: /x/#/# has 5 dates more than traps.max_years = 1 years ahead or before 1800"
    )


def test_ids_that_look_like_dates_are_ids_where_others_do_not():
    threads = [f"/thread/{number}/{page}" for number in range(1, 3000) for page in (1, 2, 3)]
    assert refused(threads) == []
    assert refused([f"/thread/2050/{page}" for page in range(1, 14)] + [f"/thread/2051/{p}" for p in range(1, 9)]) == [
        f"/thread/2050/{page}" for page in range(6, 13)
    ]


@pytest.mark.parametrize(
    "form",
    [
        "/item/{}",
        "/item/2030{}",
        "/p/{}-slug",
        "/list?page={}",
        "/list?year={}",
        "/list?m={}",
        "/3.{}/x",
        "/x",
        "/local/{}",
        "/calendar/{}x/1",
    ],
)
def test_numbers_alone_are_no_dates(form):
    assert refused([form.format(number) for number in range(20_100, 20_200)]) == []


def test_the_forms_that_are_known_are_not_ever_more(monkeypatch):
    monkeypatch.setattr(date_urls, "_MOST_KINDS", 10)
    dates = Dates(1, 2025)
    for number in range(100):
        dates.reason(f"http://{'x' * number}.example/2030/1")
        assert len(dates._kinds) <= 10


PIECES = ["jan", "Mar", "december", "item", "2031", "1205", "12", "5", "20310512", "?year=", "&d=", *"/-_.=x"]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_the_short_ways_miss_nothing(rest):
    short = date_urls._year(rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(date_urls, "_FOUR", re.compile(""))
        patch.setattr(date_urls, "_MONTH", re.compile(""))
        assert date_urls._year(rest) == short


@pytest.mark.parametrize("rest", ["/about/us", "/january/12", "/products/category-17/item-1234.html"])
def test_names_of_months_are_looked_for_where_a_date_may_be(rest, monkeypatch):
    monkeypatch.setattr(date_urls, "_NAMED", None)
    date_urls._year(rest)

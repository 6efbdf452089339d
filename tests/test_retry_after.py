"""Retry-After: seconds or a date, and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.retry_after import retry_after

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the date that RFC 9110 takes for its examples


@pytest.fixture
def far_from_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("99999999999999999999", 9_999_999_999.0)]
)
def test_seconds(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994",
        "Sun, 06 Nov 1994 08:50:37",
        "Sun, 06 Nov 1994 09:50:37 +0100",
    ],
)
def test_a_date_in_each_form(value, far_from_utc):
    assert retry_after(value, NOW) == 60.0


def test_a_date_that_is_over_is_no_wait():
    assert retry_after("Sun, 06 Nov 1994 08:49:36 GMT", NOW) == 0.0


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-5",
        "+5",
        "1.5",
        "5 s",
        "soon",
        "120, 120",
        "٣",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        ",",
        "1 2 3 4 5",
        "x" * 99,
    ],
)
def test_nonsense_is_none(value):
    assert retry_after(value, NOW) is None


@given(st.text(max_size=80) | st.text("SunNov 0123456789:,-+GMT", max_size=40))
def test_whatever_comes_nothing_is_raised_and_no_wait_is_negative(value):
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0

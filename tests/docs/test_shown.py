"""What counts as the same output, and what does not."""

import pytest

from tests.docs.shown import is_shown

REPORT = (
    "12:34:56 info     films: started, 4 workers (process)\nfilms: finished after 5.1 s\n  items    10 in films.csv\n"
)


@pytest.mark.parametrize(
    "expected",
    [
        REPORT,
        "01:02:03 info     films: started, 1 worker (thread)\nfilms: finished after 0.3 s\n  items    10 in films.csv",
        "...\n  items    10 in films.csv\n",
        "...\nfilms: finished after 0.3 s\n...\n",
        "...\n  items    10 in ...\n",
        "...",
    ],
)
def test_it_is_what_is_shown(expected):
    assert is_shown(expected, REPORT)


@pytest.mark.parametrize(
    "expected",
    [
        "",
        "  items    10 in films.csv\n",
        "...\n  items    11 in films.csv\n",
        "...\n  items    10 in films\n",
        "...\nfilms: finished after 0.3 s\n",
        REPORT + "exit code 3\n",
    ],
)
def test_it_is_not_what_is_shown(expected):
    assert not is_shown(expected, REPORT)


def test_no_output_is_only_shown_by_none_or_by_dots():
    assert is_shown("", "")
    assert is_shown("...", "")
    assert not is_shown("a", "")


def test_names_of_runs_times_of_day_and_ends_of_lines_differ_each_time():
    assert is_shown("10 items of .crawl/films/20240520-120000", "10 items of .crawl/films/20261125-110203-2  \r\n")
    assert is_shown("2024-05-20T12:00:00+00:00", "2026-11-25T11:02:03+00:00")

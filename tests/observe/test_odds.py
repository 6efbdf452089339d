import random

import pytest

from crawler.observe import odds
from crawler.observe.check import Check
from crawler.observe.profile import Tally


def check(bad, pages, runs=1, **usual):
    one = Check("items", "no items", "", Tally())
    one.compare(bad, pages, Tally(**usual), runs)
    return one


def needed(one, pattern):
    """With which page of the pattern (x: a bad one) the alarm comes; None for never."""
    for number, page in enumerate(pattern, 1):
        if page == "x":
            if one.count_bad():
                return number
        else:
            one.count_good()
    return None


@pytest.mark.parametrize(("pages", "after"), [(9, None), (10, 5), (24, 5), (25, 4), (49, 4), (50, 3), (1000, 3)])
def test_the_more_good_pages_the_fewer_bad_ones_it_takes(pages, after):
    assert needed(check(0, pages), "x" * 20) == after


def test_what_is_common_takes_longer_and_what_is_usual_is_never_told():
    assert needed(check(5, 50), "x" * 20) == 6
    assert needed(check(20, 50), "x" * 40) == 12
    assert needed(check(45, 50), "x" * 400) is None


def test_it_takes_more_than_ever_happened_in_a_good_run():
    assert needed(check(5, 50, longest=5, worst=5), "x" * 20) == 8
    assert needed(check(6, 100, longest=1), "x" * 20) == 5


def test_every_second_page_is_told_too():
    assert needed(check(0, 50), "x." * 20) is not None
    assert needed(check(0, 50), "x.........." * 10) is None


def test_a_good_page_ends_the_streak():
    assert needed(check(0, 50), "xx.xx.") is None
    assert needed(check(0, 50), "xx....xxx") == 9


@pytest.mark.parametrize("p", [0.01, 0.05, 0.15, 0.4, 0.7])
def test_chance_is_no_alarm(p):
    """Pages that are bad independently of each other, in 300 runs each; one in a thousand would be an alarm."""
    luck = random.Random(p)
    told = 0
    for _ in range(300):
        before = sum(luck.random() < p for _ in range(200))
        told += (
            needed(check(before, 200, runs=4), "".join("x" if luck.random() < p else "." for _ in range(50)))
            is not None
        )
    assert told <= 2


def test_the_walk_has_the_height_that_lundberg_says():
    assert odds.walk_needed(0.1, 0, 2e-5) == pytest.approx(7.5, abs=2)
    assert odds.walk_needed(0.3, 0, 2e-5) == float("inf")

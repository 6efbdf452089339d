"""The throttle: many threads while requests wait, few while the threads themselves are what is slow."""

from itertools import pairwise

import pytest

from crawler.fetch.threads import Throttle


def land(throttle, seconds, number=200):
    for _ in range(number):
        throttle.landed("a.example", seconds)


def test_steady_answers_let_it_grow_to_the_most():
    throttle = Throttle(100)
    land(throttle, 0.2, 2000)
    assert throttle.limit == 100


def test_answers_that_got_much_slower_let_it_shrink_but_not_to_nothing():
    throttle = Throttle(100)
    land(throttle, 0.001, 50)
    limits = [throttle.limit]
    for seconds in (0.1, 1.0, 30.0):
        for _ in range(50):
            throttle.landed("a.example", seconds)
            limits.append(throttle.limit)
    assert any(later < earlier for earlier, later in pairwise(limits))
    assert min(limits) >= 4


def test_old_luck_is_forgotten():
    throttle = Throttle(100)
    land(throttle, 0.001, 50)
    land(throttle, 0.1, 100)
    shrunk = throttle.limit
    land(throttle, 0.1, 3000)
    assert throttle.limit > shrunk


def test_each_host_has_a_best_time_of_its_own():
    throttle = Throttle(100)
    for _ in range(500):
        throttle.landed("quick.example", 0.001)
        throttle.landed("slow.example", 2.0)
    assert throttle.limit == 100


def test_silence_lets_it_grow():
    throttle = Throttle(100)
    before = throttle.limit
    throttle._last -= 1.0
    throttle.nothing_came()
    assert before < throttle.limit <= before + max(2, before // 4)
    again = throttle.limit
    throttle.nothing_came()
    assert throttle.limit == again


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_most_is_never_passed_however_small(most):
    throttle = Throttle(most)
    assert throttle.limit == most
    land(throttle, 0.1)
    throttle.nothing_came(silence=0.0)
    assert throttle.limit == most
    land(throttle, 100.0)
    assert 1 <= throttle.limit <= most


def test_an_answer_in_no_time_is_no_division_by_zero():
    throttle = Throttle(10)
    land(throttle, 0.0)
    assert throttle.limit >= 1


def test_the_memory_of_hosts_is_bounded():
    throttle = Throttle(10)
    for number in range(10_000):
        throttle.landed(f"h{number}.example", 0.1)
    assert len(throttle._best) <= 4096

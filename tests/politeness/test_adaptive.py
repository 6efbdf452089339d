import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.politeness.adaptive import Adaptive

H = "h.example"


def test_a_quick_host_keeps_its_delay():
    adaptive = Adaptive(60.0)
    adaptive.answered(H, 0.2, 0.5)
    assert adaptive.delay(H, 0.5) == 0.5
    assert not adaptive._delays


def test_a_slow_host_is_asked_as_slowly_as_it_answers():
    adaptive = Adaptive(60.0)
    adaptive.answered(H, 3.0, 0.5)
    assert adaptive.delay(H, 0.5) == 3.0


def test_the_delay_shrinks_by_halves_and_is_forgotten_at_last():
    adaptive = Adaptive(60.0)
    adaptive.answered(H, 8.5, 0.5)
    delays = []
    for _ in range(20):
        adaptive.answered(H, 0.5, 0.5)
        delays.append(adaptive.delay(H, 0.5))
    assert delays[:3] == [4.5, 2.5, 1.5]
    assert delays == sorted(delays, reverse=True)
    assert delays[-1] == pytest.approx(0.5, abs=0.001)


def test_trouble_doubles_it_from_a_second_on():
    adaptive = Adaptive(60.0)
    delays = []
    for _ in range(8):
        adaptive.troubled(H, 0.0)
        delays.append(adaptive.delay(H, 0.0))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1000))), st.floats(0, 50))
def test_the_delay_stays_within_its_bounds(answers, least):
    adaptive = Adaptive(60.0)
    for seconds in answers:
        if seconds is None:
            adaptive.troubled(H, least)
        else:
            adaptive.answered(H, seconds, least)
        assert least <= adaptive.delay(H, least) <= 60.0


def test_memory_is_bounded():
    adaptive = Adaptive(60.0)
    for number in range(60_000):
        adaptive.troubled(f"h{number}", 0.0)
    assert len(adaptive._delays) <= 50_000


def test_a_limit_of_nothing_is_none():
    one = Adaptive(0.0)
    one.answered("a", 1000.0, 0.5)
    assert one.delay("a", 0.5) == 1000.0

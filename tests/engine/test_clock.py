import time

import pytest

from crawler.engine import clock


class Clocks:
    """Both clocks; reading the time of day is interrupted for these seconds, one time after the other."""

    def __init__(self, *interruptions):
        self.now = 100.0
        self.interruptions = list(interruptions)

    def monotonic(self):
        return self.now

    def time(self):
        self.now += self.interruptions.pop(0)
        return 1.7e9 + self.now


def test_an_interruption_between_the_two_readings_shifts_nothing(monkeypatch):
    clocks = Clocks(0.02, 0.005, 0.0, 1.0)
    monkeypatch.setattr(clock, "time", clocks)
    assert clock.to_wall() == 1.7e9
    assert clocks.interruptions == [1.0]


def test_where_every_reading_is_interrupted_the_best_one_counts(monkeypatch):
    monkeypatch.setattr(clock, "time", Clocks(0.02, 0.005, 0.002, 0.5, 0.03))
    assert clock.to_wall() == pytest.approx(1.7e9 + 0.002)


def test_it_turns_one_clock_into_the_other():
    assert time.monotonic() + clock.to_wall() == pytest.approx(time.time(), abs=0.5)

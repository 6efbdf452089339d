"""Attributes that are worked out when they are first asked for."""

from crawler.once import once


class Counted:
    def __init__(self):
        self.calls = 0

    @once
    def value(self):
        """What it says."""
        self.calls += 1
        return self.calls


def test_it_is_worked_out_once_for_each_object():
    one, other = Counted(), Counted()
    assert one.calls == 0
    assert (one.value, one.value, other.value) == (1, 1, 1)
    assert (one.calls, other.calls) == (1, 1)


def test_a_class_shows_what_it_is_and_says():
    assert isinstance(Counted.value, once)
    assert Counted.value.__doc__ == "What it says."

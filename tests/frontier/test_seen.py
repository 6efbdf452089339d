"""The seen set: one question for a whole report, answered in order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.control.gauges import Gauges
from crawler.control.room import local_room
from crawler.errors import RoomLost
from crawler.frontier.seen import SeenSet


class CountingRoom:
    def __init__(self):
        self.room, _ = local_room(Gauges(1))
        self.questions = 0

    def claim(self, fingerprints):
        self.questions += 1
        return self.room.claim(fingerprints)


def print_of(number):
    return number.to_bytes(8, "big")


def over(room, *stored):
    return SeenSet(lambda: room, lambda: stored)


def test_the_first_of_two_equal_ones_is_the_new_one():
    seen = over(CountingRoom())
    assert seen.claim([print_of(1), print_of(2), print_of(1)]) == [True, True, False]
    assert seen.claim([print_of(2), print_of(3)]) == [False, True]


def test_a_batch_is_one_question_and_an_empty_one_none():
    room = CountingRoom()
    seen = over(room)
    assert seen.claim([]) == []
    assert room.questions == 0
    seen.claim([print_of(number) for number in range(1000)])
    assert room.questions == 1


@given(st.lists(st.lists(st.integers(0, 20), max_size=10), max_size=10))
@settings(max_examples=50, deadline=None)
def test_it_is_a_set(batches):
    seen, known = over(CountingRoom()), set()
    for batch in batches:
        expected = []
        for number in batch:
            expected.append(number not in known)
            known.add(number)
        assert seen.claim([print_of(number) for number in batch]) == expected


class LostRoom(CountingRoom):
    """Does what it is asked and is gone before it answers."""

    def claim(self, fingerprints):
        super().claim(fingerprints)
        raise RoomLost("gone")


def test_a_lost_room_is_replaced_by_one_that_knows_what_the_ledger_knows():
    rooms = [LostRoom(), CountingRoom()]
    stored = [print_of(1) + print_of(2), print_of(3)]
    seen = SeenSet(lambda: rooms[0], lambda: stored, lambda: rooms.pop(0))
    assert seen.claim([print_of(3), print_of(4), print_of(4), print_of(1)]) == [False, True, False, False]
    assert seen.claim([print_of(4), print_of(5)]) == [False, True]
    assert not any(isinstance(room, LostRoom) for room in rooms)


def test_two_rooms_lost_in_a_row_are_the_end():
    rooms = [LostRoom(), LostRoom()]
    seen = SeenSet(lambda: rooms[0], lambda: [print_of(1)], lambda: rooms.pop(0))
    with pytest.raises(RoomLost):
        seen.claim([print_of(3)])

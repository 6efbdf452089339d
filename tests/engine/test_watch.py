"""The threads beside the loop: faults are told once, a sleep of everything is excused, a lost room is noticed."""

import threading
from queue import SimpleQueue

from crawler.engine import watch
from crawler.engine.watch import Noticeboard, RoomFault, Ticker, Watchdog
from crawler.errors import RoomLost
from crawler.pool.lane import Fault


class FakeLane:
    def __init__(self):
        self.wrong = ""
        self.excused = 0.0

    def fault(self):
        return self.wrong

    def excuse(self, seconds):
        self.excused += seconds


def drained(inbox):
    return [inbox.get_nowait() for _ in range(inbox.qsize())]


def test_a_fault_is_told_once():
    lanes, inbox = [FakeLane(), FakeLane()], SimpleQueue()
    watchdog = Watchdog(lanes, inbox)
    watchdog.look()
    assert inbox.empty()
    lanes[1].wrong = "killed by signal 9"
    watchdog.look()
    watchdog.look()
    (fault,) = drained(inbox)
    assert isinstance(fault, Fault)
    assert (fault.lane, fault.reason) == (lanes[1], "killed by signal 9")


def test_a_lane_that_was_replaced_is_forgotten():
    lanes, inbox = [FakeLane()], SimpleQueue()
    watchdog = Watchdog(lanes, inbox)
    lanes[0].wrong = "killed by signal 9"
    watchdog.look()
    lanes[0] = FakeLane()
    watchdog.look()
    assert not watchdog._told
    lanes[0].wrong = "killed by signal 9"
    watchdog.look()
    assert len(drained(inbox)) == 2


def test_time_in_which_nothing_ran_is_excused(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    lanes = [FakeLane()]
    watchdog = Watchdog(lanes, SimpleQueue(), seconds=0.25)
    now[0] += 1.0
    watchdog.look()
    assert lanes[0].excused == 0.0  # a busy machine is no pause
    now[0] += 60.25
    watchdog.look()
    assert lanes[0].excused == 60.0
    now[0] += 0.25
    watchdog.look()
    assert lanes[0].excused == 60.0


class FakeRoom:
    def __init__(self, wishes=(), lost=False):
        self.wishes = list(wishes)
        self.lost = lost
        self.published = []
        self.answers = {}

    def publish(self, numbers):
        if self.lost:
            raise RoomLost("gone")
        self.published.append(numbers)
        wishes, self.wishes = self.wishes, []
        return wishes

    def answer(self, number, refusal):
        if self.lost:
            raise RoomLost("gone")
        self.answers[number] = refusal


def test_numbers_go_to_the_room_and_wishes_come_from_there():
    room, inbox = FakeRoom([(1, "politeness.delay", 2.0, "a.example")]), SimpleQueue()
    board = Noticeboard(lambda: room, lambda: {"pages": 3}, inbox)
    board.look()
    board.look()
    assert room.published == [{"pages": 3}] * 2
    (change,) = drained(inbox)
    assert (change.setting, change.value, change.host) == ("politeness.delay", 2.0, "a.example")
    change.answer("")
    assert room.answers == {1: ""}
    room.lost = True
    change.answer("")  # nobody is left to be told


def test_a_lost_room_is_told_once_and_the_next_one_is_used():
    rooms, inbox = [FakeRoom(lost=True)], SimpleQueue()
    board = Noticeboard(lambda: rooms[0], dict, inbox)
    board.look()
    board.look()
    (fault,) = drained(inbox)
    assert isinstance(fault, RoomFault)
    assert fault.room is rooms[0]
    rooms[0] = FakeRoom()
    board.look()
    assert rooms[0].published == [{}]


def test_a_ticker_calls_until_it_is_stopped_and_does_not_wait_for_a_call_that_hangs():
    called, hangs = threading.Semaphore(0), threading.Event()

    def act():
        called.release()
        hangs.wait(30)

    ticker = Ticker("test", 0.01, act)
    ticker.start()
    assert called.acquire(timeout=5)
    ticker.stop()
    hangs.set()
    ticker._thread.join(5)
    assert not ticker._thread.is_alive()
    assert not called.acquire(blocking=False)

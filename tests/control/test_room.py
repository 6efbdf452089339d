"""The control room: here and as a process of its own, reached with a deadline, private, and gone without a trace."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.control import room as room_module
from crawler.control.gauges import Gauges
from crawler.control.room import RoomLost, RoomProcess, attach, local_room
from crawler.control.switch import Level, Switch
from crawler.pool.context import context_for

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def prints(*numbers):
    return b"".join(number.to_bytes(8, "big") for number in numbers)


class Run:
    """A room process and the parent's side of it."""

    def __init__(self, method):
        context = context_for(method)
        self.gauges = Gauges(1, context)
        self.running, self.stop = context.Event(), context.Event()
        self.running.set()
        self.process = RoomProcess(context, self.gauges, self.running, self.stop)
        self.room = self.process.room
        self.switch = Switch(self.gauges.level, self.running, self.stop)

    def halt(self):
        """Stop the process of the room, as Ctrl-Z would; returns when it does not run any more."""
        os.kill(self.process.pid, signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while {
            Path(f"/proc/{self.process.pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
            for task in os.listdir(f"/proc/{self.process.pid}/task")
        } != {"T"}:
            assert time.monotonic() < deadline

    def close(self):
        self.switch.stop()
        self.process.close()


@pytest.fixture(params=["forkserver", "spawn", "fork"])
def every_run(request):
    run = Run(request.param)
    yield run
    run.close()


@pytest.fixture
def run():
    run = Run("auto")
    yield run
    run.close()


# -- what it does --------------------------------------------------------------------------------------------------


def test_a_batch_tells_new_ones_from_seen_ones_in_order():
    room, _ = local_room(Gauges(1))
    assert room.claim(prints(1, 2, 1, 3, 2)) == bytes([1, 1, 0, 1, 0])
    assert room.claim(prints(3, 4)) == bytes([0, 1])
    assert room.claim(b"") == b""
    assert room.seen() == 4


@given(st.lists(st.lists(st.integers(0, 30), max_size=15), max_size=10))
@settings(max_examples=50, deadline=None)
def test_claims_are_what_a_set_would_say(batches):
    room, _ = local_room(Gauges(1))
    known = set()
    for batch in batches:
        expected = []
        for number in batch:
            expected.append(number not in known)
            known.add(number)
        assert [bool(byte) for byte in room.claim(prints(*batch))] == expected
    assert room.seen() == len(known)


def test_of_many_threads_one_gets_each_fingerprint():
    room, _ = local_room(Gauges(1))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(room.claim(prints(*range(5000))))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 5000


def test_the_numbers_are_the_published_ones_and_the_level():
    room, switch = local_room(Gauges(1))
    assert room.numbers() == {"level": "run"}
    room.publish({"pages": 3})
    switch.pause()
    assert room.numbers() == {"pages": 3, "level": "pause"}


def test_a_local_room_turns_the_switch():
    room, switch = local_room(Gauges(1))
    assert (room.pause(), switch.level) == (True, Level.PAUSE)
    assert (room.go(), switch.level) == (True, Level.RUN)
    room.stop()
    assert (room.pause(), room.go(), room.level()) == (False, False, "stop")
    room.stop(now=True)
    assert room.level() == "stop_now"


# -- as a process --------------------------------------------------------------------------------------------------


def test_it_answers_over_the_process_boundary(every_run):
    room = every_run.room
    assert room.claim(prints(1, 2, 1)) == bytes([1, 1, 0])
    assert room.claim(prints(2, 3)) == bytes([0, 1])
    assert room.seen() == 3
    room.publish({"pages": 3, "rate": 1.5})
    assert room.numbers() == {"pages": 3, "rate": 1.5, "level": "run"}


def test_a_large_batch_is_one_call(run):
    assert run.room.claim(prints(*range(100_000))) == b"\x01" * 100_000


def test_the_switch_is_turned_from_the_room(every_run):
    woken = threading.Event()
    every_run.switch.on_change(woken.set)
    assert every_run.room.pause()
    assert (every_run.switch.level, every_run.running.is_set()) == (Level.PAUSE, False)
    assert every_run.room.go()
    assert (every_run.switch.level, every_run.running.is_set()) == (Level.RUN, True)
    assert not woken.is_set()
    every_run.room.stop()
    assert woken.wait(5)
    assert every_run.switch.level is Level.STOP
    assert not every_run.room.pause()
    every_run.room.stop(now=True)
    assert every_run.switch.level is Level.STOP_NOW


ELSEWHERE = """
import sys
from crawler.control.room import attach
room = attach(sys.argv[1], bytes.fromhex(sys.argv[2]))
print(room.claim(bytes(8)), room.numbers(), room.pause(), room.level())
room.stop()
"""


def test_another_terminal_reaches_it_with_address_and_key(run):
    woken = threading.Event()
    run.switch.on_change(woken.set)
    run.room.claim(bytes(8))
    run.room.publish({"pages": 3})
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, run.process.address, run.process.key.hex()],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.stdout, done.stderr) == ("b'\\x00' {'pages': 3, 'level': 'run'} True pause\n", "")
    assert woken.wait(5)
    assert run.switch.level is Level.STOP


def test_a_wrong_key_is_refused(run):
    with pytest.raises(RoomLost, match="no control room answers"):
        attach(run.process.address, b"wrong")
    assert run.room.level() == "run"


def test_nobody_at_the_address_is_a_lost_room(tmp_path):
    with pytest.raises(RoomLost, match=f"no control room answers at {tmp_path}"):
        attach(str(tmp_path / "room"), b"key")


def test_only_its_owner_reaches_the_socket(run):
    folder = Path(run.process.address).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(Path(run.process.address).stat().st_mode)
    assert len(run.process.address) < 100
    assert len(run.process.key) == 32


def test_each_room_has_an_address_and_a_key_of_its_own(run):
    other = Run("auto")
    try:
        assert other.process.address != run.process.address
        assert other.process.key != run.process.key
    finally:
        other.close()


def descriptors_and_threads():
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("state", [None, signal.SIGSTOP, signal.SIGKILL])
def test_closing_leaves_nothing_behind(every_run, state, wait_until):
    """`every_run` has been started first: what a start method keeps for later starts is not counted."""
    method = every_run.process._manager._ctx.get_start_method()
    before = descriptors_and_threads()
    run = Run(method)
    run.room.claim(bytes(8))
    pid, folder = run.process.pid, run.process.folder
    if state is not None:
        os.kill(pid, state)
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 2
    assert not is_alive(pid)
    assert not folder.exists()
    del run
    wait_until(lambda: descriptors_and_threads() == before)


def test_it_outlives_the_signals_of_a_terminal(run):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(run.process.pid, number)
    assert run.room.level() == "run"


# -- lost ----------------------------------------------------------------------------------------------------------


def test_a_killed_room_is_lost_at_once(every_run):
    os.kill(every_run.process.pid, signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(RoomLost, match="the control room is gone"):
        every_run.room.claim(bytes(8))
    assert time.monotonic() - began < 1


@pytest.fixture
def stopped_run(monkeypatch):
    """A room whose process does not run any more, and a deadline of one second."""
    monkeypatch.setattr(room_module, "DEADLINE", 1.0)
    run = Run("auto")
    yield run
    run.close()


CALLS = [
    lambda room: room.claim(bytes(8)),
    lambda room: room.claim(bytes(8 << 20)),  # more than the socket takes at once
]


@pytest.mark.parametrize("call", CALLS)
def test_a_stopped_room_is_lost_after_the_deadline(stopped_run, call):
    stopped_run.room.level()
    stopped_run.halt()
    began = time.monotonic()
    with pytest.raises(RoomLost, match=r"the control room is gone \(no answer\)"):
        call(stopped_run.room)
    assert 0.9 < time.monotonic() - began < 3


def in_time(seconds, function):
    """What the function raises, if it ends in time at all."""
    raised = []

    def run():
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"no end within {seconds} s"
    return raised[0] if raised else None


def test_a_first_call_from_another_thread_has_the_deadline_too(stopped_run):
    stopped_run.halt()
    try:
        assert isinstance(in_time(3, stopped_run.room.level), RoomLost)
    finally:
        os.kill(stopped_run.process.pid, signal.SIGCONT)


def test_attaching_to_a_stopped_room_has_the_deadline_too(stopped_run):
    stopped_run.halt()
    try:
        error = in_time(3, lambda: attach(stopped_run.process.address, stopped_run.process.key))
        assert isinstance(error, RoomLost)
    finally:
        os.kill(stopped_run.process.pid, signal.SIGCONT)

"""Ctrl-C, SIGTERM and SIGHUP as real signals to a real process: the first one drains, the second one ends it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from crawler.control.gauges import Gauges
from crawler.control.room import local_room
from crawler.control.signals import STATUS, WATCHED, Signals
from crawler.control.switch import Level

PROGRAM = """
import os, re, sys, threading, time
from crawler.control.gauges import Gauges
from crawler.control.room import local_room
from crawler.control.signals import Signals
from crawler.control.switch import Level
from crawler.errors import StopNow

_, switch = local_room(Gauges(1))
woken = threading.Event()

def wake():
    # Where the main thread is inside a library, the handler cannot tell that it has seen the signal.
    in_handler = threading.current_thread() is threading.main_thread()
    if not woken.is_set() and in_handler != (sys.argv[1] == "library"):
        woken.set()
        say("woken")

in_user_code = sys.argv[2] == "user"

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def emergency(code):
    say("emergency", code)
    os._exit(code)

def wait():
    say("ready")
    time.sleep(60)

def python():
    say("ready")
    while True:
        sum(range(100))

def pattern():
    say("ready")
    re.match(r"(?:a|a)+$", "a" * 100 + "b")

def library():
    from lxml import html
    tree = html.fromstring("<p>" + "<b>x</b>" * 20_000)
    say("ready")
    tree.xpath("count(//b[count(//b[count(//b) > 0]) > 0])")

def drain():
    say("ready")
    while switch.level < Level.STOP:
        woken.wait(5)
    say("drained at", switch.level.name)

def early():
    # The signal comes before anybody can be told of it.
    if not signals.ended_by:
        say("ready")
        while not signals.ended_by:
            time.sleep(0.01)
    else:
        say("switch at", switch.level.name)

with Signals() as signals:
    if sys.argv[1] == "early":
        early()
    signals.steer(switch, wake, lambda: in_user_code, emergency, lambda: say("status"))
    try:
        globals()[sys.argv[1]]()
    except StopNow:
        say("stopped at", switch.level.name)
say("ended by", signals.ended_by)
"""

NAMES = ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.fixture
def program(start_command, tmp_path):
    """`program("wait", "user")`: the program above, once it says that it is ready; `program.lines()` to its end."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")

    def start(work, place="user"):
        running = start_command(sys.executable, path, work, place)
        assert running.process.stdout.readline() == b"ready\n"
        running.lines = lambda: running.process.stdout.read().decode().splitlines()

        def first(name):
            """Send a signal, and go on once it has been noticed: signals sent at once may arrive in any order."""
            running.signal(signal.Signals[name])
            assert running.process.stdout.readline() == b"woken\n"

        running.first = first
        return running

    return start


@pytest.mark.parametrize("name", NAMES)
def test_the_first_signal_asks_for_a_drain(program, name):
    running = program("drain")
    running.first(name)
    running.end(5)
    assert running.lines() == ["drained at STOP", f"ended by {name}"]
    assert (running.rc, running.stderr) == (0, "")


def test_a_signal_before_there_is_anything_to_steer_takes_effect_then(program):
    running = program("early")
    running.signal(signal.SIGTERM)
    running.end(5)
    assert running.lines() == ["woken", "switch at STOP", "ended by SIGTERM"]
    assert (running.rc, running.stderr) == (0, "")


@pytest.mark.parametrize("work", ["wait", "python", "pattern"])
def test_the_first_signal_does_not_interrupt_user_code(program, work):
    running = program(work)
    running.first("SIGINT")
    with pytest.raises(subprocess.TimeoutExpired):
        running.end(0.2)


@pytest.mark.parametrize("work", ["wait", "python", "pattern"])
@pytest.mark.parametrize("second", NAMES)
def test_the_second_signal_is_raised_in_user_code(program, work, second):
    running = program(work)
    running.first("SIGINT")
    running.signal(signal.Signals[second])
    assert running.end(5) < 1.5
    assert running.lines() == ["stopped at STOP_NOW", "ended by SIGINT"]
    assert (running.rc, running.stderr) == (0, "")


@pytest.mark.parametrize(
    ("place", "first", "code"), [("user", "SIGINT", 130), ("ours", "SIGTERM", 143), ("user", "SIGHUP", 143)]
)
def test_a_main_thread_inside_a_c_library_does_not_hold_up_the_second_signal(program, place, first, code):
    running = program("library", place)
    running.first(first)
    running.signal(signal.SIGINT)
    assert running.end(5) < 1.5
    assert running.lines() == [f"emergency {code}"]
    assert (running.rc, running.stderr) == (code, "")


def test_nothing_is_raised_in_code_of_the_crawler_but_it_has_to_leave_soon(program):
    running = program("wait", "ours")
    running.first("SIGINT")
    running.signal(signal.SIGINT)
    assert 0.5 < running.end(5) < 1.5
    assert running.lines() == ["emergency 130"]


def test_more_signals_change_nothing(program):
    running = program("wait", "ours")
    running.first("SIGTERM")
    with suppress(ProcessLookupError):  # it may be gone before the last one
        for _ in range(10):
            running.signal(signal.SIGINT)
    running.end(5)
    assert running.lines() == ["emergency 143"]
    assert running.stderr == ""


@pytest.mark.parametrize("work", ["wait", "python", "pattern", "library"])
def test_the_status_is_told_whatever_the_main_thread_does(program, work):
    running = program(work)
    for _ in range(2):
        running.signal(signal.SIGUSR1)
        assert running.process.stdout.readline() == b"status\n"
    assert running.process.poll() is None


def test_asking_for_the_status_ends_nothing_and_counts_for_nothing(program):
    running = program("drain")
    running.signal(signal.SIGUSR1)
    assert running.process.stdout.readline() == b"status\n"
    running.first("SIGINT")
    running.end(5)
    assert running.lines() == ["drained at STOP", "ended by SIGINT"]


def test_asking_for_the_status_of_nothing_does_no_harm(program):
    running = program("early")
    running.signal(signal.SIGUSR1)
    running.signal(signal.SIGTERM)
    running.end(5)
    assert running.lines() == ["woken", "switch at STOP", "ended by SIGTERM"]
    assert (running.rc, running.stderr) == (0, "")


# -- in this process -----------------------------------------------------------------------------------------------


@pytest.fixture
def signals():
    return Signals()


def state():
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    descriptors = len(os.listdir("/proc/self/fd"))
    return [signal.getsignal(number) for number in (*WATCHED, STATUS)], wakeup, descriptors, threading.active_count()


def test_afterwards_everything_is_as_it_was(signals):
    before = state()
    with signals:
        assert state() != before
    assert state() == before


def test_handlers_of_others_come_back_after_an_exception_too(signals):
    before = state()

    def leave():
        with signals:
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        leave()
    assert state() == before


def test_outside_the_main_thread_it_does_nothing():
    before, inside = state(), []

    def enter():
        with Signals() as signals:
            inside.append([signal.getsignal(number) for number in (*WATCHED, STATUS)])
            assert signals.ended_by == ""

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert inside == [before[0]]
    assert state() == before


def test_a_status_that_cannot_be_told_harms_nobody(signals, wait_until):
    asked = []

    def status():
        asked.append(1)
        raise OSError("standard error is gone")

    _, switch = local_room(Gauges(1))
    with signals:
        signals.steer(switch, lambda: None, bool, os._exit, status)
        for number in (1, 2):
            os.kill(os.getpid(), signal.SIGUSR1)
            wait_until(lambda number=number: len(asked) == number)


def test_other_signals_are_not_ours(signals, wait_until):
    noticed = []
    old = signal.signal(signal.SIGUSR2, lambda *_: noticed.append(1))
    _, switch = local_room(Gauges(1))
    try:
        with signals:
            signals.steer(switch, lambda: None, bool, os._exit, lambda: None)
            os.kill(os.getpid(), signal.SIGUSR2)
            wait_until(lambda: noticed)
            assert signals.ended_by == ""
            assert switch.level == Level.RUN
    finally:
        signal.signal(signal.SIGUSR2, old)


def test_what_was_ignored_stays_ignored():
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signals.ended_by == ""
    finally:
        signal.signal(signal.SIGHUP, old)

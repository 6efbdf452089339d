"""The switch: the level is the truth, Events only wake, and a crawl that stops never runs again."""

import multiprocessing
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.control.gauges import Gauges
from crawler.control.switch import Level, Switch


@pytest.fixture
def running():
    event = threading.Event()
    event.set()
    return event


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def switch(running, stop):
    yield Switch(Gauges(1).level, running, stop)
    stop.set()  # lets the helper threads go


def test_pause_and_go_move_the_level_and_the_event(switch, running):
    assert switch.level is Level.RUN
    assert switch.pause()
    assert (switch.level, running.is_set()) == (Level.PAUSE, False)
    assert switch.go()
    assert (switch.level, running.is_set()) == (Level.RUN, True)


def test_stop_moves_the_level_and_the_event(switch, stop):
    switch.stop()
    assert (switch.level, stop.is_set()) == (Level.STOP, True)
    switch.stop(now=True)
    assert switch.level is Level.STOP_NOW


@pytest.mark.parametrize("level", [Level.STOP, Level.STOP_NOW])
def test_what_stops_cannot_be_paused_or_go_on(switch, running, level):
    switch.raise_level(level)
    assert not switch.pause()
    assert not switch.go()
    assert switch.level is level
    assert running.is_set()


def test_a_level_never_sinks(switch):
    switch.stop(now=True)
    switch.stop()
    switch.raise_level(Level.RUN)
    assert switch.level is Level.STOP_NOW


def test_a_pause_can_be_stopped(switch):
    switch.pause()
    switch.stop()
    assert switch.level is Level.STOP


def test_raising_the_level_touches_no_event(switch, stop):
    """A signal handler may interrupt somebody who holds the Event's lock."""
    switch.raise_level(Level.STOP)
    assert not stop.is_set()


def test_a_stop_from_elsewhere_wakes(switch):
    woken = threading.Event()
    switch.on_change(woken.set)
    switch.pause()
    switch.stop()
    assert woken.wait(5)
    assert switch.level is Level.STOP


def test_an_event_whose_lock_died_with_another_process_holds_up_nobody(monkeypatch):
    monkeypatch.setattr("crawler.control.switch._PATIENCE", 0.05)
    running, stop = multiprocessing.get_context("spawn").Event(), multiprocessing.get_context("spawn").Event()
    running.set()
    switch = Switch(Gauges(1).level, running, stop)
    for event in (running, stop):
        event._cond.acquire()
    began = time.monotonic()
    switch.pause()
    assert switch.level is Level.PAUSE
    switch.go()
    switch.stop()
    assert switch.level is Level.STOP
    assert time.monotonic() - began < 1
    for event in (running, stop):
        event._cond.release()


def test_the_helper_thread_ends_with_the_stop(switch, wait_until):
    switch.on_change(lambda: None)
    helpers = [thread for thread in threading.enumerate() if thread.name == "switch"]
    assert helpers
    switch.stop()
    wait_until(lambda: not any(thread.is_alive() for thread in helpers))


@given(st.lists(st.sampled_from(["pause", "go", "stop", "now"]), max_size=20))
@settings(max_examples=50, deadline=None)
def test_from_stop_on_it_only_rises(steps):
    switch = Switch(Gauges(1).level, threading.Event(), threading.Event())
    highest = Level.RUN
    for step in steps:
        switch.stop(now=True) if step == "now" else getattr(switch, step)()
        if highest >= Level.STOP:
            assert switch.level >= highest
        highest = max(highest, switch.level)

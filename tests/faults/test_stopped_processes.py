"""A worker or the control room that is stopped or killed is replaced, and the crawl goes on."""

import os
import signal
import time
from contextlib import suppress

import pytest


@pytest.fixture
def stop():
    """`stop(pid)`: SIGSTOP; what is left of it is woken up at the end, so that it can be killed."""
    stopped = []

    def send(pid):
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    yield send
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_worker_that_is_stopped_is_replaced_within_its_deadline(crawl_of, stop, wait_until):
    crawl = crawl_of()
    running = crawl.started("-s", "crawl.worker_timeout=2", "--delay", "0.01", pages=20)
    stop(crawl.workers(running)[0])
    began = time.monotonic()
    wait_until(lambda: "is gone (silent for 2 s)" in running.stderr, 10)
    assert 2 < time.monotonic() - began < 3
    assert crawl.end(running) == 0, running.stderr
    crawl.account("SIGSTOP of a worker (deadline 2 s)", 1, 16, running.rc)


@pytest.mark.parametrize(("name", "seconds"), [("SIGSTOP", 6.5), ("SIGKILL", 1.5)])
def test_a_control_room_that_does_not_answer_is_replaced(crawl_of, stop, wait_until, name, seconds):
    crawl = crawl_of(pages=200)
    running = crawl.started("--delay", "0.02", pages=20)
    room = crawl.room(running)
    stop(room) if name == "SIGSTOP" else os.kill(room, signal.SIGKILL)
    began = time.monotonic()
    wait_until(lambda: room not in running.living(), 10)
    wait_until(lambda: _room_or_none(crawl, running) not in (None, room), 10)
    assert time.monotonic() - began < seconds
    status = crawl.status()
    assert status["level"] == "run"
    assert crawl.end(running) == 0, running.stderr
    deadline = "deadline 5 s" if name == "SIGSTOP" else "at once"
    crawl.account(f"{name} of the control room ({deadline})", 1, 0, running.rc)


def _room_or_none(crawl, running):
    with suppress(ValueError, OSError):
        return crawl.room(running)
    return None

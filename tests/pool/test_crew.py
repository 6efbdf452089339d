"""`map` in processes and threads: order, deaths, and that nothing is left."""

import os
import signal
import threading

import pytest

from crawler.errors import CrawlError
from crawler.pool.context import context_for
from crawler.pool.crew import map_in_processes, map_in_threads


def initialize(value):
    os.environ["CREW"] = value


def told(number):
    return number, os.environ["CREW"], os.getpid()


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


def complain(number):
    raise ValueError(f"no {number}")


def test_processes_answer_in_order_and_leave():
    results = map_in_processes(context_for("auto"), 2, told, [3, 1, 2], initialize, ("yes",))
    assert [(number, value) for number, value, _ in results] == [(3, "yes"), (1, "yes"), (2, "yes")]
    pids = {pid for _, _, pid in results}
    assert os.getpid() not in pids
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_a_death_ends_the_waiting():
    with pytest.raises(CrawlError, match=r"a worker process died \(exit code -9\)"):
        map_in_processes(context_for("auto"), 1, die, [1], initialize, ("yes",))


def test_what_the_function_raises_comes_back():
    with pytest.raises(ValueError, match="no 1"):
        map_in_processes(context_for("auto"), 1, complain, [1], initialize, ("yes",))


def test_threads_answer_in_order_side_by_side():
    meeting = threading.Barrier(3, timeout=10)

    def meet(number):
        meeting.wait()
        return number, threading.current_thread() is threading.main_thread()

    assert map_in_threads(9, meet, [3, 1, 2]) == [(3, False), (1, False), (2, False)]
    assert map_in_threads(1, str, [1, 2]) == ["1", "2"]
    assert map_in_threads(1, str, []) == []


def test_an_interrupt_ends_the_waiting():
    """Whatever the thread is doing."""
    over = threading.Event()

    def interrupt(_):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        over.wait(10)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            map_in_threads(1, interrupt, [1])
        assert not over.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()

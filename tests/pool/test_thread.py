"""The pool of one thread: as the process pool, without a process."""

import operator
import threading

import pytest

from crawler.pool.thread import ThreadPool


@pytest.fixture
def log():
    return []


@pytest.fixture
def pool(log):
    pool = ThreadPool(lambda: log.append(threading.get_ident()), (), lambda: log.append("closed"))
    yield pool
    pool.abandon()


def test_it_runs_jobs_in_its_thread(pool, log, call):
    assert call(pool, operator.add, 1, 2).result() == 3
    thread = call(pool, threading.get_ident).result()
    assert [thread] == log
    assert thread != threading.get_ident()


def test_an_exception_goes_to_the_error_callback(pool, call):
    assert isinstance(call(pool, int, "x").error(), ValueError)
    assert call(pool, operator.add, 1, 2).result() == 3


def test_it_never_dies(pool):
    assert pool.death() == ""


@pytest.mark.parametrize("end", [ThreadPool.abandon, lambda pool: pool.close(1.0)])
def test_its_end_closes_the_worker_and_leaves_nothing_behind(log, held, call, end):
    before = held()
    pool = ThreadPool(log.clear, (), lambda: log.append("closed"))
    call(pool, operator.add, 1, 2).result()
    end(pool)
    assert log == ["closed"]
    assert held() == before


def test_its_end_lets_a_job_that_waits_for_the_worker_go(held, call):
    """The finalizer wakes the fetcher; only then can the thread of the pool leave."""
    before = held()
    woken = threading.Event()
    pool = ThreadPool(int, (), woken.set)
    call(pool, woken.wait, 30)
    pool.abandon()
    assert held() == before

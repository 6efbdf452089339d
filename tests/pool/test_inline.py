"""The pool without a worker: everything happens inside `apply_async`, in the thread that calls it."""

import threading

import pytest

from crawler.pool.inline import InlinePool


@pytest.fixture
def log():
    return []


@pytest.fixture
def pool(log):
    return InlinePool(log.append, ("opened",), lambda: log.append("closed"))


def test_it_opens_its_worker_at_once_and_closes_it_at_the_end(pool, log):
    assert log == ["opened"]
    pool.close(1.0)
    assert log == ["opened", "closed"]


def test_a_job_is_done_when_the_call_returns(pool):
    results, errors = [], []
    pool.apply_async(threading.get_ident, (), results.append, errors.append)
    assert (results, errors) == ([threading.get_ident()], [])


def test_an_exception_goes_to_the_error_callback(pool):
    results, errors = [], []
    pool.apply_async(int, ("x",), results.append, errors.append)
    assert results == []
    assert isinstance(errors[0], ValueError)


def test_ctrl_c_in_a_job_reaches_the_caller(pool):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.apply_async(interrupted, (), print, print)


def test_it_never_dies(pool):
    assert pool.death() == ""
    pool.abandon()
    assert pool.death() == ""

"""One worker process: it works, it dies in every way there is, and it is thrown away without a trace."""

import operator
import os
import shutil
import signal
import time

import pytest

from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

BIG = 20_000_000


def test_it_runs_jobs_one_after_the_other_in_its_worker(context, new_pool, call):
    pool = new_pool(context)
    assert call(pool, operator.add, 1, 2).result() == 3
    assert call(pool, os.getpid).result() == pool.pid != os.getpid()
    assert pool.death() == ""


def test_its_worker_lets_the_main_process_go_first(context, new_pool, call):
    assert call(new_pool(context), os.nice, 0).result() == min(os.nice(0) + 3, 19)


def test_an_exception_goes_to_the_error_callback(context, new_pool, call):
    pool = new_pool(context)
    assert isinstance(call(pool, operator.truediv, 1, 0).error(), ZeroDivisionError)
    assert call(pool, operator.add, 1, 2).result() == 3


def test_a_killed_idle_worker_is_noticed(context, new_pool, call, wait_until):
    pool = new_pool(context)
    call(pool, os.getpid).result()
    os.kill(pool.pid, signal.SIGKILL)
    assert wait_until(pool.death) == "killed by signal 9"


def test_a_killed_busy_worker_is_noticed_and_its_job_never_answers(context, new_pool, call, wait_until):
    pool = new_pool(context)
    sleeping = call(pool, time.sleep, 60)
    os.kill(pool.pid, signal.SIGKILL)
    assert wait_until(pool.death) == "killed by signal 9"
    pool.abandon()
    assert sleeping.is_out


def test_a_worker_that_left_is_noticed(context, new_pool, call, wait_until):
    pool = new_pool(context)
    call(pool, os._exit, 3)
    assert wait_until(pool.death) == "exited with code 3"


def test_a_worker_outlives_the_signals_of_a_terminal(context, new_pool, call):
    pool = new_pool(context)
    for _ in range(2):  # while it starts, and when it works
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            os.kill(pool.pid, number)
        assert call(pool, os.getpid).result() == pool.pid
    assert pool.death() == ""


def kill_idle(pool, call):
    call(pool, os.getpid).result()
    os.kill(pool.pid, signal.SIGKILL)


def kill_busy(pool, call):
    call(pool, time.sleep, 60)
    os.kill(pool.pid, signal.SIGKILL)


def kill_reporting(pool, call):
    call(pool, operator.mul, b"x", BIG)
    time.sleep(0.01)
    os.kill(pool.pid, signal.SIGKILL)


def kill_receiving(pool, call):
    call(pool, len, b"x" * BIG)
    os.kill(pool.pid, signal.SIGKILL)


def stop_idle(pool, call):
    call(pool, os.getpid).result()
    os.kill(pool.pid, signal.SIGSTOP)


def stop_receiving(pool, call):
    os.kill(pool.pid, signal.SIGSTOP)
    call(pool, len, b"x" * BIG)


def stop_reporting(pool, call):
    call(pool, operator.mul, b"x", BIG)
    time.sleep(0.01)
    os.kill(pool.pid, signal.SIGSTOP)


def leave_it(pool, call):
    call(pool, time.sleep, 60)


def see_it_dead(pool, call):
    kill_idle(pool, call)
    while not pool.death():
        time.sleep(0.001)
    time.sleep(0.02)  # long enough for the stock pool to put a new worker in its place


FATES = [
    kill_idle,
    kill_busy,
    kill_reporting,
    kill_receiving,
    stop_idle,
    stop_receiving,
    stop_reporting,
    leave_it,
    see_it_dead,
]


@pytest.mark.parametrize("fate", FATES)
def test_an_abandoned_pool_leaves_nothing_behind(context, call, held, alive, fate):
    ProcessPool(context, os.getpid, ()).abandon()  # what the first start keeps for later ones is not counted
    before = held()
    pool = ProcessPool(context, os.getpid, ())
    fate(pool, call)
    began = time.monotonic()
    pool.abandon()
    assert time.monotonic() - began < 1.5
    assert held() == before
    assert not alive(pool.pid)
    assert pool.death() == ""
    pool.abandon()  # a second time is harmless


@pytest.mark.parametrize("method", ["forkserver", "fork"], indirect=True)
def test_twenty_in_a_row_leave_nothing_behind(context, call, held):
    ProcessPool(context, os.getpid, ()).abandon()
    before = held()
    for number in range(20):
        pool = ProcessPool(context, os.getpid, ())
        FATES[number % 8](pool, call)
        pool.abandon()
    assert held() == before


def test_abandoning_one_does_not_wait_for_its_neighbours(context, new_pool, call, held):
    """Under fork a younger worker holds the pipes of the older ones open."""
    first = new_pool(context)
    new_pool(context).abandon()
    before = held()
    older = new_pool(context)
    younger = new_pool(context)
    call(older, time.sleep, 60)
    began = time.monotonic()
    older.abandon()
    assert time.monotonic() - began < 0.9
    assert call(younger, operator.add, 1, 2).result() == 3
    assert call(first, operator.add, 1, 2).result() == 3
    younger.abandon()
    assert held() == before


def test_closing_lets_the_worker_leave_by_itself(context, new_pool, call, alive):
    pool = new_pool(context)
    call(pool, os.getpid).result()
    process = pool._process
    codes = []
    process.close = lambda: codes.append(process.exitcode)
    pool.close(5.0)
    assert codes[0] == 0
    assert not alive(pool.pid)


def test_closing_does_not_wait_for_a_busy_worker(context, new_pool, call, alive):
    pool = new_pool(context)
    call(pool, time.sleep, 60)
    began = time.monotonic()
    pool.close(0.1)
    assert time.monotonic() - began < 1.5
    assert not alive(pool.pid)
    pool.close(0.1)


PARENT = """
import os, sys, time
from multiprocessing.util import get_temp_dir
from crawler.control.gauges import Gauges
from crawler.control.room import RoomProcess
from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

context = context_for(sys.argv[1])
running, stop = context.Event(), context.Event()
room = RoomProcess(context, Gauges(2, context), running, stop)
pools = [ProcessPool(context, os.getpid, ()) for _ in range(2)]
pools[0].apply_async(time.sleep, (60,), print, print)
print(room.pid, *(pool.pid for pool in pools), room.folder, get_temp_dir(), flush=True)
time.sleep(60)
"""


def test_workers_and_room_are_gone_soon_after_a_killed_parent(method, script, alive, wait_until):
    parent = script(PARENT, method)
    *pids, folder, another = parent.stdout.readline().split()
    try:
        assert len(pids) == 3
        assert all(alive(pid) for pid in pids)
        parent.kill()
        wait_until(lambda: not any(alive(pid) for pid in pids), 2)
        assert not os.path.exists(folder)  # the room took its temporary folders along
        assert not os.path.exists(another)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(another, ignore_errors=True)


def test_the_fork_server_is_shared_by_all_contexts():
    context_for("forkserver"), context_for("auto")
    from multiprocessing import forkserver

    pid = forkserver._forkserver._forkserver_pid
    context_for("forkserver")
    assert forkserver._forkserver._forkserver_pid == pid

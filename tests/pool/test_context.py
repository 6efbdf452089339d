"""How children start: without the user's script, deaf to the terminal, with every start method."""

import multiprocessing
import os
import signal
import threading

import pytest

from crawler.errors import UsageError
from crawler.pool.context import context_for


def test_auto_is_the_fork_server_where_there_is_one():
    has_one = "forkserver" in multiprocessing.get_all_start_methods()
    assert context_for("auto").get_start_method() == ("forkserver" if has_one else "spawn")


def test_an_unknown_start_method_is_an_error():
    with pytest.raises(KeyError):
        context_for("threads")


UNGUARDED = """
import operator, os, sys
print("run", flush=True)
from queue import SimpleQueue
from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

context = context_for(sys.argv[1])
for _ in range(2):
    pool, inbox = ProcessPool(context, os.getpid, ()), SimpleQueue()
    pool.apply_async(operator.add, (1, 2), callback=inbox.put, error_callback=inbox.put)
    print(inbox.get(timeout=20), flush=True)
    pool.close(1)
"""


def test_a_script_without_a_guard_runs_once(method, script):
    process = script(UNGUARDED, method)
    stdout, stderr = process.communicate(timeout=30)
    assert (stdout, stderr, process.returncode) == ("run\n3\n3\n", "", 0)


STOCK = """
import multiprocessing
import os
import crawler.pool.context

def job():
    return 7

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(job))
"""


def test_other_users_of_multiprocessing_keep_their_main_module(script):
    process = script(STOCK)
    stdout, stderr = process.communicate(timeout=30)
    assert (stdout, stderr) == ("7\n", "")


SIGNALLED = """
import operator, os, signal, sys, time
from queue import SimpleQueue
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda *_: None)
from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

def everybody(number):
    os.killpg(0, number)
    time.sleep(0.02)

context = context_for(sys.argv[1])
everybody(signal.SIGINT)  # while the fork server imports
everybody(signal.SIGTERM)
everybody(signal.SIGHUP)
everybody(signal.SIGUSR1)
first = ProcessPool(context, os.getpid, ())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    everybody(number)
second = ProcessPool(context, os.getpid, ())
for pool in (first, second):
    inbox = SimpleQueue()
    pool.apply_async(operator.add, (1, 2), callback=inbox.put, error_callback=inbox.put)
    print(inbox.get(timeout=20), repr(pool.death()), flush=True)
for pool in (first, second):
    pool.close(1)
"""


def test_signals_of_the_terminal_harm_no_process_of_the_crawl_at_any_time(method, script):
    process = script(SIGNALLED, method)
    stdout, stderr = process.communicate(timeout=30)
    assert (stdout, stderr) == ("3 ''\n3 ''\n", "")


MASK = """
import os, signal, sys
from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
pool = ProcessPool(context_for(sys.argv[1]), os.getpid, ())
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
pool.close(1)
"""


def test_the_parent_keeps_its_own_signals(method, script):
    stdout, stderr = script(MASK, method).communicate(timeout=30)
    assert (stdout, stderr) == ("True\nTrue\n", "")


def test_a_child_cannot_be_ended_by_the_signals_of_a_terminal(method, script):
    """Handlers and mask as the kernel sees them."""
    process = script(
        "import sys\n"
        "from crawler.pool.context import context_for\n"
        "from crawler.pool.process import ProcessPool\n"
        "from crawler.pool.context import begin_child\n"
        "pool = ProcessPool(context_for(sys.argv[1]), begin_child, ())\n"
        "from queue import SimpleQueue\n"
        "inbox = SimpleQueue()\n"
        "pool.apply_async(open, ('/nowhere',), callback=inbox.put, error_callback=inbox.put)\n"
        "inbox.get(timeout=20)\n"
        "print(open(f'/proc/{pool.pid}/status').read(), flush=True)\n"
        "pool.close(1)\n",
        method,
    )
    stdout, _ = process.communicate(timeout=30)
    masks = {
        line.split()[0]: int(line.split()[1], 16)
        for line in stdout.splitlines()
        if line.startswith(("SigIgn", "SigBlk"))
    }
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        assert masks["SigIgn:"] >> (number - 1) & 1
        assert not masks["SigBlk:"] >> (number - 1) & 1


def _try_to_start(answers):
    try:
        context_for("auto")
        answers.put("")
    except UsageError as error:
        answers.put(f"{error.message}; {error.hint}")


def test_a_daemonic_process_is_told_to_fetch_in_threads():
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()
    process = fork.Process(target=_try_to_start, args=(answers,), daemon=True)
    process.start()
    assert answers.get().endswith('let it fetch in threads: settings={"crawl.pool": "thread"}')
    process.join(5)


CUT_OFF = """
import sys, time
from crawler.pool.context import context_for

context = context_for(sys.argv[1])
ours, its = context.Pipe()
child = context.Process(target=its.recv)
child.start()
its.close()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])  # a forked child would hold both ends
def test_a_child_says_nothing_when_it_fails_because_its_parent_was_killed(method, script, alive, wait_until):
    parent = script(CUT_OFF, method)
    pid = int(parent.stdout.readline())
    parent.kill()
    wait_until(lambda: not alive(pid), 3)
    assert parent.stderr.read() == ""


def test_threads_that_ask_at_the_same_moment_are_told_the_same_exit_code():
    context = context_for("forkserver")
    for _ in range(40):
        child = context.Process(target=os._exit, args=(7,))
        child.start()
        codes = []

        def ask(child=child, codes=codes):
            while (code := child.exitcode) is None:
                pass
            codes.append(code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [7] * 4
        assert child.exitcode == 7
        child.close()


SERVED = """
import os
from crawler.pool.context import context_for

def tell():
    print(os.environ.get("GLIBC_TUNABLES"), flush=True)

if __name__ == "__main__":
    context_for("auto", reads=True)
    tell()
    import multiprocessing
    own = multiprocessing.get_context("forkserver").Process(target=tell)
    own.start()
    own.join()
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no fork server here")
@pytest.mark.parametrize("wish", [None, "glibc.malloc.tcache_count=500", "glibc.malloc.tcache_count=9"])
def test_what_the_fork_server_starts_with_for_its_memory_is_not_for_other_processes(script, monkeypatch, wish):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if wish is not None:
        monkeypatch.setenv("GLIBC_TUNABLES", wish)
    told, errors = script(SERVED).communicate(timeout=30)
    assert told.split() == [str(wish)] * 2, errors

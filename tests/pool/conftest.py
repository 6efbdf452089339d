"""What the tests of pools share: contexts, pools that are thrown away at the end, what a process holds, scripts."""

import gc
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from crawler.pool.context import context_for
from crawler.pool.process import ProcessPool

METHODS = ["forkserver", "spawn", "fork"]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def context(method):
    return context_for(method)


@pytest.fixture
def new_pool():
    """`new_pool(context)`: a pool of one worker process, abandoned when the test ends."""
    pools = []

    def start(context):
        pools.append(ProcessPool(context, os.getpid, ()))
        return pools[-1]

    yield start
    for pool in pools:
        pool.abandon()


class Call:
    """One job for a pool, and what came of it."""

    def __init__(self, pool, function, *arguments):
        self.results, self.errors = SimpleQueue(), SimpleQueue()
        pool.apply_async(function, arguments, callback=self.results.put, error_callback=self.errors.put)

    def result(self, timeout=10):
        return self.results.get(timeout=timeout)

    def error(self, timeout=10):
        return self.errors.get(timeout=timeout)

    @property
    def is_out(self):
        with suppress(Empty):
            self.results.put(self.results.get_nowait())
            return False
        return self.errors.empty()


@pytest.fixture
def call():
    return Call


def is_alive(pid):
    """Whether a process runs; one that has ended and that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def alive():
    return is_alive


@pytest.fixture
def held():
    """`held()`: how many descriptors, threads and children this process has."""

    def count():
        gc.collect()  # what earlier tests left to be collected is not of this one
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(children)

    return count


@pytest.fixture
def script(tmp_path):
    """`script(text)`: a Python file as a running process with pipes, killed with the test."""
    running = []

    def start(text, *arguments):
        path = tmp_path / f"script{len(running)}.py"
        path.write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()

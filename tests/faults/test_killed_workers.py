"""Workers that die again and again cost time, and nothing else."""

import os
import random
import signal
import time
from contextlib import suppress


def test_one_worker_is_killed_every_half_second(crawl_of, kills):
    done = 0
    while done < kills // 4:
        crawl = crawl_of(latency=0.1)
        running = crawl.started(pages=20)
        killed, next_kill = 0, time.monotonic()

        def kill_now_and_then(crawl=crawl, running=running):
            nonlocal killed, next_kill
            if time.monotonic() >= next_kill and (workers := crawl.workers(running)):
                with suppress(ProcessLookupError):
                    os.kill(random.choice(workers), signal.SIGKILL)
                    killed += 1
                next_kill = time.monotonic() + 0.5

        crawl.wait_for(running, kill_now_and_then, 40)
        assert crawl.end(running) == 0, running.stderr
        assert killed >= 5
        assert running.stderr.count("is gone (killed by signal 9)") >= killed - 1  # the last may come after the end
        assert crawl.query("SELECT count(*) FROM requests WHERE state <> 1") == [(0,)]
        crawl.account("kill -9 of a worker every 0.5 s", killed, 16 * killed, running.rc)
        done += killed


def test_workers_are_killed_as_they_are_born(crawl_of):
    for _ in range(3):
        crawl = crawl_of(pages=60)
        running = crawl.run()
        born, killed = set(), 0
        deadline = time.monotonic() + 20
        while killed < 5 and running.process.poll() is None and time.monotonic() < deadline:
            for pid in sorted(children_of_fork_server(running.pid) - born):
                born.add(pid)
                if len(born) > 1:  # the first one is the control room
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
        assert killed >= 5
        assert crawl.end(running) == 0, running.stderr
        assert crawl.query("SELECT count(*) FROM requests WHERE state <> 1") == [(0,)]
        crawl.account("kill -9 of a worker as it is born", killed, 16 * killed, running.rc)


def children_of_fork_server(pid):
    """The processes that the fork server of a crawl has started: the children of its children."""
    return {grandchild for child in children(pid) for grandchild in children(child)}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return {int(child) for child in file.read().split()}
    except OSError:
        return set()

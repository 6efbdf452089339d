"""Workers that die again and again cost time, and nothing else."""

import os
import random
import signal
import time
from contextlib import suppress


def test_one_worker_is_killed_every_half_second(crawl_of):
    crawl = crawl_of()
    running = crawl.started("--delay", "0.01", pages=20)
    kills, next_kill = 0, time.monotonic()

    def kill_now_and_then():
        nonlocal kills, next_kill
        if time.monotonic() >= next_kill and (workers := crawl.workers(running)):
            with suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
                kills += 1
            next_kill = time.monotonic() + 0.5

    crawl.wait_for(running, kill_now_and_then, 40)
    assert crawl.end(running) == 0, running.stderr
    assert kills >= 5
    assert running.stderr.count("is gone (killed by signal 9)") >= kills - 1  # the last may come after the end
    assert crawl.query("SELECT count(*) FROM requests WHERE state <> 1") == [(0,)]
    crawl.account("kill -9 of a worker every 0.5 s", kills, 16 * kills, running.rc)

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

"""Ctrl-Z and `fg`: what stands still altogether is nobody's fault."""

import signal
import threading


def test_nothing_happens_to_a_crawl_that_is_suspended_for_longer_than_its_workers_may_be_silent(crawl_of, wait_until):
    crawl = crawl_of()
    running = crawl.started("-s", "crawl.worker_timeout=1", "--delay", "0.003", pages=30)
    running.signal(signal.SIGSTOP)
    asked = len(crawl.server.log)
    threading.Event().wait(4)
    assert len(crawl.server.log) <= asked + 16  # what was on its way
    running.signal(signal.SIGCONT)
    wait_until(lambda: len(crawl.server.log) > asked + 30)
    assert crawl.end(running) == 0, running.stderr
    assert "is gone" not in running.stderr
    crawl.account("suspended for 4 s (SIGSTOP and SIGCONT to all)", 1, 0, running.rc)

"""When the crawl itself is killed, all of its processes leave."""

import pytest


@pytest.mark.parametrize("method", ["forkserver", "fork", "spawn"])
def test_two_seconds_after_a_kill_of_the_crawl_none_of_its_processes_lives(crawl_of, method):
    crawl = crawl_of(pages=100)
    running = crawl.started("-s", f"crawl.start_method={method}", pages=30)
    assert len(running.living()) >= 3
    assert crawl.kill(running, whole_group=False)  # looks for them for two seconds
    assert not list(crawl.temporary.iterdir())  # the control room took them along
    code = crawl.resume_until_done()
    crawl.account("kill -9 of the crawl alone: no process lives 2 s later, under each start method", 1, 16, code)

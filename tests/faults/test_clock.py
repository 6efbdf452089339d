"""A clock that is set by a day, forward or back, makes nobody wait for it."""

import time

import pytest

JUMPING = """
import time

true, began = time.time, time.monotonic()


def jumping():
    return true() + ({day} if time.monotonic() - began >= {after} else 0)


time.time = jumping
"""
DAY = 86_400


def shaky(crawl):
    """Every fifth page is refused at first; how many those are."""
    answer = crawl.server.routes["*"]

    def refuse(hit):
        is_refused = int(hit.path[1:]) % 5 == 3 and hit.count == 1
        return (503, {}, "later") if is_refused else answer(hit)

    crawl.server.routes["*"] = refuse
    return crawl.pages // 5


@pytest.mark.parametrize("day", [DAY, -DAY], ids=["forward", "back"])
def test_while_a_crawl_runs(crawl_of, patched, day):
    crawl = crawl_of(pages=50)
    refused = shaky(crawl)
    began = time.monotonic()
    env = patched("crawler", JUMPING.format(day=day, after=1.5))
    code = crawl.end(crawl.run("--delay", "0.03", "-s", "retry.pause=0.5", env=env))
    assert code == 0
    assert time.monotonic() - began < 8
    crawl.account("clock set by a day during the crawl", 1, refused, code)
    ((least, most),) = crawl.query("SELECT min(at), max(at) FROM attempts")
    assert most - least > DAY - 60  # it was set


@pytest.mark.parametrize("day", [DAY, -DAY], ids=["forward", "back"])
def test_between_a_kill_and_resume(crawl_of, patched, day):
    crawl = crawl_of(pages=14)
    refused = shaky(crawl)
    running = crawl.started("--delay", "0.25", "-s", "retry.pause=1.5", pages=8)
    assert crawl.kill(running, whole_group=True)
    assert crawl.query("SELECT count(*) FROM requests WHERE not_before > 0") > [(0,)]
    began = time.monotonic()
    assert crawl.resume_until_done(env=patched("crawler", JUMPING.format(day=day, after=0))) == 0
    assert time.monotonic() - began < 12
    ((least, most),) = crawl.query("SELECT min(at), max(at) FROM attempts")
    assert most - least > DAY - 60
    crawl.account("clock set by a day between kill and resume", 1, refused + 16, 0)

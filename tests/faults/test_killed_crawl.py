"""kill -9 of the crawl, or of all its processes, at any moment: the same items as if nothing had happened."""

import os
import random
import sqlite3
import threading
from itertools import cycle
from pathlib import Path

import pytest


def test_a_crawl_that_is_killed_again_and_again_gives_every_item_once(crawl_of, kills, in_flight):
    seed = os.environ.get("SEED") or str(random.randrange(1_000_000))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    plans = cycle(dice.sample(PLANS, len(PLANS)))
    done = 0
    while done < kills:
        crawl = crawl_of()
        running = crawl.run()
        killed = 0
        for moment in next(plans):
            moment(crawl, running, dice)
            whole_group = (done + killed) % 2 == 0
            print(f"kill {done + killed}: {moment.__name__}, {len(crawl.server.log)} pages, group: {whole_group}")
            if not crawl.kill(running, whole_group):
                break
            killed += 1
            if done + killed == kills:
                break
            running = crawl.resume()
        crawl.end(running)
        code = crawl.resume_until_done()
        done += killed
        crawl.account(
            "kill -9 of the crawl, in half of the cases of its process group", killed, in_flight * killed, code
        )


def at_the_start(crawl, running, dice):
    threading.Event().wait(dice.uniform(0, 0.3))


def in_the_middle(crawl, running, dice):
    goal = len(crawl.server.log) + dice.randrange(1, 120)
    crawl.wait_for(running, lambda: len(crawl.server.log) >= goal)


def at_the_end(crawl, running, dice):
    crawl.wait_for(running, lambda: len({hit.target for hit in crawl.server.log}) == crawl.pages)
    threading.Event().wait(dice.uniform(0, 0.05))


PLANS = [  # the moments of the kills of one crawl
    (at_the_start, at_the_start, in_the_middle, in_the_middle, at_the_end),
    (in_the_middle, in_the_middle, at_the_start, in_the_middle),
    (in_the_middle, at_the_end, at_the_start),
    (at_the_end, at_the_end),
]


def test_the_next_crawl_removes_what_a_killed_one_left_in_memory_and_among_temporary_files(crawl_of):
    crawl = crawl_of()
    running = crawl.started()
    (folder,) = crawl.temporary.glob("crawl-*")
    left = f"sem.{folder.name}-*"
    assert list(Path("/dev/shm").glob(left))
    assert crawl.kill(running, whole_group=True)
    assert folder.exists()
    assert crawl.resume_until_done() == 0
    assert not list(Path("/dev/shm").glob(left))
    assert not list(crawl.temporary.iterdir())


@pytest.mark.parametrize("content", [b"", "empty ledger"])
def test_a_run_that_was_killed_before_its_ledger_was_written_is_not_one_of_another_version(crawl_of, content):
    crawl = crawl_of(pages=20)
    folder = crawl.folder / "kept"
    folder.mkdir()
    if content:
        sqlite3.connect(folder / "ledger.db").execute("PRAGMA journal_mode = WAL").connection.close()
    else:
        (folder / "ledger.db").touch()
    refused = crawl.start("resume", folder)
    assert crawl.end(refused) == 2
    assert "holds no run that was started" in refused.stderr
    assert f"rm -r {folder}" in refused.stderr

"""What survives a loss of power is shown by what the operating system is asked for."""

import re
import shutil
from collections import Counter

import pytest

PAGES = 30


pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.mark.parametrize("durability", ["power", "process"])
def test_each_report_is_on_the_disk_with_power_and_none_with_process(crawl_of, durability):
    crawl = crawl_of(pages=PAGES)
    calls = crawl.folder / "calls"
    one_by_one = ("--concurrency", "1")  # each page is a report of its own
    running = crawl.run(*one_by_one, "-s", f"run.durability={durability}", through=strace(calls))
    code = crawl.end(running)
    assert code == 0, running.stderr
    files = synced(calls)
    if durability == "power":
        assert all(files[name] >= PAGES for name in ("ledger.db-wal", "x.jsonl", "x.csv.gz"))
        crawl.account(f'durability = "power": {files.total()} calls of fsync for {PAGES} reports', PAGES, 0, code)
    else:
        assert not files
        crawl.account('durability = "process": no fsync', PAGES, 0, code)


def test_who_only_looks_at_a_run_that_was_killed_leaves_it_as_it_is(crawl_of):
    """Who opens a ledger to write moves, as it closes it, what was committed to its final place."""
    crawl = crawl_of(pages=PAGES)
    running = crawl.started("-s", "run.durability=power", pages=10)
    assert crawl.kill(running, whole_group=True)
    (ledger,) = crawl.folder.glob("**/ledger.db")
    wal = ledger.with_name("ledger.db-wal")
    before = ledger.read_bytes(), wal.read_bytes()
    assert crawl.end(crawl.start("runs")) == 0
    assert (ledger.read_bytes(), wal.read_bytes()) == before
    assert crawl.resume_until_done() == 0


def test_what_a_resumed_run_finds_in_its_ledger_is_put_on_the_disk(crawl_of):
    crawl = crawl_of(pages=PAGES)
    running = crawl.started("-s", "run.durability=power", pages=10)
    assert crawl.kill(running, whole_group=True)
    calls = crawl.folder / "calls"
    assert crawl.end(crawl.start("resume", through=strace(calls))) == 0
    assert synced(calls)["ledger.db"]


def strace(calls):
    return ("strace", "-f", "-qq", "-y", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", calls)


def synced(calls):
    """The names of the files that were synced, and how often."""
    return Counter(re.findall(r"f(?:data)?sync\(\d+<.*/(.*?)>", calls.read_text()))

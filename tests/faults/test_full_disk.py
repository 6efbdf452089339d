"""A disk that is full ends the crawl with exit 5 and one message; when there is room, it is resumed to its end."""

import json
import subprocess

import pytest

PAGES = 200
TEXT = 5000  # characters of an item


@pytest.fixture
def crawl(crawl_of):
    """A crawl whose items are longer than those of others, so that they fill a disk."""
    long = {f"/{number}": f"<p>{number} {'x' * TEXT}" for number in range(PAGES)}
    crawl = crawl_of(pages=PAGES, routes=long)
    crawl.run_dir = ("kept",)
    crawl.expected[:] = [{"number": number, "text": long[f"/{number}"]} for number in range(PAGES)]
    return crawl


def is_told(running, place):
    told = [line for line in running.stderr.splitlines() if line.startswith("crawl: ")]
    assert len(told) == 1, running.stderr
    assert told[0].startswith("crawl: cannot write")
    assert place in told[0]


def is_whole_so_far(crawl):
    assert crawl.query("PRAGMA integrity_check") == [("ok",)]
    lines = (crawl.outputs / "x.jsonl").read_bytes()
    assert lines.endswith(b"\n")
    numbers = [json.loads(line)["number"] for line in lines.splitlines()]
    assert 0 < len(numbers) < PAGES
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("place", ["out", "kept"])
def test_a_file_system_that_is_full(crawl, mount, place):
    folder = crawl.folder / place
    mount(folder, "size=600k")
    running = crawl.run("-q")
    code = crawl.end(running)
    assert code == 5, running.stderr
    is_told(running, "x.jsonl" if place == "out" else "ledger.db")
    is_whole_so_far(crawl)
    again = crawl.resume("-q")  # still full
    assert crawl.end(again) == 5
    is_told(again, "x.jsonl" if place == "out" else "kept")
    subprocess.run(["mount", "-o", "remount,size=20m", str(folder)], check=True)
    assert crawl.resume_until_done() == 0
    what = "outputs" if place == "out" else "run folder"
    crawl.account(f"file system of the {what} full, twice", 2, 2 * 16, code)


def test_a_limit_on_the_size_of_files(crawl):
    running = crawl.run("-q", through=("sh", "-c", 'ulimit -f 1000; exec "$@"', "sh"))  # in blocks of 512 bytes
    code = crawl.end(running)
    assert code == 5, running.stderr
    is_told(running, "")
    is_whole_so_far(crawl)
    assert crawl.resume_until_done() == 0
    crawl.account("files limited in size (RLIMIT_FSIZE)", 1, 16, code)


@pytest.mark.parametrize("size", [4, 32, 128])
def test_a_file_system_that_is_full_from_the_start(crawl, mount, size):
    kept = crawl.folder / "kept"
    mount(kept, f"size={size}k")
    running = crawl.run("-q")
    code = crawl.end(running)
    assert code == 5, running.stderr
    is_told(running, "kept")
    subprocess.run(["mount", "-o", "remount,size=20m", str(kept)], check=True)
    assert crawl.resume_until_done() == 0
    crawl.account("file system of the run folder full from the start", 1, 16, code)

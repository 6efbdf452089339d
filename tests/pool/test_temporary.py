import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from crawler.pool.temporary import remove_left

OWNER = """
import multiprocessing, sys, time
from crawler.pool.context import context_for
from crawler.pool.temporary import temporary_folder

lock = context_for("spawn").Lock()
print(temporary_folder(), lock._semlock.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path):
    """`owner(base)`: a process with a temporary folder in `base`, and that folder."""
    started = []

    def start(base=tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            env={**os.environ, "TMPDIR": str(base)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        folder, semaphore = process.stdout.readline().split()
        process.folder, process.semaphore = Path(folder), Path(f"/dev/shm/sem.{semaphore[1:]}")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def base():
    """A folder with a short path, as the kernel wants it for sockets."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


def test_it_goes_with_its_process(owner, base):
    process = owner(base)
    assert process.folder.parent == base
    process.communicate("")
    assert not list(base.iterdir())
    assert not process.semaphore.exists()


def test_one_that_is_in_use_is_left_alone(owner, base):
    process = owner(base)
    owner(base)
    assert process.folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="semaphores cannot be listed")
def test_what_a_killed_process_left_is_removed_by_the_next_one_and_so_are_its_semaphores(owner, base):
    process = owner(base)
    assert process.semaphore.exists()
    other = process.semaphore.with_name(f"sem.other-{os.getpid()}")
    other.touch()
    process.kill()
    process.wait()
    process.semaphore.touch()  # a tracker that was not killed removes it, too
    try:
        owner(base)
        assert not process.folder.exists()
        assert not process.semaphore.exists()
        assert other.exists()
    finally:
        other.unlink()


def test_folders_that_only_look_like_ours_stay(base, monkeypatch):
    other = base / "crawl-other"
    other.mkdir()
    elsewhere = base / "mine"
    elsewhere.mkdir()
    (elsewhere / "in-use").touch()
    (base / "crawl-link").symlink_to(elsewhere)
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    remove_left()
    assert other.exists()
    assert (elsewhere / "in-use").exists()


def test_a_long_path_is_not_used_as_sockets_have_to_fit_in(owner, tmp_path):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    process = owner(deep)
    assert process.folder.parent == Path("/tmp")
    assert not list(deep.iterdir())
    process.communicate("")
    assert not process.folder.exists()

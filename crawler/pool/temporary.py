"""The temporary folder of a process that crawls: sockets lie in it, and the library's semaphores bear its name.

It goes with its process. If that is killed, the control room removes the folder; if that is killed as well, the next
crawl does, as it finds that nobody holds the lock in it any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing import process
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

_PREFIX = "crawl-"
_IN_USE = "in-use"  # the file that is locked for as long as the owner of the folder lives
_LONGEST = 60  # characters of the folder's own place: the kernel refuses sockets whose path is longer than 100

_mine: dict[int, Path] = {}  # by process: a forked one has none yet


def temporary_folder() -> Path:
    """This process's own, made at the first call; the library uses it from then on."""
    folder = _mine.get(os.getpid())
    if folder is None:
        remove_left()
        folder = _mine[os.getpid()] = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_base()))
        config: dict[str, Any] = process.current_process()._config  # type: ignore[attr-defined]
        Finalize(None, _leave, (folder, config, shutil.rmtree), exitpriority=-100)  # as the library does it
        # Locked first and named then: nobody shall find one that is not locked yet.
        handle = os.open(folder / "new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(handle, fcntl.LOCK_EX)
        os.rename(folder / "new", folder / _IN_USE)
        config.update(tempdir=str(folder), semprefix=f"/{folder.name}")
    return folder


def remove_left() -> None:
    """Remove the folders that nobody uses any more, and the semaphores that bear their names."""
    for in_use in _base().glob(f"{_PREFIX}*/{_IN_USE}"):
        with suppress(OSError):
            _remove_if_left(in_use)


def _base() -> Path:
    base = tempfile.gettempdir()
    return Path(base if len(base) <= _LONGEST else "/tmp")


def _remove_if_left(in_use: Path) -> None:
    folder = in_use.parent
    if folder in _mine.values():
        return  # to look into a file of one's own would be the end of its lock
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    handle = os.open(in_use, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for semaphore in Path("/dev/shm").glob(f"sem.{folder.name}-*"):  # Linux; elsewhere they cannot be listed
            semaphore.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _leave(folder: Path, config: dict[str, Any], rmtree: Any) -> None:
    config["tempdir"] = None
    _mine.pop(os.getpid(), None)
    rmtree(folder, True)

"""The folder of a run: made, found by name, locked by its process, and pruned.

`.crawl/<spider>/<run>/` holds `ledger.db`, `control.json` while it runs, `log`, `lock`, and how it ended as
`report.json` and `report.txt`. A run is named by its start time, so names sort by age.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import msgspec

from crawler.errors import OutputError, UsageError
from crawler.file_names import safe_name

ROOT = Path(".crawl")

# A process loses a POSIX lock as soon as it closes any descriptor of the file, so it must not look into its own.
_held: set[str] = set()
_LEDGER = "ledger.db"
_PAUSED = "paused"
_PATIENCE = 0.5  # seconds in which a lock that no living owner has becomes free


class RunFolder:
    """One run's folder. `lock` makes this process its owner until it ends.

    `path` is how it was given, for people; what is opened is found from any working folder, as a spider may change it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = path.absolute()
        self._lock: int | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def ledger(self) -> Path:
        return self._place / _LEDGER

    @property
    def control(self) -> Path:
        return self._place / "control.json"

    @property
    def log(self) -> Path:
        return self._place / "log"

    @property
    def pages(self) -> Path:
        """The archive of its pages, where it keeps them."""
        return self._place / "pages.warc.gz"

    @property
    def report_json(self) -> Path:
        return self._place / "report.json"

    @property
    def report_text(self) -> Path:
        return self._place / "report.txt"

    def lock(self) -> None:
        """Own the folder. Raises `UsageError` that says who has it, `OutputError` if it cannot be written.

        A POSIX record lock on a file of its own, opened once: unlike `flock` it is not inherited by children, so it
        ends with this process, however that ends.
        """
        if self._key in _held:
            raise UsageError(f"the run {self.path} is in use by this process")
        try:
            handle = os.open(self._place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._cannot_write(error) from error
        until = time.monotonic() + _PATIENCE
        try:
            while not _take(handle):
                owner = self.owner()
                # Who only asks for the owner has the lock for an instant too, and its name is not in the file.
                if time.monotonic() > until or (owner and _is_alive(owner)):
                    raise UsageError(
                        f"the run {self.path} is in use by process {owner or 'unknown'}",
                        hint="`crawl status` shows it, `crawl stop` ends it",
                    )
                time.sleep(0.01)
        except OSError as error:
            os.close(handle)
            raise OutputError(f"cannot lock {self.path}: {error.strerror}") from error
        except BaseException:
            os.close(handle)
            raise
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(handle)
            raise self._cannot_write(error) from error
        self._lock = handle
        _held.add(self._key)
        self.withdraw()  # the room of a killed owner

    def _cannot_write(self, error: OSError) -> OutputError:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "make room; `crawl resume` goes on" if is_full else "choose another --run-dir"
        return OutputError(f"cannot write {self.path}: {error.strerror}", hint=hint)

    @property
    def _key(self) -> str:
        return os.path.realpath(self._place)

    def unlock(self) -> None:
        """Give the folder up."""
        if self._lock is not None:
            with suppress(OSError):
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None
            _held.discard(self._key)

    def announce(self, address: str, key: bytes) -> None:
        """Tell other terminals of this user how to reach the control room: written to `control.json`, 0600.

        Raises `OutputError`.
        """
        told = {"address": address, "key": key.hex(), "pid": os.getpid()}
        try:
            _write(self.control, msgspec.json.encode(told), 0o600)
        except OSError as error:
            raise self._cannot_write(error) from error

    @property
    def is_paused(self) -> bool:
        """Whether the run goes on paused when it is resumed."""
        return (self._place / _PAUSED).exists()

    def keep_pause(self, is_paused: bool) -> None:
        """Remember a pause for whoever resumes the run, also if it is killed in this moment. Raises `OutputError`."""
        try:
            if is_paused:
                (self._place / _PAUSED).touch()
            else:
                (self._place / _PAUSED).unlink(missing_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from error

    def withdraw(self) -> None:
        """The room is gone."""
        self.control.unlink(missing_ok=True)

    def keep_report(self, as_json: str, text: str) -> None:
        """Leave the report for later. If the disk does not take it, the run has gone as it went nevertheless."""
        try:
            for path, content in ((self.report_json, as_json), (self.report_text, text)):
                # Messages of user code may hold lone surrogates, which have no UTF-8: \udc80 means the same in JSON.
                _write(path, f"{content}\n".encode(errors="backslashreplace"), 0o666)
        except OSError:
            for path in (self.report_json, self.report_text):  # an earlier part of the run may have left one
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def owner(self) -> int | None:
        """The process that has the folder now, or None."""
        if self._key in _held:
            return os.getpid()
        try:
            with open(self._place / "lock", "rb+") as lock:
                try:
                    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    lock.seek(0)
                    text = lock.read(20).strip()
                    return int(text) if text.isdigit() else 0
        except OSError:
            return None
        return None


def _take(handle: int) -> bool:
    """Take the lock of an open file, if nobody has it."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file so that it is there whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def create(spider: str, root: Path = ROOT, path: Path | None = None) -> RunFolder:
    """A new run of a spider, locked; at `path` if one is given. Raises `UsageError` if that holds a run already.

    A spider may be called anything: its folder has a name that stays inside of `root`.
    """
    try:
        if path is not None:
            if (path / _LEDGER).exists():
                raise UsageError(
                    f"{path} holds a run already", hint=f"crawl resume {path}, or choose another --run-dir"
                )
            path.mkdir(0o700, parents=True, exist_ok=True)
            return _locked(path)
        parent = root / folder_of(spider)
        parent.mkdir(parents=True, exist_ok=True)
        stem = datetime.now().strftime("%Y%m%d-%H%M%S")
        for number in range(1, 1000):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            with suppress(FileExistsError):
                folder.mkdir(0o700)
                return _locked(folder)
        raise OutputError(f"cannot find a free name in {parent}")
    except OSError as error:
        raise OutputError(
            f"cannot make the folder of the run in {path or root}: {error.strerror}",
            hint="choose another place: --run-dir FOLDER",
        ) from error


def folder_of(spider: str) -> str:
    """The name of the folder that has the runs of a spider."""
    return safe_name(spider)


def _locked(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.lock()
    return folder


def all_runs(root: Path = ROOT) -> list[RunFolder]:
    """All runs below `root`, oldest first."""
    return sorted(_runs(root), key=lambda run: (run.name, run.path.parent.name))


def find(name: str | None, root: Path = ROOT) -> RunFolder:
    """The run that a word on the command line means: its path, its name, a spider's latest run, or the latest of all.

    Raises `UsageError` if there is none.
    """
    if name and (Path(name) / _LEDGER).is_file():
        return RunFolder(Path(name))
    runs = all_runs(root)
    matches = [run for run in runs if not name or run.name == name or run.path.parent.name == folder_of(name)]
    if matches:
        return matches[-1]
    if not runs:
        raise UsageError(f"there are no runs in {root}", hint="crawl run SPIDER starts one")
    known = [*(run.name for run in runs), *(run.path.parent.name for run in runs)]
    close = get_close_matches(str(name), known, n=1)
    raise UsageError(
        f"there is no run {name!r}: neither a path, nor the name of a run or a spider in {root}",
        hint=f"did you mean {close[0]}? crawl runs lists them" if close else "crawl runs lists them",
    )


def prune(spider: str, finished: list[RunFolder], keep: int, spared: RunFolder | None = None) -> list[RunFolder]:
    """Delete the oldest of the finished runs in a spider's folder, so that `keep` are left; those that were deleted.

    `spared` is not deleted, however old it is.
    """
    own = [run for run in finished if run.path.parent.name == spider]
    gone = [run for run in own[: max(0, len(own) - keep)] if spared is None or run._key != spared._key]
    for run in gone:
        if run.owner() is None:
            shutil.rmtree(run.path, ignore_errors=True)
    return gone


def _runs(root: Path) -> Iterator[RunFolder]:
    for ledger in root.glob(f"*/*/{_LEDGER}"):
        yield RunFolder(ledger.parent)

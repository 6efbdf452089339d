"""The file under every format: whole records, a place to cut, errors that people can read. No format in here.

Bytes go to the operating system in one unbuffered call per `append`, so a killed process leaves no half record
behind in a buffer of ours. What lies after the whole records (the tail, such as the `]` of a JSON array) is
written over by the next call.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import shlex
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from crawler.errors import OutputError, UsageError
from crawler.output_name import STANDARD_OUTPUT

_PATIENCE = 0.5  # seconds in which the lock of a killed crawl becomes free: its children have it until they are gone


class File:
    """Records in the file at `path`, followed by `tail`. What fails raises `OutputError`.

    `-` is standard output, which is written to and left open. What is no regular file (standard output, a named
    pipe, a device) cannot be cut: `cuttable` is False, its marks are empty, and it is resumed by writing on.
    `path` is for people; `place` is the same file from any working folder, as a spider may change it.

    With `append` it begins after what is in the file already, the base, which is never changed: its size and checksum
    are in the marks. A regular file is locked from `open` to `close`, so nobody else writes it: raises `UsageError`.
    """

    damage: tuple[type[Exception], ...] = ()  # what `read` raises for a file that cannot be read as its name says

    def __init__(self, path: str, tail: bytes = b"", append: bool = False) -> None:
        self.path = path
        self.append_to = append
        self.place = path if path == STANDARD_OUTPUT else str(Path(path).absolute())
        self.cuttable = False
        self._tail = tail
        self._fd = -1
        self._size = 0  # bytes of the whole records: where the file can be cut
        self._crc = 0  # of these bytes
        self._base: tuple[int, int] | None = None  # size and checksum of what was there before
        self._is_new_in_folder = False

    @property
    def length(self) -> int:
        """Bytes of all records that were appended."""
        return self._size

    @property
    def base(self) -> int:
        """Bytes that were there before, to which the records are appended."""
        return self._base[0] if self._base else 0

    def open(self) -> None:
        """Create the file, replacing an old one or going on at its end. Its folder has to exist."""
        self._size = self._crc = 0
        self._is_new_in_folder = True
        if self.path == STANDARD_OUTPUT:
            self._fd, self.cuttable = 1, False
            try:
                os.write(1, b"")  # nothing, as it may be closed
            except OSError as error:
                raise output_error(self.path, error) from error
            return
        try:
            self._fd = open_locked(self.path, self.place, os.O_WRONLY | os.O_CREAT)
            self.cuttable = stat.S_ISREG(os.fstat(self._fd).st_mode)
            if self.cuttable:
                if self.append_to:
                    self._begin_after_base()
                self._cut()
        except OSError as error:
            self._let_go()
            raise output_error(self.path, error) from error
        except BaseException:
            self._let_go()
            raise

    def resume(self, mark: dict[str, Any]) -> bool:
        """Open the file as it is, cut it back to `mark`, and go on; False if it is not what was written up to there.

        The whole file is read for that, so one that was edited, written anew, or damaged by a loss of power
        is never written on.
        """
        if self.path == STANDARD_OUTPUT:
            self.open()
            return True
        size, crc = mark.get("size", 0), mark.get("crc", 0)
        if self.append_to and "base" in mark:
            self._base = (mark["base"][0], mark["base"][1])
        self._is_new_in_folder = False
        try:
            self._fd = open_locked(self.path, self.place, os.O_WRONLY)
            self.cuttable = stat.S_ISREG(os.fstat(self._fd).st_mode)
            if self.cuttable != ("size" in mark) or (self.cuttable and _crc_of(self.place, size) != crc):
                self._let_go()
                return False
            self._size, self._crc = size, crc
            if self.cuttable:
                self._cut()
        except OSError:
            self._let_go()
            return False
        return True

    def append(self, records: bytes, lines: int = 0) -> None:
        """Write `records`, made of that many lines of items, after the last ones. On an error the file is as before."""
        try:
            self._write(records + self._tail)
        except BaseException as error:  # also Ctrl-C between the two halves of a long write
            if self.cuttable:
                with suppress(OSError):
                    self._cut()
            if isinstance(error, OSError):
                raise output_error(self.path, error) from error
            raise
        self._size += len(records)
        self._crc = zlib.crc32(records, self._crc)

    def mark(self) -> tuple[dict[str, Any], int]:
        """Where the file can be cut, and how many of the lines appended are not before that place."""
        if not self.cuttable:
            return {}, 0
        return {"size": self._size, "crc": self._crc} | ({"base": list(self._base)} if self._base else {}), 0

    def flush(self, sync: bool = False) -> None:
        """Hand everything to the operating system; with `sync` also to the disk, as far as it is a regular file."""
        if not (sync and self.cuttable):
            return
        try:
            os.fsync(self._fd)
            if self._is_new_in_folder:  # its name is kept in the folder
                folder = os.open(os.path.dirname(os.path.realpath(self.place)), os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
                self._is_new_in_folder = False
        except OSError as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close the file. May be called twice, and for a file that was never opened. Marks are still given after it."""
        if self._fd < 0:
            return
        try:
            self.flush()
        finally:
            fd, self._fd = self._fd, -1
            if self.path != STANDARD_OUTPUT:
                try:
                    unlock(fd)
                    os.close(fd)
                except OSError as error:  # some network file systems tell only now that there is no space
                    raise output_error(self.path, error) from error

    def read(self) -> BinaryIO:
        """The records of a regular file, opened for reading."""
        return open(self.place, "rb")

    def ends_line(self) -> bool:
        """Whether the last byte of the records of a regular file ends a line. Reads all of them."""
        last = b"\n"
        with self.read() as source:
            while chunk := source.read(1 << 20):
                last = chunk[-1:]
        return last == b"\n"

    @contextmanager
    def anew(self) -> Iterator[Self]:
        """Another file, to be filled, that takes the place of this one when the block ends; then it is used instead.

        If anything fails, this one stays as it is. Only for regular files.
        """
        path = os.path.realpath(self.place)  # a link stays a link
        new = type(self)(self.path)
        new.place, new.append_to, new._base = self.place, self.append_to, self._base
        new._tail, new.cuttable, new._is_new_in_folder = self._tail, True, True
        try:
            new._fd = open_locked(self.path, beside(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.fchmod(new._fd, stat.S_IMODE(os.fstat(self._fd).st_mode))
                yield new
                new.flush()
                os.replace(beside(path), path)
            except BaseException:
                new._let_go()
                os.unlink(beside(path))
                raise
        except OSError as error:
            raise output_error(self.path, error) from error
        except self.damage as error:  # compressed, and changed by somebody else
            raise output_error(self.path, OSError(str(error))) from error
        self._let_go()

    def _begin_after_base(self) -> None:
        """Take what is in the file as the base; if there was one already, take all that came after it away."""
        if self._base is None:
            size = os.fstat(self._fd).st_size
            self._base = (size, _crc_of(self.place, size) or 0)
        elif _crc_of(self.place, self._base[0]) != self._base[1]:
            raise OutputError(
                f"cannot go on with {self.path}: what was in it before this run is not there any more, or has changed",
                hint="crawl export writes the items of the run to another file",
            )
        self._size, self._crc = self._base

    def _cut(self) -> None:
        """Let the file end after its last whole record and the tail."""
        # The tail first: a full disk takes it only in the space that the file still has.
        os.pwrite(self._fd, self._tail, self._size)
        os.ftruncate(self._fd, self._size + len(self._tail))

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        offset = self._size
        while rest:
            try:
                written = os.pwrite(self._fd, rest, offset) if self.cuttable else os.write(self._fd, rest)
            except BlockingIOError:  # a pipe that its other end has made non-blocking is full
                select.select((), (self._fd,), ())
                continue
            rest = rest[written:]
            offset += written

    def _let_go(self) -> None:
        """Close the descriptor of a file that nobody needs any more."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            unlock(fd)
            with suppress(OSError):
                os.close(fd)


def open_locked(path: str, place: str, flags: int, mode: int = 0o666) -> int:
    """Open the file at `place` and lock it, if it is a regular one, until `unlock` or the end of the process.

    The lock is on the file itself and belongs to what was opened (flock), not to the process: reading the file
    elsewhere in the process does not release it, a symbolic link leads to the same lock, and nothing is left beside the
    file. What cannot be locked, as on some network file systems, is not. Raises `UsageError` if a crawl is writing it,
    and `OSError`.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        fd = os.open(place, flags | os.O_CLOEXEC, mode)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode) or _is_locked(fd, place):
                return fd
            if time.monotonic() > until:
                raise UsageError(
                    f"{path} is being written by another crawl",
                    hint="wait for its end (crawl status shows it, crawl stop ends it), or name another output",
                )
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        time.sleep(0.01)


def _is_locked(fd: int, place: str) -> bool:
    """Lock an open file. False if somebody else has the lock, or has just replaced the file at `place` by another."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return True
    try:
        return os.path.samestat(os.fstat(fd), os.stat(place))
    except FileNotFoundError:
        return False


def unlock(fd: int) -> None:
    """Release the lock of an open file. Closing it is not enough where a child has inherited it."""
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)


def beside(path: str) -> str:
    """Where the file at `path` is written anew: in the same folder, as only there it can take its place at once."""
    folder, name = os.path.split(os.path.realpath(path))
    return os.path.join(folder, f".{name}.wider")


def output_error(path: str, error: OSError) -> OutputError:
    """`error` of the operating system as one that names the output and says what to do."""
    name = "standard output" if path == STANDARD_OUTPUT else path
    return OutputError(f"cannot write {name}: {error.strerror or error}", hint=_hint(path, error))


def _hint(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT if not os.path.isdir(os.path.dirname(path) or "."):
            return f"create its folder first: mkdir -p {shlex.quote(os.path.dirname(path) or '.')}"
        case errno.EISDIR:
            return f"name a file in it: {shlex.quote(os.path.join(path, 'items.jsonl'))}"
        case errno.ENOENT | errno.EACCES | errno.EPERM | errno.EROFS:
            return "choose a file that you may write to"
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "make room; the items written before are whole"
        case errno.EPIPE:
            return "the program that reads the output has ended"
    return ""


def _crc_of(path: str, size: int) -> int | None:
    """The checksum of the first `size` bytes of a file, None if it has fewer."""
    crc = 0
    with open(path, "rb") as file:
        while size:
            chunk = file.read(min(size, 1 << 20))
            if not chunk:
                return None
            crc = zlib.crc32(chunk, crc)
            size -= len(chunk)
    return crc

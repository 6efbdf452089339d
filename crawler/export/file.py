"""The file under every format: whole records, a place to cut, errors that people can read. No format in here.

Bytes go to the operating system in one unbuffered call per `append`, so a killed process leaves no half record
behind in a buffer of ours. What lies after the whole records (the tail, such as the `]` of a JSON array) is
written over by the next call.
"""

from __future__ import annotations

import errno
import os
import select
import shlex
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from crawler.errors import OutputError

STANDARD_OUTPUT = "-"


class File:
    """Records in the file at `path`, followed by `tail`. What fails raises `OutputError`.

    `-` is standard output, which is written to and left open. What is no regular file (standard output, a named
    pipe, a device) cannot be cut: `cuttable` is False, its marks are empty, and it is resumed by writing on.
    `path` is for people; `place` is the same file from any working folder, as a spider may change it.
    """

    def __init__(self, path: str, tail: bytes = b"") -> None:
        self.path = path
        self.place = path if path == STANDARD_OUTPUT else str(Path(path).absolute())
        self.cuttable = False
        self._tail = tail
        self._fd = -1
        self._size = 0  # bytes of the whole records: where the file can be cut
        self._crc = 0  # of these bytes
        self._is_new_in_folder = False

    @property
    def length(self) -> int:
        """Bytes of all records that were appended."""
        return self._size

    def open(self) -> None:
        """Create the file, replacing an old one. Its folder has to exist."""
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
            self._fd = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            self.cuttable = stat.S_ISREG(os.fstat(self._fd).st_mode)
            if self.cuttable:
                self._cut()
        except OSError as error:
            self._let_go()
            raise output_error(self.path, error) from error

    def resume(self, mark: dict[str, Any]) -> bool:
        """Open the file as it is, cut it back to `mark`, and go on; False if it is not what was written up to there.

        The whole file is read for that, so one that was edited, written anew, or damaged by a loss of power
        is never written on.
        """
        if self.path == STANDARD_OUTPUT:
            self.open()
            return True
        size, crc = mark.get("size", 0), mark.get("crc", 0)
        self._is_new_in_folder = False
        try:
            self._fd = os.open(self.place, os.O_WRONLY)
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
        return ({"size": self._size, "crc": self._crc} if self.cuttable else {}), 0

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
                    os.close(fd)
                except OSError as error:  # some network file systems tell only now that there is no space
                    raise output_error(self.path, error) from error

    def read(self) -> BinaryIO:
        """The records of a regular file, opened for reading."""
        return open(self.place, "rb")

    @contextmanager
    def anew(self) -> Iterator[Self]:
        """Another file, to be filled, that takes the place of this one when the block ends; then it is used instead.

        If anything fails, this one stays as it is. Only for regular files.
        """
        path = os.path.realpath(self.place)  # a link stays a link
        new = type(self)(self.path)
        new.place = self.place
        new._tail, new.cuttable, new._is_new_in_folder = self._tail, True, True
        try:
            new._fd = os.open(beside(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
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
        except (EOFError, zlib.error) as error:  # compressed, and changed by somebody else
            raise output_error(self.path, OSError(str(error))) from error
        self._let_go()

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
            with suppress(OSError):
                os.close(fd)


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
        case errno.ENOENT:
            return f"create its folder first: mkdir -p {shlex.quote(os.path.dirname(path) or '.')}"
        case errno.EISDIR:
            return f"name a file in it: {shlex.quote(os.path.join(path, 'items.jsonl'))}"
        case errno.EACCES | errno.EPERM | errno.EROFS:
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

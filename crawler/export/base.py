"""What all output files share: one descriptor, whole records, errors that people can read. No format in here.

Bytes go to the operating system in one unbuffered call per `_append`, so a killed process leaves no half record
behind in a buffer of ours. `_position` counts the bytes of the whole records: where the file could be cut and
written on. What lies after it (`_tail`, such as the `]` of a JSON array) is written again by the next call.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shlex
import stat

from crawler.errors import OutputError

STANDARD_OUTPUT = "-"


class FileExporter:
    """Base of the exporters: `open` and `close` of the file at `path`; a format adds `write`.

    `path` `-` is standard output, which is written to and left open. Anything that fails raises `OutputError`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1
        self._position = 0
        self._tail = b""
        self._cuttable = False

    def open(self) -> None:
        """Create the file, replacing an old one. Its folder has to exist."""
        self._position = 0
        self._tail = b""
        if self.path == STANDARD_OUTPUT:
            self._fd, self._cuttable = 1, False
            return
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            self._cuttable = stat.S_ISREG(os.fstat(self._fd).st_mode)
        except OSError as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close the file. May be called twice, and for a file that was never opened."""
        fd, self._fd = self._fd, -1
        if fd < 0 or self.path == STANDARD_OUTPUT:
            return
        try:
            os.close(fd)
        except OSError as error:  # some network file systems tell only now that there is no space
            raise output_error(self.path, error) from error

    def _append(self, records: bytes, tail: bytes = b"") -> None:
        """Write `records` after the last whole record, and `tail` after them. On an error the file is as before."""
        try:
            self._write(records + tail)
        except OSError as error:
            self._cut_back()
            raise output_error(self.path, error) from error
        except BaseException:  # Ctrl-C between the two halves of a long write
            self._cut_back()
            raise
        self._position += len(records)
        self._tail = tail

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        offset = self._position
        while rest:
            try:
                written = os.pwrite(self._fd, rest, offset) if self._cuttable else os.write(self._fd, rest)
            except BlockingIOError:  # a pipe that its other end has made non-blocking is full
                select.select((), (self._fd,), ())
                continue
            rest = rest[written:]
            offset += written

    def _cut_back(self) -> None:
        """Undo half a write: the file ends after its last whole record and the tail again."""
        if self._cuttable:
            with contextlib.suppress(OSError):
                # The tail first: a full disk takes it only in the space that the file still has.
                os.pwrite(self._fd, self._tail, self._position)
                os.ftruncate(self._fd, self._position + len(self._tail))


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

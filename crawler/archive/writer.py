"""The file of an archive that is being written: one gzip member per record, so that it can be cut between any two.

It is compressed in a thread of its own: the libraries that digest and compress let go of the interpreter, and the loop
reads pages meanwhile. Whoever asks for the `size` waits until all that was handed in is in the file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import struct
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Thread

from crawler.archive.gzip_head import GZIP_HEAD, gzip_head
from crawler.archive.records import Pieces
from crawler.errors import OutputError, UsageError

_LEVEL = 1  # of zlib: 25 KB take 0.2 ms and become 5.5 KB; level 6 takes 0.6 ms for 3.9 KB
_CHUNK = 1 << 20

Job = Callable[[], Iterable[Pieces]]  # makes the records of one fetch, in the thread


class WarcFile:
    """`path` for people and for opening. Raises `OutputError` and, for what must not be replaced, `UsageError`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.failed: OutputError | None = None
        self._fd = -1
        self._size = 0
        self._jobs: SimpleQueue[Job | Event | None] = SimpleQueue()
        self._thread: Thread | None = None

    def create(self, first: Pieces, marker: bytes) -> None:
        """Begin a new file with its first record. One that has no more than such a record with `marker` is replaced."""
        self._fd = self._opened(os.O_RDWR | os.O_CREAT)
        begun = self._pread(0, 4096)
        if begun and not _is_only(begun, marker):
            self._let_go()
            raise UsageError(
                f"{self.path} is there already, and an archive is not replaced",
                hint=f"name another file, or remove it: rm {shlex.quote(self.path)}",
            )
        self._truncate(0)
        self._write(first)
        self._start()

    def go_on(self, size: int) -> None:
        """Cut the file to what was valid, and go on there. Raises `OutputError` if so much is not there any more."""
        self._fd = self._opened(os.O_RDWR)
        there = os.fstat(self._fd).st_size
        if there < size:
            self._let_go()
            raise OutputError(
                f"cannot go on with the archive {self.path}: it has {there:,} bytes, and {size:,} were recorded",
                hint="put the file back, or start a new run: crawl run",
            )
        self._truncate(size)
        self._size = size
        self._start()

    def put(self, job: Job) -> None:
        """Write the records that a job makes, some time soon."""
        self._jobs.put(job)

    @property
    def size(self) -> int:
        """Bytes of the file with all that was put. Raises `OutputError` if it could not be written."""
        if self._thread is not None:
            done = Event()
            self._jobs.put(done)
            done.wait()
        if self.failed is not None:
            raise self.failed
        return self._size

    def sync(self) -> None:
        """Wait for the disk. Raises `OutputError`."""
        if self._fd >= 0 and self.size:
            try:
                os.fsync(self._fd)
            except OSError as error:
                raise self._told(error) from error

    def close(self) -> None:
        """Write what is left and let the file go. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()
        self._let_go()

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="archive", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, Event):
                job.set()
            elif self.failed is None:
                try:
                    for record in job():
                        self._write(record)
                except OSError as error:
                    self.failed = self._told(error)
                except Exception as error:  # the end of this thread would be one of the whole crawl
                    self.failed = OutputError(f"cannot write {self.path}: {type(error).__name__}: {error}")

    def _write(self, record: Pieces) -> None:
        """One record as one gzip member (RFC 1952), whole or not at all."""
        member = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
        begin = at = self._size
        packed, waiting, crc, size = [bytes(GZIP_HEAD)], 0, 0, 0
        for piece in record:
            view = memoryview(piece)
            size += view.nbytes
            for start in range(0, view.nbytes, _CHUNK):
                chunk = view[start : start + _CHUNK]
                crc = zlib.crc32(chunk, crc)
                packed.append(member.compress(chunk))
                waiting += len(packed[-1])
                if waiting > _CHUNK:
                    at, packed, waiting = self._pwrite(b"".join(packed), at), [], 0
        packed += [member.flush(), struct.pack("<II", crc, size & 0xFFFFFFFF)]
        length = at - begin + sum(map(len, packed))
        if at == begin:
            packed[0] = gzip_head(length, size)
            self._size = self._pwrite(b"".join(packed), at)
        else:
            end = self._pwrite(b"".join(packed), at)
            self._pwrite(gzip_head(length, size), begin)
            self._size = end

    def _pwrite(self, data: bytes, at: int) -> int:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._fd, rest, at)
            rest, at = rest[written:], at + written
        return at

    def _opened(self, flags: int) -> int:
        try:
            fd = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._told(error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise UsageError(
                f"{self.path} is being written by another crawl", hint="wait for its end, or name another file"
            ) from None
        except OSError:  # the file system has no locks
            pass
        return fd

    def _pread(self, at: int, size: int) -> bytes:
        try:
            return os.pread(self._fd, size, at)
        except OSError as error:
            raise self._told(error) from error

    def _truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise self._told(error) from error
        self._size = size

    def _let_go(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_UN)  # a child may have inherited it
            with suppress(OSError):
                os.close(fd)

    def _told(self, error: OSError) -> OutputError:
        hints = {
            errno.ENOENT: f"create its folder first: mkdir -p {shlex.quote(os.path.dirname(self.path) or '.')}",
            errno.EISDIR: f"name a file in it: {shlex.quote(os.path.join(self.path, 'site.warc.gz'))}",
            errno.ENOSPC: "make room; `crawl resume` goes on",
            errno.EDQUOT: "make room; `crawl resume` goes on",
            errno.EFBIG: "make room; `crawl resume` goes on",
        }
        return OutputError(
            f"cannot write the archive {self.path}: {error.strerror or error}",
            hint=hints.get(error.errno or 0, "choose a file that you may write to"),
        )


def _is_only(begun: bytes, marker: bytes) -> bool:
    """Whether a file has one record, which has a marker in it, or the beginning of such a one."""
    member = zlib.decompressobj(31)
    try:
        text = member.decompress(begun)
    except zlib.error:
        return False
    return marker in text and not member.unused_data

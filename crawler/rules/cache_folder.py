"""Answers kept on disk: one file per method, URL and body, in a folder that several crawls may use at once.

A file is compressed MessagePack, so a folder from elsewhere cannot run code. It is written beside its place and moved
there, whole or not at all. One that is damaged counts as not there, and is removed. Nothing here knows when an answer
may be used; nothing is ever deleted because it is old: `rm -r` on the folder empties it.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from pathlib import Path
from stat import S_ISREG

import msgspec

from crawler.errors import OutputError
from crawler.request import Request
from crawler.response import HeaderPairs, Response

_MOST = 100_000_000  # bytes of a file when it is unpacked; more is not kept, and is damage where it is found
_LEVEL = 1  # of zlib: a page of 25 KB takes 0.2 ms
_numbers = count(1)


class Stored(msgspec.Struct, frozen=True):
    """An answer as it came. `at`: when, in seconds since 1970.

    `session` tells answers apart that are not for everybody; `asked` are the fields of the request that it depends on,
    with digests of their values.
    """

    at: float
    status: int
    header_pairs: HeaderPairs
    body: bytes
    session: str = ""
    asked: HeaderPairs = ()

    def response(self, url: str, header_pairs: HeaderPairs | None = None) -> Response:
        """What a rule answers with."""
        pairs = self.header_pairs if header_pairs is None else header_pairs
        return Response(url, self.status, pairs, self.body, cached=True)


class _File(msgspec.Struct, frozen=True):
    """The name of a file is a digest; what it stands for is in the file."""

    method: str
    url: str
    body: bytes
    answers: tuple[Stored, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_File).decode


class CacheFolder:
    """The answers below `path`, which is made when the first one comes; 0700, its files 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()  # a spider may change the working folder

    def read(self, request: Request) -> tuple[Stored, ...]:
        """The answers to requests of the same method, URL and body, latest first. Raises `OutputError`."""
        path = self._place(request)
        try:
            packed = path.read_bytes() if S_ISREG(path.stat().st_mode) else b""  # a pipe would be waited for
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._failed("read", error) from error
        try:
            unpacking = zlib.decompressobj()
            file = _decode(unpacking.decompress(packed, _MOST))
            is_whole = unpacking.eof
        except (zlib.error, msgspec.MsgspecError):
            is_whole = False
        if not is_whole:
            with suppress(OSError):
                path.unlink()
            return ()
        is_it = (file.method, file.url, file.body) == (request.method, request.url, _body(request))
        return file.answers if is_it else ()

    def write(self, request: Request, answers: tuple[Stored, ...]) -> None:
        """Keep these answers and no others; none removes the file. Raises `OutputError`."""
        path = self._place(request)
        try:
            if not answers:
                path.unlink(missing_ok=True)
                return
            data = _encode(_File(request.method, request.url, _body(request), answers))
            if len(data) <= _MOST:
                _write(path, zlib.compress(data, _LEVEL))
        except OSError as error:
            raise self._failed("write", error) from error

    def _place(self, request: Request) -> Path:
        key = f"{request.method}\0{request.url}\0".encode(errors="surrogatepass")
        name = blake2b(key + _body(request), digest_size=16).hexdigest()
        return self._path / name[:2] / name[2:]

    def _failed(self, act: str, error: OSError) -> OutputError:
        return OutputError(
            f"cannot {act} the cache {self._path}: {error.strerror}",
            hint="make room or fix the permissions and go on: crawl resume; without it: -s cache.mode=off",
        )


def _body(request: Request) -> bytes:
    return request.body.encode() if isinstance(request.body, str) else request.body or b""


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}-{next(_numbers)}")
    try:
        try:
            handle = _create(beside)
        except FileNotFoundError:
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = _create(beside)
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

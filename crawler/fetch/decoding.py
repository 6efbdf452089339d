"""Content codings (RFC 9110, 8.4.1), undone in small parts: however far a body would grow, memory does not.

gzip (RFC 1952), deflate (zlib as RFC 1950 has it, or bare as some send it), br (RFC 7932), zstd (RFC 8878, with windows
up to 8 MB as RFC 9659 asks for). A name that is no coding ("utf-8", "none") is taken as said for nothing.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import brotli

from crawler.fetch.faults import Fault

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPTED = "gzip, deflate, br, zstd"

_PART = 1 << 16  # bytes that are undone in one go
_MOST_CODINGS = 3  # one over the other; nobody honest needs two
_WINDOW_LOG = 23  # 8 MB


class Coding(Protocol):
    """One coding of one body. Raises the library's error for what is no such thing."""

    @property
    def whole(self) -> bool:
        """Whether what came is complete."""

    def parts(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes of the body stand for, in parts of about 64 KB at most."""


class Decoder:
    """Undoes the codings of one body, the last one first."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._codings = [_CODINGS[name]() for name in reversed(names)]
        self._fed = False
        self.made = 0  # bytes that all codings together have given

    def parts(self, data: bytes) -> Iterator[bytes]:
        """The plain bytes of the next bytes of the body. Raises `Fault` ("partial") if they are broken.

        Empty parts are given too: there was work, and whoever counts it or has a deadline may stop it.
        """
        self._fed = True
        try:
            yield from self._through(0, data)
        except _ERRORS as error:
            reason = str(error).rpartition(": ")[2]
            raise Fault("partial", f"broken {', '.join(self._names)}: {reason}") from error

    def end(self) -> None:
        """The body has ended. Raises `Fault` ("partial") if it should have gone on. An empty body is none."""
        if self._fed and not all(coding.whole for coding in self._codings):
            raise Fault("partial", f"broken {', '.join(self._names)}: it ends too early")

    def _through(self, number: int, data: bytes) -> Iterator[bytes]:
        is_last = number == len(self._codings) - 1
        for part in self._codings[number].parts(data):
            self.made += len(part)
            if is_last or not part:
                yield part
            else:
                yield from self._through(number + 1, part)


def decoder_for(content_encoding: str) -> Decoder | None:
    """What undoes the codings of a Content-Encoding field, `None` if there are none.

    Raises `Fault` ("too_large") if there are more than anybody would use.
    """
    names = [name for part in content_encoding.lower().split(",") if (name := part.strip()) in _CODINGS]
    if len(names) > _MOST_CODINGS:
        raise Fault(
            "too_large", f"{len(names)} codings one over the other, and more than {_MOST_CODINGS} are not undone"
        )
    return Decoder(names) if names else None


class _Inflate:
    """What zlib undoes: one stream; what comes after it is left alone."""

    def __init__(self, bits: int) -> None:
        self.whole = False
        self._stream = zlib.decompressobj(bits)

    def parts(self, data: bytes) -> Iterator[bytes]:
        while not self.whole:
            part = self._stream.decompress(data, _PART)
            data = self._stream.unconsumed_tail
            self.whole = self._stream.eof
            if part:
                yield part
            if not data and len(part) < _PART:
                return

    @property
    def rest(self) -> bytes:
        return self._stream.unused_data


class _Gzip:
    """Members one after the other. What follows the first one and is none (zeros, a line end) is left alone."""

    def __init__(self) -> None:
        self._member = _Inflate(31)
        self._first = True
        self._empty = True

    @property
    def whole(self) -> bool:
        return self._member.whole or (self._empty and not self._first)

    def parts(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member.whole:
                self._member, self._first, self._empty = _Inflate(31), False, True
            try:
                for part in self._member.parts(data):
                    self._empty = False
                    yield part
            except zlib.error:
                if self._first or not self._empty:
                    raise
                return
            data = self._member.rest if self._member.whole else b""
            if self._empty:
                yield b""


class _Deflate:
    """zlib's format or bare deflate, told by the first two bytes."""

    def __init__(self) -> None:
        self._stream: _Inflate | None = None
        self._first = b""

    @property
    def whole(self) -> bool:
        return self._stream is not None and self._stream.whole

    def parts(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            data = self._first + data
            if len(data) < 2:
                self._first = data
                return
            has_head = data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = _Inflate(15 if has_head else -15)
        yield from self._stream.parts(data)


class _Brotli:
    def __init__(self) -> None:
        self.whole = False
        self._stream = brotli.Decompressor()

    def parts(self, data: bytes) -> Iterator[bytes]:
        while not self.whole:
            part = self._stream.process(data, output_buffer_limit=_PART)
            data = b""
            self.whole = self._stream.is_finished()
            if not part:
                return
            yield part


class _Zstd:
    """Frames one after the other."""

    def __init__(self) -> None:
        self._frame = self._new()
        self.whole = False

    def parts(self, data: bytes) -> Iterator[bytes]:
        while data or not self._frame.needs_input:
            if self._frame.eof:
                self._frame = self._new()
            part = self._frame.decompress(data, _PART)
            self.whole = self._frame.eof
            data = self._frame.unused_data if self.whole else b""
            yield part
            if self.whole and not data:
                return

    @staticmethod
    def _new() -> Any:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


_CODINGS: dict[str, Callable[[], Coding]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
_ERRORS = (zlib.error, brotli.error, zstd.ZstdError)

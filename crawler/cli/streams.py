"""The standard streams of a command: one that fails or is not there is told in a sentence, whoever uses it."""

from __future__ import annotations

import io
import sys
from typing import Any, NoReturn

from crawler.errors import OutputError, UsageError


def guard() -> None:
    """Let standard output raise `OutputError` when it cannot be written, and a missing input raise `UsageError`.

    What is read or written at a terminal stays as it is, and so does what somebody has put in place of a stream.
    """
    out = sys.__stdout__
    if sys.stdout is out and (out is None or not out.isatty()):
        raw: Any = _Output(1, "wb", closefd=False)
        is_direct = out is not None and out.write_through  # python -u
        sys.stdout = io.TextIOWrapper(
            raw if is_direct else io.BufferedWriter(raw),
            encoding=out.encoding if out is not None else "utf-8",
            errors=out.errors if out is not None else "backslashreplace",
            write_through=is_direct,
        )
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_NoInput()), encoding="utf-8")


class _Output(io.FileIO):
    _is_gone = False

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self._is_gone or not size:  # it was told; what is still in buffers goes nowhere
            return size
        try:
            return super().write(data)
        except OSError as error:
            self._is_gone = True
            if isinstance(error, BrokenPipeError):
                raise
            raise OutputError(f"cannot write to standard output: {error.strerror}") from None


class _NoInput(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any, /) -> NoReturn:
        raise UsageError("there is no standard input: it was closed", hint="name a file, or give it something to read")

    def fileno(self) -> NoReturn:
        self.readinto(None)

"""An output in files of so many items each: `-o part-%(batch)03d.jsonl --batch-items N`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from crawler.errors import OutputError
from crawler.export.base import Inner
from crawler.output_name import is_url

_NUMBER = re.compile(r"%\(batch\)0?(\d*)d")


def has_number(output: str) -> bool:
    """Whether the name of an output has the place of a number in it."""
    return _NUMBER.search(output) is not None


def numbered(output: str, number: int) -> str:
    """The name of a batch, numbered from 1: "%(batch)03d" becomes "001"."""
    return _NUMBER.sub(lambda found: f"{number:0{found[1] or 1}d}", output)


class Batches:
    """Files of `size` items each (the last one of fewer), made by `new` from their paths."""

    def __init__(self, output: str, size: int, new: Callable[[str], Inner]) -> None:
        self.path = output
        self._size = size
        self._new = new
        self._number = 1
        self._count = 0  # items of this batch
        self._inner = new(numbered(output, 1))
        self._notes: list[str] = []
        self._safe: tuple[dict[str, Any], int] | None = None  # the mark from before a write that failed

    def open(self) -> None:
        """Create the first file. Raises `OutputError`."""
        self._take(1, 0)
        self._inner.open()

    def resume(self, mark: dict[str, Any]) -> bool:
        """Go on in the file that was written then; the ones after it are written again."""
        if "batch" not in mark:
            return False
        self._take(mark["batch"], mark["count"])
        return self._inner.resume(mark["file"])

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, and begin a file wherever one is full. Raises `OutputError`."""
        before = self.mark()
        try:
            while lines:
                if self._count == self._size:
                    self._inner.close()
                    self._notes += self._inner.notes()
                    self._take(self._number + 1, 0)
                    self._inner.open()
                here, lines = lines[: self._size - self._count], lines[self._size - self._count :]
                self._inner.write(here)
                self._count += len(here)
        except BaseException:
            self._safe = before
            raise

    def mark(self) -> tuple[dict[str, Any], int]:
        """The file that is written now, how many items it has, and where it can be cut."""
        if self._safe is not None:
            return self._safe
        mark, behind = self._inner.mark()
        return {"batch": self._number, "count": self._count - behind, "file": mark}, behind

    def flush(self, sync: bool) -> None:
        """As the file that is written now."""
        self._inner.flush(sync)

    def close(self) -> None:
        """Finish the last file. Raises `OutputError`."""
        self._inner.close()

    def abandon(self) -> None:
        """As the last file."""
        self._inner.abandon()

    def notes(self) -> list[str]:
        """Those of all files, and a word about files of an earlier run that has made more of them."""
        notes = [*self._notes, *self._inner.notes()]
        older = numbered(self.path, self._number + 1)
        if not is_url(self.path) and os.path.exists(older):
            notes.append(f"{older} and what follows it is from an earlier run, which made more files")
        return list(dict.fromkeys(notes))

    def _take(self, number: int, count: int) -> None:
        with suppress(OutputError):
            if number != self._number:
                self._inner.close()
        self._number, self._count, self._safe = number, count, None
        self._inner = self._new(numbered(self.path, number))

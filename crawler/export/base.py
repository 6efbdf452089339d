"""What all formats share: the protocol `Exporter`, all but `write`, on a file that may be compressed."""

from __future__ import annotations

from typing import Any, Protocol

from crawler.export.file import File
from crawler.protocols import Exporter


class Inner(Exporter, Protocol):
    """An exporter that another one stands before."""

    def abandon(self) -> None:
        """Close it without making it complete, after something has failed: what was there before stays, if it can."""


class FileExporter:
    """Base of the exporters of one file at `path`; a format adds `write`. What fails raises `OutputError`.

    `kind` is the class of the file, which may compress. With `append` the file goes on after what is there. `path` `-`
    is standard output, which cannot be cut: resumed it goes on after the last mark, so what was written after that mark
    comes a second time.
    """

    TAIL = b""  # what stands after the last record
    LINE_END = b"\n"  # what a last line without one is given before records are appended

    def __init__(self, path: str, kind: type[File] = File, append: bool = False) -> None:
        self.path = path
        self._file = kind(path, self.TAIL, append)

    def open(self) -> None:
        """Create the file, replacing an old one or going on at its end. Its folder has to exist."""
        self._file.open()
        if self._file.base and not self._file.ends_line():
            self._file.append(self.LINE_END)

    def resume(self, mark: dict[str, Any]) -> bool:
        """Open the file that is there, cut it back to `mark` and go on. False if it is not what was written then."""
        return self._file.resume(mark)

    def mark(self) -> tuple[dict[str, Any], int]:
        """Where the file can be cut, and how many of the lines written since it was opened are not before that."""
        return self._file.mark()

    def flush(self, sync: bool) -> None:
        """Write what waits in memory; with `sync` the file survives a loss of power from here on."""
        self._file.flush(sync)

    def close(self) -> None:
        """Write what waits, and close the file. May be called twice, and for a file that was never opened."""
        self._file.close()

    def abandon(self) -> None:
        """As `close`: a file is complete at any time."""
        self.close()

    def notes(self) -> list[str]:
        """Nothing to say."""
        return []

"""What all formats share: the protocol `Exporter`, all but `write`, on a file that may be compressed."""

from __future__ import annotations

from typing import Any

from crawler.export.file import File
from crawler.export.gzip import GzipFile


class FileExporter:
    """Base of the exporters of one file at `path`; a format adds `write`. What fails raises `OutputError`.

    `path` `-` is standard output, which cannot be cut: resumed it goes on after the last mark, so what was written
    after that mark comes a second time.
    """

    TAIL = b""  # what stands after the last record

    def __init__(self, path: str, compressed: bool = False) -> None:
        self.path = path
        self._file = (GzipFile if compressed else File)(path, self.TAIL)

    def open(self) -> None:
        """Create the file, replacing an old one. Its folder has to exist."""
        self._file.open()

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

    def notes(self) -> list[str]:
        """Nothing to say."""
        return []

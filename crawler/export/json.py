"""A JSON array (RFC 8259) with one item per line."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.errors import OutputError
from crawler.export.base import FileExporter


class JsonArray(FileExporter):
    """Items as one JSON array. The file is valid JSON after every `write`, so also when the process is killed."""

    TAIL = b"\n]\n"

    def open(self) -> None:
        """Create the file as an empty array, replacing an old one. Raises `OutputError`."""
        super().open()
        if not self._file.cuttable:
            self.close()
            raise OutputError(
                f"cannot write {self.path}: a JSON array needs a regular file, and this is none",
                hint="write .jsonl, or - for JSON Lines on standard output",
            )
        self._file.append(b"[")
        self._file.flush()

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        if lines:
            before = b",\n" if self._file.length > 1 else b"\n"  # 1: only the "[" is there
            self._file.append(before + b",\n".join(lines), len(lines))

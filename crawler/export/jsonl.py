"""JSON Lines: one item per line (https://jsonlines.org). The format of pipes."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.export.base import FileExporter


class Jsonl(FileExporter):
    """Items as lines of JSON, UTF-8; `path` `-` is standard output."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        self._file.append(b"".join([line + b"\n" for line in lines]), len(lines))

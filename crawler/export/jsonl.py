"""JSON Lines: one item per line (https://jsonlines.org). The format of pipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crawler.export.base import FileExporter
from crawler.export.file import File


class Jsonl(FileExporter):
    """Items as lines of JSON, UTF-8; `path` `-` is standard output. `shown` is what lines of JSON go through first."""

    def __init__(
        self,
        path: str,
        kind: type[File] = File,
        append: bool = False,
        shown: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(path, kind, append)
        self._shown = shown

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        if self._shown is not None:
            lines = [self._shown(line.decode()).encode() for line in lines]
        self._file.append(b"".join([line + b"\n" for line in lines]), len(lines))

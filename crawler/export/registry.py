"""Which exporter writes which output: the list of formats, by suffix."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from crawler.errors import UsageError
from crawler.export.csv import Csv
from crawler.export.file import STANDARD_OUTPUT
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl
from crawler.export.text import EXAMPLE, Template
from crawler.protocols import Exporter

FORMATS: dict[str, Callable[[str, bool], Exporter]] = {".jsonl": Jsonl, ".jl": Jsonl, ".json": JsonArray, ".csv": Csv}
GZIP = ".gz"


def has_format(path: str) -> bool:
    """Whether an output is made with the template."""
    return path.lower().removesuffix(GZIP).endswith(".txt")


def check_format(flag: str, outputs: Sequence[str]) -> None:
    """Raises `UsageError` for a template that was given by a flag and is used by none of the outputs."""
    if not any(map(has_format, outputs)):
        raise UsageError(
            f"{flag} is the format of .txt outputs, and there is none", hint="add one: -o out.txt (or out.txt.gz)"
        )


def exporter_for(
    path: str, template: str = "", escape_formulas: bool = False, shown: Callable[[str], str] | None = None
) -> Exporter:
    """The exporter for an output path: by its suffix, JSON Lines for `-` (standard output).

    A `.gz` after the suffix compresses. `template` is the setting `output.format`, used by `.txt` outputs;
    `escape_formulas` is for `.csv`; lines for standard output go through `shown`, if there is one. Raises `UsageError`
    for a suffix that no format has and for a `.txt` without a template. Nothing is opened yet.
    """
    if path == STANDARD_OUTPUT:
        return Jsonl(path, shown=shown)
    root, suffix = os.path.splitext(path)
    compressed = suffix.lower() == GZIP
    inner = os.path.splitext(root)[1] if compressed else suffix
    form = inner.lower()
    if form == ".txt":
        if not template:
            raise UsageError(
                f"{path} needs a format, which says what a line is made of", hint=f"for example: {EXAMPLE}"
            )
        return Template(path, template, compressed)
    if form == ".csv":
        return Csv(path, compressed, escape_formulas)
    if form not in FORMATS:
        told = f"the suffix {inner}{suffix if compressed else ''}" if suffix else "no suffix"
        raise UsageError(
            f"cannot tell the format of the output {path!r} by {told}",
            hint=f"formats are {', '.join([*FORMATS, '.txt'])}, each also with {GZIP} after it; "
            "- writes JSON Lines to standard output",
        )
    return FORMATS[form](path, compressed)

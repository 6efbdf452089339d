"""Which exporter writes which output: the list of formats, by suffix."""

from __future__ import annotations

import os
from collections.abc import Callable

from crawler.errors import UsageError
from crawler.export.base import STANDARD_OUTPUT
from crawler.export.csv import Csv
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl
from crawler.export.text import EXAMPLE, Template
from crawler.protocols import Exporter

FORMATS: dict[str, Callable[[str], Exporter]] = {".jsonl": Jsonl, ".jl": Jsonl, ".json": JsonArray, ".csv": Csv}


def exporter_for(path: str, template: str = "") -> Exporter:
    """The exporter for an output path: by its suffix, JSON Lines for `-` (standard output).

    `template` is the setting `output.format`, used by `.txt` outputs. Raises `UsageError` for a suffix that no
    format has and for a `.txt` without a template. Nothing is opened yet.
    """
    if path == STANDARD_OUTPUT:
        return Jsonl(path)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".txt":
        if not template:
            raise UsageError(
                f"{path} needs a format, which says what a line is made of", hint=f"for example: {EXAMPLE}"
            )
        return Template(path, template)
    if suffix not in FORMATS:
        known = ", ".join([*FORMATS, ".txt"])
        told = f"the suffix {suffix}" if suffix else "no suffix"
        raise UsageError(
            f"cannot tell the format of the output {path!r} by {told}",
            hint=f"formats are {known}; - writes JSON Lines to standard output",
        )
    return FORMATS[suffix](path)

"""Which exporter writes which output: the list of formats, by suffix."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import msgspec

from crawler.errors import UsageError
from crawler.export.base import Inner
from crawler.export.csv import Csv
from crawler.export.file import File
from crawler.export.gzip import GzipFile
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl
from crawler.export.text import EXAMPLE, Template
from crawler.output_name import STANDARD_OUTPUT, masked

TABLE = "items"  # what the table in an SQLite file is called


class Options(msgspec.Struct, frozen=True):
    """What people want of their outputs.

    `template` is the setting `output.format`, used by `.txt`; `escape_formulas` is for `.csv`; lines for standard
    output go through `shown`, if there is one. `fields` are those that are written, in order; `sort` those by which
    items are sorted. `table` is the one in a database whose URL names none; `run` names the run in its rows.
    """

    template: str = ""
    escape_formulas: bool = False
    shown: Callable[[str], str] | None = None
    fields: Sequence[str] = ()
    sort: Sequence[str] = ()
    append: bool = False
    batch_items: int = 0
    table: str = TABLE
    run: str = ""


_Make = Callable[[str, type[File], Options], Inner]


def _jsonl(path: str, kind: type[File], options: Options) -> Inner:
    return Jsonl(path, kind, options.append, options.shown if path == STANDARD_OUTPUT else None)


def _json(path: str, kind: type[File], _options: Options) -> Inner:
    return JsonArray(path, kind)


def _xml(path: str, kind: type[File], _options: Options) -> Inner:
    from crawler.export.xml import Xml  # its patterns take 8 ms to compile

    return Xml(path, kind)


def _csv(path: str, kind: type[File], options: Options) -> Inner:
    return Csv(path, kind, options.append, options.escape_formulas, options.fields)


def _txt(path: str, kind: type[File], options: Options) -> Inner:
    if not options.template:
        raise UsageError(f"{path} needs a format, which says what a line is made of", hint=f"for example: {EXAMPLE}")
    return Template(path, options.template, kind, options.append)


def _sqlite(path: str, _kind: type[File], options: Options) -> Inner:
    from crawler.export.sqlite import Sqlite

    return Sqlite(path, TABLE, options.run, options.fields, options.append)


def _parquet(path: str, _kind: type[File], options: Options) -> Inner:
    from crawler.export.parquet import Parquet

    return Parquet(path, options.fields)


FORMATS: dict[str, _Make] = {
    ".jsonl": _jsonl,
    ".jl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".txt": _txt,
    ".xml": _xml,
    ".sqlite": _sqlite,
    ".db": _sqlite,
    ".parquet": _parquet,
}
_NOT_COMPRESSED = (".sqlite", ".db", ".parquet")
_APPENDABLE = (".jsonl", ".jl", ".csv", ".txt", ".sqlite", ".db")
AT_END = (".parquet",)  # what can only be written whole


def _gzip() -> type[File]:
    return GzipFile


def _zstd() -> type[File]:
    from crawler.export.zstd import ZstdFile

    return ZstdFile


COMPRESSIONS: dict[str, Callable[[], type[File]]] = {".gz": _gzip, ".zst": _zstd}


def parts_of(path: str) -> tuple[str, str]:
    """The suffix that tells the format, and the one of the compression, "" where there is none; in lower case."""
    root, suffix = os.path.splitext(path)
    compression = suffix.lower() if suffix.lower() in COMPRESSIONS else ""
    return (os.path.splitext(root)[1] if compression else suffix).lower(), compression


def has_format(path: str) -> bool:
    """Whether an output is made with the template."""
    return parts_of(path)[0] == ".txt"


def check_format(flag: str, outputs: Sequence[str]) -> None:
    """Raises `UsageError` for a template that was given by a flag and is used by none of the outputs."""
    if not any(map(has_format, outputs)):
        raise UsageError(
            f"{flag} is the format of .txt outputs, and there is none", hint="add one: -o out.txt (or out.txt.gz)"
        )


def exporter_for(path: str, options: Options = Options()) -> Inner:  # noqa: B008, it is frozen
    """The exporter of a local file: by its suffix, JSON Lines for `-` (standard output). Nothing is opened yet.

    A `.gz` or `.zst` after the suffix compresses. Raises `UsageError` for a suffix that no format has, a `.txt` without
    a template, and for a format that cannot be compressed or appended to where that is wanted.
    """
    if path == STANDARD_OUTPUT:
        return _jsonl(path, File, options)
    form, compression = parts_of(path)
    if form not in FORMATS:
        told = f"the suffix {form}{compression}" if form or compression else "no suffix"
        raise UsageError(
            f"cannot tell the format of the output {masked(path)!r} by {told}",
            hint=f"formats are {', '.join(FORMATS)}, most also with {' or '.join(COMPRESSIONS)} after it; "
            "- writes JSON Lines to standard output",
        )
    if compression and form in _NOT_COMPRESSED:
        raise UsageError(f"{path}: {form} is not compressed as a whole", hint=f"leave out {compression}")
    if options.append and form not in _APPENDABLE:
        raise UsageError(
            f"cannot append to {path}: a {form} file is written whole",
            hint=f"formats that can be added to are {', '.join(_APPENDABLE)}",
        )
    return FORMATS[form](path, COMPRESSIONS[compression]() if compression else File, options)

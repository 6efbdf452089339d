"""The outputs of a run, each an exporter with what stands before it: chosen fields, batches, writing at the end.

AtEnd(Fields(Batches(Cloud(Csv))))      each only where it is needed
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec

import msgspec

from crawler.errors import UsageError
from crawler.export.at_end import AtEnd
from crawler.export.base import Inner
from crawler.export.batches import Batches, has_number
from crawler.export.fields import Fields
from crawler.export.registry import AT_END, Options, exporter_for, parts_of
from crawler.file_names import safe_name
from crawler.output_name import STANDARD_OUTPUT, is_url, masked, place_of, resolved
from crawler.protocols import Exporter

ItemsAfter = Callable[[int], Iterator[tuple[int, bytes]]]

# Databases of SQLAlchemy that are not written with a driver (postgresql+psycopg).
_DATABASES = frozenset(
    {"postgresql", "postgres", "mysql", "mariadb", "sqlite", "oracle", "mssql", "cockroachdb", "redshift", "snowflake"}
)
# Addresses that -o takes, and the libraries they need: all of the first group, and one of the second.
_NEEDED = {
    "file": ((), ()),
    "s3": (("s3fs",), ()),
    "gs": (("gcsfs",), ()),
    "az": (("adlfs",), ()),
    "sqlite": (("sqlalchemy",), ()),
    "postgresql": (("sqlalchemy",), ("psycopg", "psycopg2")),
    "mysql": (("sqlalchemy",), ("pymysql", "MySQLdb", "mysql")),
}
_NAME = re.compile(r"%\((\w+)\)(0?\d*[sd])?")


def schemes() -> list[str]:
    """What URLs of outputs can begin with, as far as the libraries for them are installed: "file", "s3", ..."""
    return [
        scheme
        for scheme, (every, one) in _NEEDED.items()
        if all(map(find_spec, every)) and (not one or any(map(find_spec, one)))
    ]


def named(output: str, spider: str, now: float | None = None) -> str:
    """An output with `%(spider)s` and `%(time)s` (UTC, when it begins) filled in; `%(batch)03d` stays for the batches.

    Raises `UsageError` for other names.
    """
    began = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(now))
    values = {"spider": safe_name(spider), "time": began}

    def value(found: re.Match[str]) -> str:
        name, form = found[1], found[2]
        if name == "batch" and form is not None and form.endswith("d"):
            return found[0]
        if name in values and form == "s":
            return values[name]
        raise UsageError(
            f"the output {masked(output)}: {found[0]} is nothing that can be filled in",
            hint="there are %(spider)s, %(time)s and, with --batch-items N, %(batch)03d",
        )

    return _NAME.sub(value, output)


def exporters(outputs: Sequence[str], options: Options, items_after: ItemsAfter) -> list[Exporter]:
    """The exporters of all outputs, none opened. `items_after` gives items of the run with a number above one.

    Raises `UsageError` for one that cannot be written as it is asked for, and for two that are the same.
    """
    check_outputs(outputs, options)
    return [_exporter(resolved(output), options, items_after) for output in outputs]


def check_outputs(outputs: Sequence[str], options: Options) -> None:
    """Raise `UsageError` for outputs that do not go together, or with the options."""
    places = [
        place_of(output) if is_url(output) or output == STANDARD_OUTPUT else os.path.realpath(output)
        for output in map(_named_by_path, outputs)
    ]
    for output, place in zip(outputs, places, strict=True):
        if places.count(place) > 1:
            raise UsageError(f"the output {masked(output)} is named twice")
    numbered = [output for output in outputs if has_number(output)]
    if numbered and not options.batch_items:
        raise UsageError(
            f"the output {masked(numbered[0])} has the place of a number, and there are no batches",
            hint="say how many items a file takes: --batch-items 1000",
        )
    if options.batch_items and outputs and not numbered:
        raise UsageError(
            "--batch-items needs an output with the place of a number", hint="such as -o 'part-%(batch)03d.jsonl'"
        )
    if options.append and (numbered or options.sort):
        told = f"the output {masked(numbered[0])}: batches are" if numbered else "what is sorted is"
        raise UsageError(f"{told} written whole, and cannot be appended", hint="leave out --append")


def _named_by_path(output: str) -> str:
    return output if output.startswith("env:") else resolved(output)


def _exporter(output: str, options: Options, items_after: ItemsAfter) -> Exporter:
    is_remote = is_url(output) and not _is_database(output)
    if options.append and is_remote:
        raise UsageError(
            f"cannot append to {masked(output)}: it is written whole, in one upload", hint="leave out --append"
        )
    inner: Inner
    if has_number(output):
        inner = Batches(output, options.batch_items, lambda name: _file(name, options))
    else:
        inner = _file(output, options)
    if options.fields:
        inner = Fields(inner, options.fields)
    if options.sort or is_remote or parts_of(output)[0] in AT_END:
        return AtEnd(inner, items_after, options.sort)
    return inner


def _file(output: str, options: Options) -> Inner:
    if not is_url(output):
        return exporter_for(output, options)
    if _is_database(output):
        from crawler.export.sql import Sql

        return Sql(output, options.table, options.run, options.fields, options.append)
    from crawler.export.cloud import Cloud

    local = msgspec.structs.replace(options, append=False)
    exporter_for(os.path.basename(masked(output)), local)  # a suffix that no format has is told now
    return Cloud(output, lambda path: exporter_for(path, local))


def _is_database(output: str) -> bool:
    scheme = output.partition("://")[0].lower()
    return is_url(output) and ("+" in scheme or scheme in _DATABASES or scheme in _installed_databases())


def _installed_databases() -> set[str]:
    """What else has a dialect for SQLAlchemy: duckdb, clickhouse, ..."""
    return {entry.name.partition(".")[0] for entry in entry_points(group="sqlalchemy.dialects")}

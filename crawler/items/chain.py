"""The way of an item: its fields, where it comes from, one line of JSON, then every output.

The line of JSON is what outputs are given, so that all formats show the same values and no item is encoded twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from crawler.errors import OutputError
from crawler.item import as_dict, to_json
from crawler.protocols import Exporter
from crawler.request import Request


class Stored(msgspec.Struct, frozen=True):
    """What became of the items of one page: how many go to the outputs, and why the others do not."""

    count: int
    errors: tuple[str, ...] = ()


class Chain:
    """Takes the items of pages and gives them to `exporters`, in batches.

    - `meta`: add `_url` and `_fetched` to each item (its own field of that name wins).
    - `keep`: also collect the items as dicts in `kept`.
    """

    def __init__(self, exporters: Sequence[Exporter], meta: bool, keep: bool = False) -> None:
        self.kept: list[dict[str, Any]] = []
        self._exporters = tuple(exporters)
        self._meta = meta
        self._keep = keep
        self._lines: list[bytes] = []

    def open(self) -> None:
        """Open all outputs. If one cannot be opened, the others are closed again and `OutputError` is raised."""
        try:
            for exporter in self._exporters:
                exporter.open()
        except OutputError:
            with contextlib.suppress(OutputError):
                self.close()
            raise

    def store(self, items: Sequence[Any], request: Request, url: str, fetched: str) -> Stored:
        """Take the items that the callback of `request` yielded for the page `url`, fetched at `fetched` (ISO, UTC).

        An item that cannot be written is left out and described in the answer; the others go on.
        """
        lines, errors = self._lines, []
        before = len(lines)
        for item in items:
            try:
                fields = as_dict(item)
                if self._meta:
                    fields.setdefault("_url", url)
                    fields.setdefault("_fetched", fetched)
                lines.append(to_json(fields))
            except Exception as error:  # encoding runs code of the item's own class, which may raise anything
                errors.append(f"{_place(item)} from {request.callback or 'parse'}: {error or type(error).__name__}")
                continue
            if self._keep:
                self.kept.append(fields)
        return Stored(len(lines) - before, tuple(errors))

    def commit(self) -> None:
        """Write what was stored since the last commit, one `write` per output.

        An output that fails does not keep the items from the others; then the first error is raised.
        """
        lines, self._lines = self._lines, []
        if lines:
            self._for_each(lambda exporter: exporter.write(lines))

    def close(self) -> None:
        """Commit, and close all outputs, also if one of them fails; then the first error is raised."""
        try:
            self.commit()
        finally:
            self._for_each(lambda exporter: exporter.close())

    def _for_each(self, act: Callable[[Exporter], None]) -> None:
        errors = []
        for exporter in self._exporters:
            try:
                act(exporter)
            except OutputError as error:
                errors.append(error)
        if errors:
            raise errors[0]


def _place(item: Any) -> str:
    """The type of an item and, where one is at fault, the field: "Film.cover"."""
    name = type(item).__name__
    try:
        fields = as_dict(item)
    except Exception:
        return name
    for field, value in fields.items():
        try:
            to_json({field: value})
        except Exception:
            return f"{name}.{field}"
    return name

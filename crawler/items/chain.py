"""The way of an item: its fields, where it comes from, one line of JSON, then every output.

The line of JSON is what the ledger keeps and outputs are given, so that all formats show the same values and no
item is encoded twice. Outputs follow the ledger: they are given what is committed there, by the items' numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from crawler.digest import digest_of
from crawler.errors import OutputError
from crawler.item import as_dict, to_json
from crawler.output_name import place_of
from crawler.protocols import Exporter
from crawler.request import Request

Mark = dict[str, Any]
ItemsAfter = Callable[[int], Iterator[tuple[int, bytes]]]

_BATCH = 1000


class Stored(msgspec.Struct, frozen=True):
    """What became of the items of one page: the lines of JSON, and why the other items have none.

    `digests` are those of all that can be written, also of those that are known and left out; 8 bytes each. So are
    `keys`: what no other item may have from now on.
    """

    lines: tuple[bytes, ...] = ()
    errors: tuple[str, ...] = ()
    digests: bytes = b""
    keys: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self.lines)


class _Output:
    """An exporter, and the number of the last item it was given."""

    def __init__(self, exporter: Exporter) -> None:
        self.exporter = exporter
        self.place = _place_of(exporter)  # now, as a spider may change the working folder
        self.item = 0
        self.has_gap = False  # items were not written, so what comes after them must not be written either

    def write(self, lines: Sequence[bytes], last_item: int) -> None:
        self.exporter.write(lines)
        self.item = last_item
        self.has_gap = False


class Chain:
    """Takes the items of pages and gives them to `exporters`, in batches.

    - `meta`: add `_url` and `_fetched` to each item (its own field of that name wins).
    - `keep`: also collect the items as dicts in `kept`.

    An output that fails does not keep the items from the others; it is given no more of them, so its mark stays
    where it is good. Then the first error is raised.
    """

    def __init__(self, exporters: Sequence[Exporter], meta: bool, keep: bool = False) -> None:
        self.kept: list[dict[str, Any]] = []
        self._outputs = [_Output(exporter) for exporter in exporters]
        self._meta = meta
        self._keep = keep

    def open(self, marks: Mapping[str, tuple[Mark, int]] | None = None, items_after: ItemsAfter | None = None) -> None:
        """Open all outputs: as new ones, or for a resumed run where `marks` says that each was valid.

        `marks` gives by path what `marks()` gave; `items_after(item)` the items with a higher number, which are
        written now. A file that is not what it was at its mark is written whole. If one cannot be opened, all are
        closed again and `OutputError` is raised.
        """
        try:
            for output in self._outputs:
                mark, item = (marks or {}).get(output.place, (None, 0))
                if mark is not None and output.exporter.resume(mark):
                    output.item = item
                else:
                    output.exporter.open()
            if items_after is not None:
                for output in self._outputs:
                    items = items_after(output.item)
                    while batch := list(islice(items, _BATCH)):
                        output.write([line for _, line in batch], batch[-1][0])
        except BaseException:
            with suppress(OutputError):
                self.close()
            raise

    def store(
        self,
        items: Sequence[Any],
        request: Request,
        url: str,
        fetched: str,
        known: Container[int] = (),
        keys: Sequence[tuple[int, ...]] = (),
    ) -> Stored:
        """What the callback of `request` yielded for the page `url`, fetched at `fetched` (ISO, UTC), as lines of JSON.

        An item that cannot be written is left out and described in the answer; the others go on. Those whose digest is
        `known` are left out as well. `keys` are those of each item, if it has any.
        """
        lines, errors, digests = [], [], []
        taken: list[int] = []
        for number, item in enumerate(items):
            try:
                fields = as_dict(item)
                line = to_json(fields)
                digest = digest_of(line)  # of the item alone: when it was fetched makes it no other one
                if digest not in known and self._meta:
                    fields.setdefault("_url", url)
                    fields.setdefault("_fetched", fetched)
                    line = to_json(fields)
            except Exception as error:  # encoding runs code of the item's own class, which may raise anything
                errors.append(f"{_place(item)} from {request.callback or 'parse'}: {error or type(error).__name__}")
                continue
            digests.append(digest)
            if keys:
                taken += keys[number]
            if digest in known:
                continue
            lines.append(line)
            if self._keep:
                self.kept.append(fields)
        return Stored(tuple(lines), tuple(errors), struct.pack(f"<{len(digests)}q", *digests), tuple(taken))

    def write(self, lines: Sequence[bytes], last_item: int) -> None:
        """Give the next items to all outputs, one `write` each. Their numbers follow each other up to `last_item`."""
        if lines:
            outputs = [output for output in self._outputs if not output.has_gap]
            for output in outputs:
                output.has_gap = True  # until it has these lines
            _for_each(outputs, lambda output: output.write(lines, last_item))

    def marks(self) -> list[tuple[str, Mark, int]]:
        """For each output its path, where its file can be cut, and the number of the last item before that place."""
        marks = []
        for output in self._outputs:
            mark, behind = output.exporter.mark()
            marks.append((output.place, mark, output.item - behind))
        return marks

    def flush(self, sync: bool) -> None:
        """Write what outputs keep in memory; with `sync` the files survive a loss of power up to here."""
        _for_each(self._outputs, lambda output: output.exporter.flush(sync))

    def close(self) -> None:
        """Complete and close all outputs, also if one of them fails. `marks` can still be asked."""
        _for_each(self._outputs, lambda output: output.exporter.close())

    def notes(self) -> list[str]:
        """What people should know of the outputs, once they are complete."""
        return [note for output in self._outputs for note in output.exporter.notes()]


def _for_each(outputs: Sequence[_Output], act: Callable[[_Output], None]) -> None:
    errors = []
    for output in outputs:
        try:
            act(output)
        except OutputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _place_of(exporter: Exporter) -> str:
    """What the marks of an output are kept under: the same from whatever folder a run is resumed."""
    return place_of(exporter.path)


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

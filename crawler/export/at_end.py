"""An output that is written whole when a run ends, from the items in its ledger: what is sorted or cannot be cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from crawler.export.base import Inner
from crawler.export.file import output_error
from crawler.export.sort import in_order

ItemsAfter = Callable[[int], Iterator[tuple[int, bytes]]]

_BATCH = 1000


class AtEnd:
    """`inner`, written by `close` with all items that `items_after` gives, in the order of the fields `sort`.

    It is opened at the start all the same: what cannot be written is told before anything is fetched, and nobody else
    writes it meanwhile. A resumed run has nothing to go on with, and writes all of it as well.
    """

    def __init__(self, inner: Inner, items_after: ItemsAfter, sort: Sequence[str] = ()) -> None:
        self.path = inner.path
        self._inner = inner
        self._items_after = items_after
        self._sort = sort
        self._is_open = False

    def open(self) -> None:
        """Look whether it can be written. Raises `OutputError`."""
        self._inner.open()
        self._is_open = True

    def resume(self, mark: dict[str, Any]) -> bool:
        """As `open`."""
        self.open()
        return True

    def write(self, lines: Sequence[bytes]) -> None:
        """Nothing, as the ledger has them."""

    def mark(self) -> tuple[dict[str, Any], int]:
        """Nothing that can be cut, and nothing that has to be written again."""
        return {}, 0

    def flush(self, sync: bool) -> None:
        """Nothing."""

    def close(self) -> None:
        """Write all items. Raises `OutputError`."""
        if not self._is_open:
            return
        self._is_open = False
        lines: Iterator[bytes] = (line for _, line in self._items_after(0))
        if self._sort:
            lines = in_order(lines, self._sort)
        try:
            while batch := list(islice(lines, _BATCH)):
                self._inner.write(batch)
        except BaseException as error:
            self._inner.abandon()
            if isinstance(error, OSError):  # of what is sorted in temporary files
                raise output_error(self.path, error) from error
            raise
        self._inner.close()

    def notes(self) -> list[str]:
        """Those of the output."""
        return self._inner.notes()

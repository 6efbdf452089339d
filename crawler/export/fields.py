"""Some of the fields of items, in an order: what `--fields a,b` writes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import msgspec

from crawler.export.base import Inner

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Fields:
    """Hands `inner` items that have no other fields than these, in this order; what an item does not have it lacks."""

    def __init__(self, inner: Inner, fields: Sequence[str]) -> None:
        self.path = inner.path
        self._inner = inner
        self._fields = tuple(dict.fromkeys(fields))
        self._wanted = set(self._fields)  # those that no item had yet
        self._names: dict[str, None] = {}  # fields of the first items, while there are such

    def open(self) -> None:
        """As the output."""
        self._inner.open()

    def resume(self, mark: dict[str, Any]) -> bool:
        """As the output. The items before the mark are not seen again, so nothing can be said of all of them."""
        is_resumed = self._inner.resume(mark)
        if is_resumed:
            self._wanted.clear()
        return is_resumed

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        chosen = []
        for line in lines:
            item = _decode(line)
            if self._wanted:
                self._wanted.difference_update(item)
                self._names.update(dict.fromkeys(item))
            chosen.append(_encode({name: item[name] for name in self._fields if name in item}))
        self._inner.write(chosen)

    def mark(self) -> tuple[dict[str, Any], int]:
        """As the output."""
        return self._inner.mark()

    def flush(self, sync: bool) -> None:
        """As the output."""
        self._inner.flush(sync)

    def close(self) -> None:
        """As the output."""
        self._inner.close()

    def abandon(self) -> None:
        """As the output."""
        self._inner.abandon()

    def notes(self) -> list[str]:
        """Those of the output, and the fields that no item had, if there were items."""
        notes = self._inner.notes()
        for name in [name for name in self._fields if name in self._wanted and self._names]:
            close = difflib.get_close_matches(name, self._names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"fields are {', '.join(self._names)}"
            notes.append(f"{self.path}: no item has the field {name} of --fields; {hint}")
        return notes

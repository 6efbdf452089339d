"""No two items of a spider with the same key: how keys are made, and which of them are taken.

Keys of stored items are in the ledger, written in one transaction with the items, so they survive what those survive.
Here are only the keys of items on their way there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from crawler.item import DropItem, to_json


class Dedupe:
    """A pipeline that drops items whose fields `fields` all have the values of an item that is stored already.

    ```python
    pipelines = [Normalise, Dedupe("site", "id")]
    ```

    It compares what the item is when it comes here; `unique_by = ("site", "id")` on the spider does so last of all. An
    item with None in one of the fields is equal to no other one. Raises `LookupError` for an item without the field.
    """

    def __init__(self, *fields: str) -> None:
        if not fields or not all(isinstance(field, str) and field for field in fields):
            raise TypeError('Dedupe needs the names of fields: Dedupe("url")')
        self.fields = fields

    def __repr__(self) -> str:
        return f"Dedupe({', '.join(map(repr, self.fields))})"

    def key_of(self, item: Any, salt: int, may_lack: bool = False) -> int | None:
        """The key of an item as a signed number of 8 bytes; None if it has none. An object `may_lack` a field.

        Numbers and texts are different ("1" and 1). With another `salt` the same item has another key. Raises
        `TypeError` for values that JSON cannot hold.
        """
        if isinstance(item, Mapping):
            lacking = [field for field in self.fields if field not in item]
            values = [item.get(field) for field in self.fields]
        else:
            lacking = [] if may_lack else [field for field in self.fields if not hasattr(item, field)]
            values = [getattr(item, field, None) for field in self.fields]
        if lacking:
            raise LookupError(
                f"the item has no field {lacking[0]!r}, and {' + '.join(self.fields)} tells it from others"
            )
        if any(value is None or value != value for value in values):  # not a number is equal to nothing, too
            return None
        digest = blake2b(to_json([salt, self.fields, values]), digest_size=8).digest()
        return int.from_bytes(digest, "little", signed=True)


class Unique:
    """A `Dedupe` at its place among the pipelines of a spider: lets through what has a key that is not taken."""

    def __init__(self, dedupe: Dedupe, taken: Taken, occurrence: int, may_lack: bool = False) -> None:
        self._may_lack = may_lack  # of several classes that are declared, one may have no such field
        self.name = repr(dedupe)
        self.fields = dedupe.fields
        self._dedupe = dedupe
        self._taken = taken
        self._occurrence = occurrence  # among those of the same fields

    def send(self, item: Any, _: Any, keys: list[int]) -> Any:
        # Equal when the run is resumed, wherever in the list it stands then.
        key = self._dedupe.key_of(item, self._taken.spider + (self._occurrence << 32), self._may_lack)
        if key is not None and not self._taken.take(key, keys):
            raise DropItem(f"duplicate {' + '.join(self.fields)}")
        return item


class Taken:
    """The keys that are taken in a run, by items of the spider with the number `spider`."""

    def __init__(self) -> None:
        self.spider = 0
        self._is_stored: Callable[[int], bool] = lambda _: False
        self._on_their_way: set[int] = set()

    def begin(self, spider: int, is_stored: Callable[[int], bool]) -> None:
        """A run begins or goes on, of which `is_stored` knows the keys of stored items."""
        self.spider = spider
        self._is_stored = is_stored
        self._on_their_way.clear()

    def take(self, key: int, keys: list[int]) -> bool:
        """Take a key and add it to `keys`; False if it is taken."""
        if key in self._on_their_way or self._is_stored(key):
            return False
        keys.append(key)  # first: whoever cuts this short finds all of them there
        self._on_their_way.add(key)
        return True

    def forget(self, keys: Iterable[int]) -> None:
        """These items have arrived, or never will."""
        self._on_their_way.difference_update(keys)

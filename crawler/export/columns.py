"""Names of columns in a database: no two that differ in case only, none that is reserved, none too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RUN, ITEM = "_run", "_item"  # the columns that say where a row comes from: which run, and its number in there


class Columns:
    """The column of each field: `of`.

    `there` are those that the table has already, of whatever run, with those of its key. `most` is how many bytes a
    name may have, 0 = any number.
    """

    def __init__(self, there: Iterable[str] = (), of: Mapping[str, str] | None = None, most: int = 0) -> None:
        self.of = dict(of or {})
        self._there = set(there) - {RUN, ITEM}
        self._taken = {name.lower() for name in (RUN, ITEM, *self._there)}
        self._most = most

    def copy(self) -> Columns:
        """Another one that knows the same."""
        other = Columns(self._there, self.of, self._most)
        other._taken = set(self._taken)
        return other

    def add(self, field: str) -> bool:
        """Give a field a column, that of its own name if it is there. Whether the table has to get a new one."""
        if field in self._there and field not in self.of.values():
            self.of[field] = field
            return False
        stem = field.replace("\0", "") or "_"
        name, number = self._cut(stem, ""), 1
        while name.lower() in self._taken:
            number += 1
            name = self._cut(stem, f"_{number}")
        self.of[field] = name
        self._taken.add(name.lower())
        return True

    def _cut(self, stem: str, end: str) -> str:
        if not self._most:
            return stem + end
        return stem.encode()[: self._most - len(end)].decode(errors="ignore") + end

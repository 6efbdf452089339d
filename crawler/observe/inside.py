"""Fields that stand inside a field of an item: "film.title" of a dict, "offers[].price" of the dicts of a list.

Such a name is taken apart at its dots, so a key with one in it is not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from crawler.item import as_dict, is_item
from crawler.observe.events import PageYielded

MOST_LEVELS = 2
_ELEMENTS_READ = 20  # of a list
_NOTHING: Mapping[str, Any] = {}
_SIMPLE = frozenset({str, int, float, bool, bytes, type(None)})

Path = tuple[tuple[str, bool], ...]  # keys from the item inwards, and whether a list stands there
Kept = TypeVar("Kept")


class Place(Generic[Kept]):
    """Where dicts or items stand in an item: "film", "offers[]", "offers[].seller".

    `fields`: by key, what is kept for each of their fields. `rare`: keys that mostly have nothing, which are looked for
    in the first items only. `is_there`: whether the last page had any of them; one without says nothing about their
    fields. `is_full`: no further field is kept. `last`: the last page that had some.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.field = name.removesuffix("[]")
        self.fields: dict[str, Kept] = {}
        self.rare: set[str] = set()
        self.is_there = self.is_full = False
        self.last: PageYielded | None = None
        self._path = path_of(name)

    def records(self, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The fields of each of them; an element of a list that has none is an empty one."""
        found = [item]
        for key, is_list in self._path:
            deeper: list[Mapping[str, Any]] = []
            for one in found:
                value = one.get(key)
                if type(value) is dict:
                    if value and not is_list:
                        deeper.append(value)
                elif is_list:
                    if type(value) is list or type(value) is tuple:
                        deeper += [_fields_of(element) or _NOTHING for element in value[:_ELEMENTS_READ]]
                elif value and (fields := _fields_of(value)):
                    deeper.append(fields)
            found = deeper
        return found

    def empty(self, items: Iterable[Mapping[str, Any]]) -> set[str]:
        """The keys in which none of the items has anything, and whether any of them `is_there`."""
        left = set(self.fields)
        self.is_there = False
        for item in items:
            for record in self.records(item):
                self.is_there = True
                left.difference_update([key for key, value in record.items() if value or value == 0])
            if self.is_there and left <= self.rare:
                break
        return left

    def sample(self, records: list[Mapping[str, Any]], turn: int, empty: set[str]) -> dict[str, Any]:
        """A value of each field, by key: from the one of the records whose turn it is, or from those after it."""
        found: dict[str, Any] = {}
        for number in range(len(records)):
            for key, value in records[(turn + number) % len(records)].items():
                if (value or value == 0) and key in self.fields:
                    found.setdefault(key, value)
            if len(found) >= len(self.fields) - len(empty):
                break
        return found


def place_in(name: str, value: Any) -> str:
    """The name of the place that a field's value is, "" if it is none or too deep."""
    if type(value) in _SIMPLE or name.count(".") >= MOST_LEVELS:
        return ""
    if type(value) is list or type(value) is tuple:
        return f"{name}[]" if any(_fields_of(element) for element in value[:_ELEMENTS_READ]) else ""
    return name if _fields_of(value) else ""


def is_plain(key: Any) -> bool:
    """Whether a key can be part of such a name."""
    return type(key) is str and "." not in key and "[" not in key


def path_of(name: str) -> Path:
    return tuple((key.removesuffix("[]"), key.endswith("[]")) for key in name.split("."))


def values_at(item: Mapping[str, Any], path: Path) -> list[Any]:
    """All that stands at a path, whatever it is."""
    found: list[Any] = [item]
    for key, is_list in path:
        deeper = []
        for one in found:
            value = (_fields_of(one) or _NOTHING).get(key)
            if not is_list:
                deeper.append(value)
            elif type(value) is list or type(value) is tuple:
                deeper += value
        found = deeper
    return found


def _fields_of(value: Any) -> Mapping[str, Any] | None:
    kind = type(value)
    if kind is dict:
        return value  # type: ignore[no-any-return]
    if kind in _SIMPLE:
        return None
    if isinstance(value, dict):
        return value
    return as_dict(value) if is_item(value) else None

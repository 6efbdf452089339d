"""Where the answers of archives are, by what was asked for. 28 bytes each, 100 more while it is being built.

Bodies stay in their files. Answers to the same question stand in the order they were given.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

_OFFSET = 48  # bits of a place that say where in its file; those above say in which


class Index:
    """`add` everything, then `finish`, then ask."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._places = array("Q")
        self._tries = array("Q")
        self._given = array("I")  # how often was asked, at the first answer of each key

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, file: int, offset: int, try_: int = 0) -> int:
        """An answer; its number until `finish`. `try_`: which try it was of what, 0 = nobody knows."""
        self._keys.append(key)
        self._places.append(file << _OFFSET | offset)
        self._tries.append(try_)
        return len(self._keys) - 1

    def change(self, number: int, key: int, try_: int) -> None:
        """More has become known about an answer."""
        self._keys[number] = key
        self._tries[number] = try_

    def finish(self) -> None:
        """Sort. Of several answers to one try, of which only the last was stored by its crawl, that one stays."""
        keys, tries, places = self._keys, self._tries, self._places
        order = sorted(range(len(keys)), key=keys.__getitem__)  # keeps the order of equal ones
        self._keys, self._tries, self._places = array("Q"), array("Q"), array("Q")
        of_key: dict[int, int] = {}  # the answers to the same key, by try
        for number in order:
            key, try_ = keys[number], tries[number]
            if not self._keys or self._keys[-1] != key:
                of_key.clear()
            if try_ and (known := of_key.setdefault(try_, len(self._keys))) < len(self._keys):
                self._places[known] = places[number]
                continue
            self._keys.append(key)
            self._tries.append(try_)
            self._places.append(places[number])
        self._given = array("I", bytes(4 * len(self._keys)))

    def next(self, key: int, least: int = 0) -> tuple[int, int] | None:
        """File and offset of the next answer to a key, at least the one that has the number `least` among them.

        None if there is none, or all were given.
        """
        first = bisect_left(self._keys, key)
        if first == len(self._keys) or self._keys[first] != key:
            return None
        number = max(self._given[first], least)
        place = first + number
        if place >= len(self._keys) or self._keys[place] != key:
            return None
        self._given[first] = number + 1
        return self._place(place)

    def of_try(self, key: int, try_: int) -> tuple[int, int] | None:
        """File and offset of the answer to one try."""
        for number in self._with(key):
            if self._tries[number] == try_:
                return self._place(number)
        return None

    def count(self, key: int) -> int:
        """How many answers there are to a key."""
        return sum(1 for _ in self._with(key))

    def first(self, key: int) -> tuple[int, int] | None:
        """File and offset of the first answer to a key, however often was asked."""
        number = next(self._with(key), None)
        return None if number is None else self._place(number)

    def _with(self, key: int) -> Iterator[int]:
        number = bisect_left(self._keys, key)
        while number < len(self._keys) and self._keys[number] == key:
            yield number
            number += 1

    def _place(self, number: int) -> tuple[int, int]:
        return self._places[number] >> _OFFSET, self._places[number] & ((1 << _OFFSET) - 1)

"""Where the answers of archives are, by what was asked for. 40 bytes each, 100 more while it is being built.

Bodies stay in their files. Answers to the same question stand in the order they were given. Each answer has a rank, its
place among all of them, and a group: those of one group can be given at once.
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
        self._tries = array("Q")
        self._ranks = array("Q")
        self._places = array("Q")  # by rank
        self._reports = array("I")  # by rank; 0 = nobody knows
        self._groups = array("I")  # by rank
        self._moves: set[int] = set()  # ranks
        self._given = array("I")  # how often was asked, at the first answer of each key

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, file: int, offset: int, try_: int = 0) -> int:
        """An answer; its number until `finish`. `try_`: which try it was of what, 0 = nobody knows."""
        self._keys.append(key)
        self._places.append(file << _OFFSET | offset)
        self._tries.append(try_)
        self._reports.append(0)
        return len(self._keys) - 1

    def change(self, number: int, key: int, try_: int) -> None:
        """More has become known about an answer."""
        self._keys[number] = key
        self._tries[number] = try_

    def came(self, number: int, report: int, moves: bool) -> None:
        """With which report an answer came, and whether it leads to another URL."""
        self._reports[number] = report
        if moves:
            self._moves.add(number)

    def group(self, rank: int) -> int:
        """Answers follow each other at once where the group is the same.

        Its crawl has judged all answers of a report before it read their pages. So who leads to another URL found it
        before those pages did, and after the pages of all reports before: there a group begins.
        """
        return self._groups[rank]

    def finish(self) -> None:
        """Sort. Of several answers to one try, of which only the last was stored by its crawl, that one stays."""
        self._group()
        keys, tries = self._keys, self._tries
        order = sorted(range(len(keys)), key=keys.__getitem__)  # keeps the order of equal ones
        self._keys, self._tries, self._ranks = array("Q"), array("Q"), array("Q")
        of_key: dict[int, int] = {}  # the answers to the same key, by try
        for rank in order:
            key, try_ = keys[rank], tries[rank]
            if not self._keys or self._keys[-1] != key:
                of_key.clear()
            if try_ and (known := of_key.setdefault(try_, len(self._keys))) < len(self._keys):
                self._ranks[known] = rank
                continue
            self._keys.append(key)
            self._tries.append(try_)
            self._ranks.append(rank)
        self._given = array("I", bytes(4 * len(self._keys)))

    def peek(self, key: int, least: int = 0) -> int | None:
        """The rank of the next answer to a key, at least the one that has the number `least` among them.

        None if there is none, or all were given.
        """
        number = self._next(key, least)
        return None if number is None else self._ranks[number]

    def next(self, key: int, least: int = 0) -> tuple[int, int] | None:
        """File and offset of that answer, which counts as given from now on."""
        number = self._next(key, least)
        if number is None:
            return None
        first = bisect_left(self._keys, key)
        self._given[first] = number - first + 1
        return self._place(number)

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

    def _group(self) -> None:
        group = begin = 0
        reports = self._reports
        for rank in range(1, len(reports) + 1):
            if rank < len(reports) and reports[rank] == reports[begin]:
                continue
            if reports[begin] and any(one in self._moves for one in range(begin, rank)):
                group += 1
            self._groups.extend([group] * (rank - begin))
            begin = rank
        self._reports = array("I")
        self._moves.clear()

    def _with(self, key: int) -> Iterator[int]:
        number = bisect_left(self._keys, key)
        while number < len(self._keys) and self._keys[number] == key:
            yield number
            number += 1

    def _next(self, key: int, least: int) -> int | None:
        first = bisect_left(self._keys, key)
        if first == len(self._keys) or self._keys[first] != key:
            return None
        number = first + max(self._given[first], least)
        return number if number < len(self._keys) and self._keys[number] == key else None

    def _place(self, number: int) -> tuple[int, int]:
        place = self._places[self._ranks[number]]
        return place >> _OFFSET, place & ((1 << _OFFSET) - 1)

"""Which new item is an old one that has changed: the one that has most of its fields as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

_MOST = 40_000  # pairs that are compared; where there are more, items belong together as they follow each other

_Line = bytes


def pairs_of(old: Sequence[_Line], new: Sequence[_Line]) -> list[tuple[_Line, _Line]]:
    """Pairs of lines of JSON, in the order of the new ones; each is in one pair at most.

    Items of which nothing is the same belong together only if they have the same fields.
    """
    if len(old) * len(new) > _MOST:
        return list(zip(old, new, strict=False))
    before = [_fields(line) for line in old]
    after = [_fields(line) for line in new]
    alike = sorted(
        (-_same(one, other), abs(at - position), position, at)
        for at, one in enumerate(before)
        for position, other in enumerate(after)
    )
    partner: dict[int, int] = {}  # position of the new one -> of the old one
    taken: set[int] = set()
    for score, _, position, at in alike:
        if position in partner or at in taken or not (score or before[at].keys() == after[position].keys()):
            continue
        partner[position] = at
        taken.add(at)
    return [(old[at], new[position]) for position, at in sorted(partner.items())]


def _fields(line: _Line) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(line)
    return fields


def _same(one: dict[str, Any], other: dict[str, Any]) -> int:
    return sum(1 for name, value in one.items() if name in other and other[name] == value)

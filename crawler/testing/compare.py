"""The difference between what a page is expected to give and what it gives, as lines that a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

import msgspec

from crawler.observe.plain import json_line, plain
from crawler.testing.cases import Case
from crawler.testing.reading import Given

Record = dict[str, Any]

_MOST = 3  # items or requests with one kind of difference that are shown
_LONGEST = 110  # characters of a value
_BEFORE = 20  # of them, what is shown before the place where two long values begin to differ
_MOST_PAIRS = 100_000  # pairs of items that are compared; of more, those in the same place are paired
_NONE: Any = object()


class Line(NamedTuple):
    """`sign`: "-" what is expected, "+" what is given, " " where that is, or more about it."""

    sign: Literal["-", "+", " "]
    text: str


def differences(case: Case, given: Given) -> list[Line]:
    """The lines that tell them apart; none where they are the same."""
    lines: list[Line] = []
    if case.error != given.error:
        lines += [Line("-", f"error: {case.error}")] if case.error else []
        where = f" at {given.where[0]}" if given.error and given.where and given.where[0] else ""
        lines += [Line("+", f"error: {given.error}{where}")] if given.error else []
    expected = [{key: value for key, value in item.items() if key not in case.ignore} for item in case.items]
    now = [{key: value for key, value in item.items() if key not in case.ignore} for item in given.items]
    if given.error:
        if expected and case.error != given.error:
            lines.append(Line("-", _count(len(expected), "item")))
        if case.requests and case.error != given.error:
            lines.append(Line("-", _count(len(case.requests), "request")))
        return lines
    lines += _records("item", expected, now)
    lines += _errors(case.item_errors, given.item_errors, given.where)
    lines += _records(
        "request", [one.as_record() for one in case.requests], [one.as_record() for one in given.requests]
    )
    return lines


def _records(what: str, expected: Sequence[Record], now: Sequence[Record]) -> Iterator[Line]:
    pairs = list(_pairs(expected, now))
    both = [(old, new) for old, new in pairs if old is not None and new is not None]
    changed = [(old, new) for old, new in both if _is_other(expected[old], now[new])]
    missing = [old for old, new in pairs if old is not None and new is None]
    extra = [new for old, new in pairs if new is not None and old is None]
    for old, new in changed[:_MOST]:
        yield Line(" ", f"{what} {new + 1}" if old == new else f"{what} {old + 1}, now {new + 1}")
        yield from _fields(expected[old], now[new])
    if rest := changed[_MOST:]:
        fields = Counter(name for old, new in rest for name in _changed(expected[old], now[new]))
        yield Line(" ", f"and {_count(len(rest), what)} more: {', '.join(fields)}")
    for number in missing[:_MOST]:
        yield Line("-", f"{what} {number + 1}: {_cut(json_line(expected[number]))}")
    if len(missing) > _MOST:
        yield Line("-", f"and {_count(len(missing) - _MOST, what)} more")
    for number in extra[:_MOST]:
        yield Line("+", f"{what} {number + 1}: {_cut(json_line(now[number]))}")
    if len(extra) > _MOST:
        yield Line("+", f"and {_count(len(extra) - _MOST, what)} more")


def _fields(old: Record, new: Record) -> Iterator[Line]:
    for name in _changed(old, new):
        before, after = old.get(name, _NONE), new.get(name, _NONE)
        told, now = _shown(before, after)
        if before is not _NONE:
            yield Line("-", f"  {plain(name)}: {told}")
        if after is not _NONE:
            yield Line("+", f"  {plain(name)}: {now}")


def _changed(old: Record, new: Record) -> list[str]:
    names = dict.fromkeys([*old, *new])
    return [name for name in names if _is_other(old.get(name, _NONE), new.get(name, _NONE))]


def _is_other(old: Any, new: Any) -> bool:
    return old is _NONE or new is _NONE or _as_text(old) != _as_text(new)  # in Python 1 is the same as 1.0 and True


def _as_text(value: Any) -> bytes:
    """Equal for equal values of JSON, whatever the order of their keys."""
    return msgspec.json.encode(value, order="sorted")


def _pairs(expected: Sequence[Record], now: Sequence[Record]) -> Iterator[tuple[int | None, int | None]]:
    """Which item became which, in order; None where one has no partner."""
    lines, others = [[_as_text(item) for item in items] for items in (expected, now)]
    for tag, a, b, c, d in SequenceMatcher(None, lines, others, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(range(a, b), range(c, d), strict=True)
        else:
            yield from _alike(expected, now, range(a, b), range(c, d))


def _alike(
    expected: Sequence[Record], now: Sequence[Record], olds: range, news: range
) -> Iterator[tuple[int | None, int | None]]:
    """Pairs of items with the most fields in common, in the order of both."""
    if len(olds) == len(news) or len(olds) * len(news) > _MOST_PAIRS:
        shorter = min(len(olds), len(news))
        yield from zip(olds[:shorter], news[:shorter], strict=True)
        yield from ((old, None) for old in olds[shorter:])
        yield from ((None, new) for new in news[shorter:])
        return
    # best[i][j]: fields in common between the items from i and from j on
    best = [[0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in reversed(range(len(olds))):
        for j in reversed(range(len(news))):
            paired = _common(expected[olds[i]], now[news[j]]) + best[i + 1][j + 1]
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(olds) and j < len(news):
        common = _common(expected[olds[i]], now[news[j]])
        if common and best[i][j] == common + best[i + 1][j + 1]:
            yield olds[i], news[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield olds[i], None
            i += 1
        else:
            yield None, news[j]
            j += 1
    yield from ((old, None) for old in olds[i:])
    yield from ((None, new) for new in news[j:])


def _common(old: Record, new: Record) -> int:
    return sum(name in new and not _is_other(value, new[name]) for name, value in old.items())


def _errors(expected: Sequence[str], now: Sequence[str], where: Sequence[str]) -> Iterator[Line]:
    if expected == now:
        return
    yield from (Line("-", f"item not stored: {error}") for error in expected if error not in now)
    for error, place in zip(now, where, strict=True):
        if error not in expected:
            yield Line("+", f"item not stored: {error}{f' at {place}' if place else ''}")
    if len(expected) != len(now) and set(expected) == set(now):
        yield Line("-", f"{_count(len(expected), 'item')} not stored")
        yield Line("+", f"{_count(len(now), 'item')} not stored")


def _shown(old: Any, new: Any) -> tuple[str, str]:
    """Two values as JSON, long ones from a little before the place where they begin to differ."""
    before = "" if old is _NONE else json_line(old)
    after = "" if new is _NONE else json_line(new)
    if max(len(before), len(after)) <= _LONGEST:
        return before, after
    same = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    start = max(0, same - _BEFORE)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int = 0) -> str:
    if start:
        text = f"…{text[start:]}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

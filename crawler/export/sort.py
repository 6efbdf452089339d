"""Items in the order of some of their fields, in bounded memory: sorted pieces on disk, then merged."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import total_ordering
from typing import IO, Any

import msgspec

PIECE = 64 * 1024 * 1024  # bytes of lines that are sorted in memory

_Key = tuple[Any, ...]
_MISSING = 9  # after everything else, from whichever end


def in_order(lines: Iterable[bytes], fields: Sequence[str]) -> Iterator[bytes]:
    """Lines of JSON, sorted by `fields`; "-price" is from the highest down. What is equal stays in the order it came.

    Numbers come before text, text before lists and objects; what an item does not have, or has as null, is last either
    way. More than 64 MiB of lines go through temporary files, as large as the items together.
    """
    key = _key_of(fields)
    with ExitStack() as stack:
        pieces: list[IO[bytes]] = []
        rest: list[bytes] = []
        size = 0
        for line in lines:
            rest.append(line)
            size += len(line)
            if size >= PIECE:
                piece: IO[bytes] = stack.enter_context(tempfile.TemporaryFile(prefix="crawl-sort-"))
                piece.writelines(one + b"\n" for one in sorted(rest, key=key))
                pieces.append(piece)
                rest.clear()
                size = 0
        rest.sort(key=key)
        if not pieces:
            yield from rest
            return
        for piece in pieces:
            piece.seek(0)
        yield from heapq.merge(*(map(_without_end, piece) for piece in pieces), rest, key=key)


def _without_end(line: bytes) -> bytes:
    return line[:-1]


def _key_of(fields: Sequence[str]) -> Callable[[bytes], _Key]:
    wanted = [(field.removeprefix("-"), field.startswith("-")) for field in fields]

    def key(line: bytes) -> _Key:
        item = msgspec.json.decode(line)
        return tuple(_part(item.get(name), is_down) for name, is_down in wanted)

    return key


def _part(value: Any, is_down: bool) -> Any:
    if value is None:
        return (_MISSING, 0)
    if isinstance(value, int | float):
        plain: Any = (0, value)
    elif isinstance(value, str):
        plain = (1, value)
    else:
        plain = (2, msgspec.json.encode(value))
    return (0, _Down(plain)) if is_down else plain


@total_ordering
class _Down:
    """A key that is compared the other way round."""

    __slots__ = ("_key",)

    def __init__(self, key: Any) -> None:
        self._key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and self._key == other._key

    def __lt__(self, other: _Down) -> bool:
        return bool(other._key < self._key)

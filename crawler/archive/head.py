"""What is known of a record of an archive before its block is looked at."""

from __future__ import annotations

from typing import NamedTuple


class Head(NamedTuple):
    """A record without its block; `offset` is where it begins in the file."""

    offset: int
    kind: str
    url: str
    record_id: str
    concurrent_to: tuple[str, ...]
    truncated: bool
    refers_to: str


class Cut(Exception):
    """The file ends in the middle of a record, or is broken there."""

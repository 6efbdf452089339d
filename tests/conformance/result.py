"""One case of a suite and how it went."""

from typing import NamedTuple


class Result(NamedTuple):
    """`name` says which case of its suite it is, `reason` what went wrong, or why it may."""

    name: str
    passed: bool
    reason: str = ""

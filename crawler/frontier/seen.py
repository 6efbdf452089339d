"""The seen set as the engine asks for it: one question per report, answered by the control room's dict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Claims(Protocol):
    """The side that remembers: the control room, here or in the manager process."""

    def claim(self, fingerprints: bytes) -> bytes: ...


class SeenSet:
    """Claims fingerprints of 8 bytes in batches, so that a page costs one round trip and not one per link."""

    def __init__(self, room: Claims) -> None:
        self._room = room

    def claim(self, fingerprints: Sequence[bytes]) -> list[bool]:
        """For each fingerprint whether it is new; the first of two equal ones in a batch is the new one."""
        if not fingerprints:
            return []
        return [byte == 1 for byte in self._room.claim(b"".join(fingerprints))]

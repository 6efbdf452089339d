"""The seen set as the engine asks for it: one question per report, answered by the control room's dict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from crawler.errors import RoomLost


class Claims(Protocol):
    """The side that remembers: the control room, here or in the manager process."""

    def claim(self, fingerprints: bytes) -> bytes: ...


class SeenSet:
    """Claims fingerprints of 8 bytes in batches, so that a page costs one round trip and not one per link.

    `room()` is the side that remembers. When it is lost (`RoomLost`), `renew()` puts an empty one in its place, and
    `fingerprints()` gives what it has to know: all of the ledger, many at once.
    """

    def __init__(
        self,
        room: Callable[[], Claims],
        fingerprints: Callable[[], Iterable[bytes]],
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self._room = room
        self._fingerprints = fingerprints
        self._renew = renew

    def fill(self) -> None:
        """Let the room know what the ledger knows."""
        try:
            self._tell()
        except RoomLost:
            self.recover()

    def recover(self) -> None:
        """Put another room in the place of one that is lost. Raises `RoomLost` if that is lost as well."""
        self._renew()
        self._tell()

    def claim(self, fingerprints: Sequence[bytes]) -> list[bool]:
        """For each fingerprint whether it is new; the first of two equal ones in a batch is the new one."""
        if not fingerprints:
            return []
        joined = b"".join(fingerprints)
        try:
            answer = self._room().claim(joined)
        except RoomLost:  # it may have remembered them before it died; the ledger has not
            self.recover()
            answer = self._room().claim(joined)
        return [byte == 1 for byte in answer]

    def _tell(self) -> None:
        for fingerprints in self._fingerprints():
            self._room().claim(fingerprints)

"""Memory for bodies that are being read: what all threads of a worker hold together has a bound.

A body that grows beyond `SMALL` has to be granted more; if there is none left its thread waits, and the host with it,
as TCP lets it. So five hundred hosts that send ten megabytes each and never end cost no more than a few that do.
"""

from __future__ import annotations

import threading

SMALL = 256 * 1024  # bytes of a body that are its own affair
_MOST = 64 * 1024 * 1024


class Budget:
    """Up to `most` bytes for all large bodies together. The largest of them always goes on, so that one gets done."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._held: dict[int, int] = {}  # by thread
        self._changed = threading.Condition()

    def grow(self, size: int, timeout: float | None) -> bool:
        """This thread's body is to be `size` bytes. Waits for its turn; False if that takes more than `timeout` s."""
        own = threading.get_ident()

        def may() -> bool:
            others = [held for thread, held in self._held.items() if thread != own]
            return sum(others) + size <= self._most or self._held.get(own, 0) >= max(others, default=0)

        with self._changed:
            if not self._changed.wait_for(may, timeout):
                return False
            self._held[own] = size
            return True

    def release(self) -> None:
        """This thread's body is done."""
        if threading.get_ident() in self._held:
            with self._changed:
                del self._held[threading.get_ident()]
                self._changed.notify_all()


budget = Budget()

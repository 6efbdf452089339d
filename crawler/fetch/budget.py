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
        self._held: dict[object, int] = {}  # by thread, or by what a client calls its bodies
        self._changed = threading.Condition()
        self.is_waited_for = False  # somebody was told to wait by `try_grow`, since this was last set

    def grow(self, size: int, timeout: float | None) -> bool:
        """This thread's body is to be `size` bytes. Waits for its turn; False if that takes more than `timeout` s."""
        own = threading.get_ident()
        with self._changed:
            if not self._changed.wait_for(lambda: self._may(own, size), timeout):
                return False
            self._held[own] = size
            return True

    def try_grow(self, own: object, size: int) -> bool:
        """The body that is called `own` is to be `size` bytes; False if it has to wait for others."""
        with self._changed:
            if not self._may(own, size):
                self.is_waited_for = True
                return False
            self._held[own] = size
            return True

    def release(self, own: object = None) -> None:
        """This thread's body is done, or the one that is called `own`."""
        own = own or threading.get_ident()
        if own in self._held:
            with self._changed:
                del self._held[own]
                self._changed.notify_all()

    def _may(self, own: object, size: int) -> bool:
        others = [held for one, held in self._held.items() if one != own]
        return sum(others) + size <= self._most or self._held.get(own, 0) >= max(others, default=0)


budget = Budget()

"""What makes a time of day of a time of the monotonic clock."""

from __future__ import annotations

import time

_CLOSE = 20e-6  # seconds between two readings that nothing came between
_TRIES = 5


def to_wall() -> float:
    """Seconds to add to one of `time.monotonic` for seconds since 1970.

    A process that is interrupted between two readings of clocks would shift all starts of a report against those of
    the next one, by milliseconds: so the two are read until they lie close together.
    """
    best, offset = float("inf"), 0.0
    for _ in range(_TRIES):
        before = time.monotonic()
        wall = time.time()
        took = time.monotonic() - before
        if took < best:
            best, offset = took, wall - before
        if took < _CLOSE:
            break
    return offset

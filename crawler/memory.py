"""Gives memory back to the system after a page that needed much of it.

The tree of a page of 10 MB takes a hundred megabytes and more in small pieces. Python frees them, but the allocator of
the C library keeps them for later, and a crawl that met one such page would stay as large as that for days.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

LARGE = 1_000_000  # bytes of a body that are worth the few milliseconds


def _allocator() -> Callable[[int], object]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # only glibc has it
        return lambda _: None


_trim = _allocator()


def give_back() -> None:
    """Free what nobody needs any more."""
    gc.collect(1)  # a page and its selectors may hold each other
    _trim(0)

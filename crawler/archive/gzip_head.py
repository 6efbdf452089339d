"""The head of a gzip member (RFC 1952) that tells how long the member is, so that a reader can go on behind it.

The length is in an extra field "sl" (skip length), as the annex of the WARC standard (ISO 28500, D.2) proposes it: the
length of the whole member, and that of what it holds, 4 bytes each. Who does not know the field reads over it.
"""

from __future__ import annotations

import struct
from typing import Any

_FORMAT = struct.Struct("<4sIBBH2sHII")  # magic, method and flags; time; two bytes that say nothing; the extra field
_START = b"\x1f\x8b\x08\x04"
_NO_SYSTEM = 255
_FIELD = b"sl"
_MOST = 0xFFFFFFFF

GZIP_HEAD = _FORMAT.size  # bytes


def gzip_head(length: int, size: int) -> bytes:
    """The head of a member of `length` bytes, head included, that holds `size` bytes. From 4 GiB on it tells 0."""
    if max(length, size) > _MOST:
        length = size = 0
    return _FORMAT.pack(_START, 0, 0, _NO_SYSTEM, 12, _FIELD, 8, length, size)


def length_in(data: Any) -> int:
    """The length of the member that `data` (bytes or a view) begins with; 0 where it is not told."""
    if len(data) < GZIP_HEAD:
        return 0
    start, _, _, _, extra, field, size, length, _ = _FORMAT.unpack_from(data)
    return int(length) if (start, extra, field, size) == (_START, 12, _FIELD, 8) else 0

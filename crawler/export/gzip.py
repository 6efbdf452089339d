"""Files compressed with gzip: members one after the other (RFC 1952, 2.2)."""

from __future__ import annotations

import gzip
import zlib
from typing import BinaryIO, cast

from crawler.export.compressed import CompressedFile


class GzipFile(CompressedFile):
    """A file of gzip members, the same bytes for the same records: without name and time."""

    damage = (EOFError, zlib.error, gzip.BadGzipFile)

    @staticmethod
    def piece(data: bytes | bytearray) -> bytes:
        """One gzip member."""
        return zlib.compress(data, level=6, wbits=31)

    def read(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.place, "rb"))

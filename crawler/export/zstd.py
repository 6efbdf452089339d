"""Files compressed with Zstandard: frames one after the other (RFC 8878, 3).

Some readers take the first frame for all unless they are told otherwise (`read_across_frames` of the package
`zstandard`); the `zstd` command, Python 3.14 and pyarrow read all of them.
"""

from __future__ import annotations

import sys
from typing import BinaryIO, cast

from crawler.export.compressed import CompressedFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class ZstdFile(CompressedFile):
    """A file of Zstandard frames, each with a checksum."""

    damage = (EOFError, zstd.ZstdError)

    @staticmethod
    def piece(data: bytes | bytearray) -> bytes:
        """One frame."""
        return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})

    def read(self) -> BinaryIO:
        return cast(BinaryIO, zstd.open(self.place, "rb"))

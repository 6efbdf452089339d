"""A body on its way to disk: written as it comes, counted and digested, and gone again if anything is wrong with it."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from crawler.fetch.faults import Fault
from crawler.file_names import open_inside
from crawler.saved import Into, Part

# How a page begins (MIME Sniffing Standard, 7.1), such as the login page that is sent in place of a picture.
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|script|title)\b", re.IGNORECASE)
_HEAD = 4096  # bytes of a page that are kept for who wants to know whether it says no
_ARCHIVES = frozenset({"application/gzip", "application/x-gzip", "application/x-tar+gzip", "application/x-compressed"})


class PartFile:
    """A new file for one body. Raises `Fault`: "file" for what is not wanted, "too_large", "disk".

    `head` is the beginning of what calls itself HTML, or nothing at all.
    """

    def __init__(self, into: Into, headers: Any) -> None:
        self.head = b""
        self._into = into
        self._kind = type_of(headers)
        self._size = 0
        self._digest = hashlib.sha256()
        if into.types and not any(fnmatchcase(self._kind, kind) for kind in into.types):
            raise Fault("file", f"of the type {self._kind[:100] or '(not told)'}, not {' or '.join(into.types)}")
        self._is_no_page = bool(into.types) and "html" not in self._kind and not self._kind.startswith("text/")
        announced = headers.get("content-length", "")
        if announced.isdecimal() and 0 < into.max_size < int(announced[:18]):
            raise Fault("too_large", f"a file of {int(announced[:18]):,} bytes, and {into.max_size:,} are taken")
        try:
            self._file = open_inside(into.folder, name := os.urandom(12).hex())
        except OSError as error:
            raise self._fault(error) from None
        self._path = os.path.join(into.folder, name)

    def tell(self) -> int:
        return self._size

    def write(self, data: bytes) -> int:
        if self._is_no_page and not self._size and _HTML.match(data):
            raise Fault("file", f"a page that is declared as {self._kind[:100]}")
        self._size += len(data)
        if 0 < self._into.max_size < self._size:
            raise Fault("too_large", f"a file of more than {self._into.max_size:,} bytes")
        if len(self.head) < _HEAD and (not self._kind or "html" in self._kind):
            self.head += data[: _HEAD - len(self.head)]
        self._digest.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise self._fault(error) from None

    def finish(self) -> Part:
        """The body is whole: close the file and say what it is."""
        digest = self._digest.hexdigest()
        if self._into.sha256 not in ("", digest):
            raise Fault("file", f"with the SHA-256 {digest}, not {self._into.sha256}")
        try:
            self._file.flush()
            if self._into.sync:
                os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._fault(error) from None
        return Part(self._path, self._size, digest)

    def discard(self) -> None:
        """The body is of no use."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            os.unlink(self._path)

    def _fault(self, error: OSError) -> Fault:
        return Fault("disk", f"{self._into.folder}: {error.strerror}")


def type_of(headers: Any) -> str:
    """The content type, without parameters."""
    kind: str = headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def is_packed_itself(headers: Any) -> bool:
    """Whether the coding of an answer is that of the file: many call an archive coded with gzip."""
    coding = headers.get("content-encoding", "").strip().lower()
    return coding in ("gzip", "x-gzip") and type_of(headers) in _ARCHIVES

"""XML 1.0, UTF-8: `<items>` of `<item>`s, an element per field, its text the value.

An element of a list is a `<value>`, an object has elements of its own, None is an empty element. What XML cannot hold
is left out or replaced: control characters are removed, and characters that a name cannot have become `_`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from crawler.errors import OutputError
from crawler.export.base import FileExporter
from crawler.export.cell import cell

_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n<items>'

# The productions Char, NameStartChar, NameChar (XML 1.0, fifth edition, 2.2 and 2.3), without the colon of namespaces.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIRST = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NO_NAME_CHARACTER = re.compile(f"[^{_FIRST}.0-9\xb7\u0300-\u036f\u203f-\u2040-]")
_NO_FIRST_CHARACTER = re.compile(f"[^{_FIRST}]")
# > is escaped because of ]]>, and a carriage return because readers take it for a line end.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


class Xml(FileExporter):
    """Items as one XML document. The file is well-formed after every `write`, so also when the process is killed."""

    TAIL = b"\n</items>\n"

    def open(self) -> None:
        """Create the file as a document without items, replacing an old one. Raises `OutputError`."""
        super().open()
        if not self._file.cuttable:
            self.close()
            raise OutputError(
                f"cannot write {self.path}: an XML document needs a regular file, and this is none",
                hint="write .jsonl, or - for JSON Lines on standard output",
            )
        self._file.append(_HEAD)
        self._file.flush()

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        parts: list[str] = []
        for line in lines:
            parts.append("\n  <item>")
            for name, value in msgspec.json.decode(line).items():
                parts.append("\n    ")
                parts += _element(element_name(name), value)
            parts.append("\n  </item>")
        self._file.append("".join(parts).encode(), len(lines))


@lru_cache(4096)
def element_name(name: str) -> str:
    """A field's name as an element's: what cannot stand there becomes `_`, also in front of what cannot be first."""
    name = _NO_NAME_CHARACTER.sub("_", name)
    return f"_{name}" if not name or _NO_FIRST_CHARACTER.match(name) else name


def _element(name: str, value: Any) -> Iterator[str]:
    if value is None:
        yield f"<{name}/>"
        return
    yield f"<{name}>"
    if isinstance(value, list):
        for one in value:
            yield from _element("value", one)
    elif isinstance(value, dict):
        for inner, one in value.items():
            yield from _element(element_name(inner), one)
    else:
        yield _NO_CHARACTER.sub("", cell(value)).translate(_ESCAPES)
    yield f"</{name}>"

"""Lines of text made from a template, such as `url:<{url}> size:[{size}]`."""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Sequence
from typing import Any

import msgspec

from crawler.errors import UsageError
from crawler.export.base import FileExporter
from crawler.export.cell import cell
from crawler.export.file import File

EXAMPLE = "--format 'url:<{url}> size:[{size}]'"

# Everything that some reader of lines takes for the end of one (as str.splitlines does).
_LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class Template(FileExporter):
    """One line per item: `template` with each `{field}` replaced by the item's value.

    A field that an item does not have is empty, a line end inside a value becomes a space, `{{` and `}}` stand
    for braces. Fields are names and nothing else. A template that asks for more raises `UsageError`.
    """

    def __init__(self, path: str, template: str, kind: type[File] = File, append: bool = False) -> None:
        super().__init__(path, kind, append)
        self._parts = _parse(template)
        self._wanted = {name for _, name in self._parts if name}  # fields that no item had yet
        self._names: dict[str, None] = {}  # fields of the first items, while there are such

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        text = []
        for line in lines:
            item = msgspec.json.decode(line)
            if self._wanted:
                self._wanted.difference_update(item)
                self._names.update(dict.fromkeys(item))
            for literal, name in self._parts:
                text.append(literal)
                if name:
                    text.append(_LINE_END.sub(" ", cell(item.get(name))))
            text.append("\n")
        # Bytes of the command line that are not UTF-8 come as surrogates, and go out as they came.
        self._file.append("".join(text).encode("utf-8", "surrogateescape"), len(lines))

    def resume(self, mark: dict[str, Any]) -> bool:
        """As of every file. The items before the mark are not seen again, so nothing can be said of all of them."""
        is_resumed = super().resume(mark)
        if is_resumed:
            self._wanted.clear()
        return is_resumed

    def notes(self) -> list[str]:
        """The fields of the template that no item had, if there were items."""
        if not self._names:
            return []
        notes = []
        for name in sorted(self._wanted):
            close = difflib.get_close_matches(name, self._names, n=1)
            hint = f"did you mean {{{close[0]}}}?" if close else f"fields are {', '.join(self._names)}"
            notes.append(f"{self.path}: no item has the field {{{name}}} of the format; {hint}")
        return notes


def _parse(template: str) -> list[tuple[str, str]]:
    """Pairs of literal text and the field that follows it, "" where none does. Raises `UsageError`."""
    parts = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(template):
            if name is not None:
                fault = _fault(name, bool(spec), bool(conversion))
                if fault:
                    raise _refused(template, fault)
            parts.append((literal, name or ""))
    except ValueError as error:
        raise _refused(template, f"{error}; write {{{{ or }}}} for a brace itself") from None
    if not any(name for _, name in parts):
        raise _refused(template, "it names no field, so every line would be the same")
    return parts


def _fault(name: str, spec: bool, conversion: bool) -> str:
    if not name:
        return "{} has no field name"
    if name.isdecimal():
        return f"{{{name}}} is a number, fields have names"
    if "." in name or "[" in name:
        return f"{{{name}}} looks inside a field, which is not possible"
    if spec or conversion:
        return f"{{{name}}} has a format or a conversion, which is not possible"
    return ""


def _refused(template: str, fault: str) -> UsageError:
    return UsageError(f"the format {template!r} does not work: {fault}", hint=f"for example: {EXAMPLE}")

"""The encoding an HTML or XML document declares about itself, found in its first bytes without parsing it.

Owns the algorithms of the HTML standard, 13.2.3.2 ("prescan a byte stream to determine its encoding"). Knows
nothing of Python codecs: what it returns is the label as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+(=?+[^\t\n\f\r />=]*+)"  # name; empty in front of the closing ">"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    rb"(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)(?=[\t\n\f\r >])|(?=>))"
    rb"|[\t\n\f\r ]*+(?=[^=\t\n\f\r ]))"
)
_META = re.compile(rb"<meta(?=[\t\n\f\r /])", re.IGNORECASE)
_TAG = re.compile(rb"</?[A-Za-z][^\t\n\f\r >]*+(?=[\t\n\f\r >])")
_CHARSET_IN_CONTENT = re.compile(
    rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"'][^\t\n\f\r ;]*)|)", re.IGNORECASE
)
_XML_DECLARATION = re.compile(rb"<\?xml([^>]*)>")
_XML_ENCODING = re.compile(rb"encoding[\x00- ]*=[\x00- ]*(?:\"([^\"\x00- ]*)\"|'([^'\x00- ]*)')")


def meta_labels(head: bytes) -> Iterator[str]:
    """The labels that `<meta>` tags declare, lower case, in their order; the first one that is an encoding counts.

    `head` is the start of an HTML page. A tag that is cut off by its end does not count, as in browsers.
    """
    position = 0
    while (position := head.find(b"<", position)) >= 0:
        if head.startswith(b"<!--", position):
            end = head.find(b"-->", position + 2)  # the two dashes may be those of the opening: "<!-->"
            position = end + 3 if end >= 0 else -1
        elif match := _META.match(head, position):
            position, label = _read_meta(head, match.end())
            if label is not None:
                yield label
        elif match := _TAG.match(head, position):
            position = _skip_attributes(head, match.end())
        elif head[position + 1 : position + 2] in (b"!", b"/", b"?"):
            position = head.find(b">", position)
        else:
            position += 1
        if position < 0:
            return


def xml_label(head: bytes) -> str | None:
    """The label of the XML declaration `head` begins with, lower case, or None.

    A declaration in UTF-16 without byte order mark is known by its first characters (XML 1.0, appendix F).
    """
    if head.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if head.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    declaration = _XML_DECLARATION.match(head)
    encoding = _XML_ENCODING.search(declaration[1]) if declaration else None
    return _text(encoding[1] or encoding[2] or b"") if encoding else None


def _read_meta(head: bytes, position: int) -> tuple[int, str | None]:
    """The position after the attributes of one `<meta>` (-1: cut off), and the label it declares."""
    is_pragma = False
    needs_pragma = False
    label: str | None = None
    names = set()
    while match := _ATTRIBUTE.match(head, position):
        position = match.end()
        name = match[1].lower()
        if not name:
            return position, label if label and (is_pragma or not needs_pragma) else None
        if name in names:
            continue
        names.add(name)
        value = match[2] or match[3] or match[4] or b""
        if name == b"http-equiv":
            is_pragma = value.lower() == b"content-type"
        elif name == b"content":
            found = _CHARSET_IN_CONTENT.search(value)
            in_content = found and (found[1] or found[2] or found[3])
            if in_content and label is None:
                label, needs_pragma = _text(in_content), True
        elif name == b"charset":
            label, needs_pragma = _text(value), False
    return -1, None


def _skip_attributes(head: bytes, position: int) -> int:
    while match := _ATTRIBUTE.match(head, position):
        position = match.end()
        if not match[1]:
            return position
    return -1


def _text(label: bytes) -> str:
    return label.strip(b"\t\n\f\r ").decode("latin-1").lower()

"""The entries of a form as bytes: the three encodings of the HTML standard (4.10.22.6 to 8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from mimetypes import guess_type
from typing import NamedTuple
from urllib.parse import quote_plus


class File(NamedTuple):
    """What is sent for `<input type=file>`; without a name it is no file."""

    name: str = ""
    content: bytes = b""


Entry = tuple[str, str | File]
_NEWLINE = re.compile(r"\r\n|\r|\n")
_IN_QUOTES = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}


def encode(entries: Sequence[Entry], enctype: str, codec: str) -> tuple[bytes, str]:
    """The body and its Content-Type. Characters that `codec` does not have are sent as `&#20013;`, as browsers do."""
    if enctype == "multipart/form-data":
        return _multipart(entries, codec)
    if enctype == "text/plain":
        lines = "".join(f"{_text(name)}={_text(value)}\r\n" for name, value in entries)
        return lines.encode(codec, "xmlcharrefreplace"), enctype
    return urlencoded(entries, codec).encode(), "application/x-www-form-urlencoded"


def urlencoded(entries: Sequence[Entry], codec: str) -> str:
    """`a=1&b=2` of the URL standard (5.2), ASCII."""
    return "&".join(f"{_quoted(name, codec)}={_quoted(value, codec)}" for name, value in entries)


def _quoted(value: str | File, codec: str) -> str:
    return quote_plus(_text(value).encode(codec, "xmlcharrefreplace"), safe="*").replace("~", "%7E")


def _text(value: str | File) -> str:
    return _NEWLINE.sub("\r\n", value if isinstance(value, str) else value.name)


def _multipart(entries: Sequence[Entry], codec: str) -> tuple[bytes, str]:
    """RFC 7578. The boundary is made from what is sent, so that the same form is the same request."""
    parts = []
    for name, value in entries:
        quoted = _NEWLINE.sub("\r\n", name).translate(_IN_QUOTES)
        head = f'Content-Disposition: form-data; name="{quoted}"'
        if isinstance(value, File):
            kind = guess_type(value.name)[0] or "application/octet-stream"
            head += f'; filename="{value.name.translate(_IN_QUOTES)}"\r\nContent-Type: {kind}'
            content = value.content
        else:
            content = _text(value).encode(codec, "xmlcharrefreplace")
        parts.append(head.encode(codec, "xmlcharrefreplace") + b"\r\n\r\n" + content + b"\r\n")
    # 128 bits of a hash of all parts: no part contains it.
    boundary = "form-" + blake2b(b"\0".join(parts), digest_size=16).hexdigest()
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"
    return body, f"multipart/form-data; boundary={boundary}"

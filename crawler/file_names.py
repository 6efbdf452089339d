"""File names out of text that somebody else chose: a URL, a Content-Disposition field, the name of a spider.

What comes out is one path component that means the same to every file system and shell. It says nothing about whether
such a file is there already: two inputs may give the same name, and who stores both has to tell them apart.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes

MOST = 255  # bytes of a name that every usual file system takes

_UNNAMED = "unnamed"
_SEPARATORS = re.compile(r'[/\\:*?"<>|]+')  # of paths, of drives, and what Windows refuses
_SPACES = re.compile(r"\s+")
_EXTENSION = re.compile(r"(?:\.tar)?\.[^. ]{1,16}\Z", re.ASCII)
# Names of devices on Windows, whatever extension follows.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³]|conin\$|conout\$|clock\$)\s*(?:\.|\Z)", re.IGNORECASE)
# Controls, formats (bidirectional ones among them), surrogates, what has no common meaning, ends of lines.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def safe_name(text: str, most: int = 200) -> str:
    """`text`, percent-decoded once, as one path component of at most `most` bytes of UTF-8 (255 at most).

    No separators, controls or bidirectional marks; no dot, dash or space in front, no dot or space at the end, so it is
    never "." or "..", an option or a hidden file; no device of Windows; NFC; never empty. A name that is too long loses
    the end of its stem and keeps its extension. Raises `ValueError` for a `most` below 8.
    """
    return _safe(unquote(text, errors="replace"), most)


def name_of(url: str, content_disposition: str = "", most: int = 200) -> str:
    """A safe name for what was fetched from `url`: the one its Content-Disposition gives, else the end of its path.

    Of the field `filename*` counts before `filename` (RFC 6266, 4.3; RFC 8187), and of either only what follows the
    last separator. A URL without a path gives the name of its host.
    """
    extended, ordinary = _file_names(content_disposition)
    if extended:
        return _safe(_last(extended), most)
    if ordinary:
        return safe_name(_last(ordinary), most)
    rest = url.partition("#")[0].partition("?")[0]
    host, *segments = (rest.partition("://")[2] or rest).split("/")
    return safe_name(next((segment for segment in reversed(segments) if segment), host), most)


def open_inside(folder: str | Path, name: str) -> BinaryIO:
    """A new file in `folder`, opened for writing.

    Nothing that is there already is opened, replaced or followed, a symbolic link that leads nowhere included: that
    raises `FileExistsError`. Raises `ValueError` for a name that is not one path component, and `OSError`.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of a file")
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return open(os.open(name, flags, 0o666, dir_fd=place), "wb")
    finally:
        os.close(place)


def _safe(text: str, most: int) -> str:
    if most < 8:
        raise ValueError(f"{most} bytes are too few for a name")
    most = min(most, MOST)
    visible = "".join(
        character for character in text if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )
    name = _SEPARATORS.sub("_", unicodedata.normalize("NFC", _SPACES.sub(" ", visible)))
    name = _cut(name.lstrip(". -").rstrip(". "), most) or _UNNAMED
    return _cut(f"_{name}", most) if _DEVICE.match(name) else name


def _cut(name: str, most: int) -> str:
    if len(name.encode()) <= most:
        return name
    found = _EXTENSION.search(name)
    extension = found[0] if found and len(found[0].encode()) <= most // 2 else ""
    stem = name.removesuffix(extension).encode()[: most - len(extension.encode())].decode(errors="ignore")
    return f"{stem.rstrip('. ')}{extension}"


def _last(name: str) -> str:
    """What follows the last separator that does not end the name."""
    parts = [part for part in re.split(r"[/\\]", name) if part]
    return parts[-1] if parts else ""


# A parameter and its value: a quoted string, or whatever else reaches to the next semicolon.
_PARAMETER = re.compile(r';\s*([\w!#$%&+^`|~.*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.ASCII)
_QUOTED = re.compile(r'".*"', re.DOTALL)
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[\w-]*'(.*)", re.IGNORECASE | re.ASCII)


def _file_names(field: str) -> tuple[str, str]:
    """`filename*` decoded and `filename` as it stands, "" where there is none. The first of several counts."""
    extended = ordinary = ""
    for key, value in _PARAMETER.findall(f";{field}" if "=" in field.partition(";")[0] else field):
        match key.lower():
            case "filename*" if not extended and (found := _EXTENDED.fullmatch(value.strip())):
                extended = unquote_to_bytes(found[2]).decode(found[1], "replace")
            case "filename" if not ordinary:
                ordinary = re.sub(r"\\(.)", r"\1", value[1:-1]) if _QUOTED.fullmatch(value) else value.strip()
    return extended, _as_utf8(ordinary)


def _as_utf8(text: str) -> str:
    """Fields are read as ISO 8859-1, and many who send a name send UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text

"""Text of foreign origin made safe to show: nothing in it can move the cursor, forge a line or turn text around."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import msgspec

# C0 controls and DEL, C1 controls, line and paragraph separators, the bidirectional controls of UAX #9, and lone
# surrogates, which cannot be encoded.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# JSON has no raw C0 controls in its strings; between its values they are white space.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def plain(text: str) -> str:
    r"""`text` on one line, with control characters written out: ESC as `\x1b`, a newline as `\n`."""
    return _UNSAFE.sub(_written_out, text)


def json_line(value: Any) -> str:
    r"""`value` as JSON on one line, for screens and pipes: control characters are written as `\u009b`."""
    return safe_json(msgspec.json.encode(value).decode())


def safe_json(text: str) -> str:
    r"""JSON in which what `plain` writes out is written as `\u009b`, except white space between its values."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def for_screen() -> Callable[[str], str] | None:
    """What JSON on standard output has to go through: `safe_json` where that is a terminal, else nothing."""
    return safe_json if os.isatty(1) else None


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")

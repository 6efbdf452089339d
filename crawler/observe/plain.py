"""Text of foreign origin made safe to show: nothing in it can move the cursor, forge a line or turn text around."""

from __future__ import annotations

import re

# C0 controls and DEL, C1 controls, line and paragraph separators, the bidirectional controls of UAX #9, and lone
# surrogates, which cannot be encoded.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def plain(text: str) -> str:
    r"""`text` on one line, with control characters written out: ESC as `\x1b`, a newline as `\n`."""
    return _UNSAFE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")

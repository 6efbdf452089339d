"""One value of an item as text, for formats that hold nothing but text (CSV, lines)."""

from __future__ import annotations

from typing import Any

import msgspec


def cell(value: Any) -> str:
    """A decoded JSON value as text: None is empty, booleans are `true` and `false`, lists and objects compact JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    return msgspec.json.encode(value).decode()

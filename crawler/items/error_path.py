"""Where in an item an error of msgspec lies: "Expected `float`, got `str` - at `$.cast[0].age`"."""

from __future__ import annotations

import re
from typing import Any

_TYPES = re.compile(r"(?:expected|got) `[^`]*`", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_IN_PYTHON = {"null": "None", "array": "list", "object": "dict"}  # msgspec's words are those of JSON
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")


def message_at(error: str) -> tuple[str, str]:
    """The path (".cast[0].age", "" for the item itself), and the message as part of a sentence, types as in Python."""
    message, found, path = error.rpartition(" - at `$")
    if not found:
        message, path = error, ""
    message = _TYPES.sub(lambda types: _WORD.sub(lambda word: _IN_PYTHON.get(word[0], word[0]), types[0]), message)
    return path.rstrip("`"), message[:1].lower() + message[1:]


def value_at(path: str, item: Any) -> Any:
    """What stands there. Of "[...]", some key of a dict, that is the dict. Raises `LookupError` if nothing does."""
    value = item
    for step in _STEP.finditer(path):
        name, number = step.groups()
        try:
            if name is not None:
                value = value[name]
            elif number is not None:
                value = value[int(number)]
            else:
                break
        except TypeError:
            raise LookupError(path) from None
    return value

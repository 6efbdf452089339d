"""What a column holds, as far as its values tell: for outputs whose columns have one type each."""

from __future__ import annotations

from typing import Any

Kind = str | tuple[str, Any]  # "null", "bool", "int", "float", "big", "text", "json", or ("list", kind of its elements)

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def kind_of(value: Any) -> Kind:
    """The kind of a decoded JSON value. An integer of more than 64 bits is "big", an object "json"."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int" if _SMALLEST <= value <= _LARGEST else "big"
        case float():
            return "float"
        case str():
            return "text"
        case list():
            kind: Kind = "null"
            for one in value:
                kind = merged(kind, kind_of(one))
            return ("list", kind)
    return "json"


def merged(first: Kind, second: Kind) -> Kind:
    """The kind that takes values of both: numbers stay numbers, what has nothing in common is text."""
    if first == second or second == "null":
        return first
    if first == "null":
        return second
    if isinstance(first, tuple) and isinstance(second, tuple):
        return ("list", merged(first[1], second[1]))
    if {first, second} == {"int", "float"}:
        return "float"
    if {first, second} == {"int", "big"}:
        return "big"
    return "text"


def is_mixed(first: Kind, second: Kind) -> bool:
    """Whether one column makes text of what was none: what people are told."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return is_mixed(first[1], second[1])
    return merged(first, second) == "text" and (first, second) not in (
        ("text", "null"),
        ("null", "text"),
        ("text", "text"),
    )

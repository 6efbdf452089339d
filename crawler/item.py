"""What spiders yield as data: dicts, dataclasses, attrs classes, msgspec structs, pydantic models."""

from __future__ import annotations

import copy
import dataclasses
import os
import re
from collections.abc import Iterable
from typing import Any, cast

import msgspec


class DropItem(Exception):
    """Raised by a pipeline, a processor or an item's own class: this item is not wanted.

    `raise DropItem("too cheap")`. Items that are dropped are counted by reason, and are no errors.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class WrongItem(Exception):
    """An item is not what it is declared as. `what` names the field, `value` shows what stands there, if that is at
    fault.

    Where code of the user found it out, its exception is the cause (`__cause__`).
    """

    def __init__(self, what: str, message: str, value: str = "") -> None:
        super().__init__(message)
        self.what = what
        self.value = value


def is_item(value: object) -> bool:
    """Whether a callback may yield `value` as an item."""
    kind = type(value)
    return (
        kind is dict
        or isinstance(value, (dict, msgspec.Struct))
        or (
            not isinstance(value, type)
            and (dataclasses.is_dataclass(value) or hasattr(kind, "__attrs_attrs__") or hasattr(kind, "model_dump"))
        )
    )


def as_dict(item: Any) -> dict[str, Any]:
    """The fields of an item, in the order they were declared. Nested values stay as they are; a pydantic model gives
    all values as it writes them in JSON.

    Raises `TypeError` for what is not an item, or has keys that are not strings.
    """
    if isinstance(item, dict):
        fields = dict(item)
    elif isinstance(item, msgspec.Struct):
        fields = {name: getattr(item, name) for name in item.__struct_fields__}
    elif dataclasses.is_dataclass(item) and not isinstance(item, type):
        fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    elif hasattr(type(item), "__attrs_attrs__"):
        fields = {attribute.name: getattr(item, attribute.name) for attribute in type(item).__attrs_attrs__}
    elif hasattr(type(item), "model_dump"):
        fields = _dumped(item)
    else:
        raise TypeError(f"{type(item).__name__} is not an item: yield a dict, a dataclass or a model")
    for name, value in fields.items():
        if type(name) is not str:
            raise TypeError(f"the item has the key {name!r}: field names are strings")
        if type(value) is not str and isinstance(value, str):
            # What lxml gives for text is a str that keeps the whole document alive.
            fields[name] = str.__str__(value)
    return fields


def _dumped(model: Any) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], model.model_dump(mode="json"))
    except Exception:  # also of serializers of the user's
        return cast(dict[str, Any], model.model_dump())  # whoever writes this sees which field it is


def as_yielded(item: Any) -> Any:
    """The item as it is now: a copy, with copies of the lists, dicts, sets and items in it, at any depth.

    The callback that yielded it may go on with its own, and change it for the next one. Other objects in it are shared.
    """
    try:
        return _as_now(item)
    except RecursionError:  # it holds itself, which is told when it is written
        return item


def _as_now(value: Any) -> Any:
    kind = type(value)
    if kind in _UNCHANGING:
        return value
    if kind is dict:
        return {name: one if type(one) in _UNCHANGING else _as_now(one) for name, one in value.items()}
    if kind is list:
        return [_as_now(one) for one in value]
    if kind is tuple:
        return tuple(map(_as_now, value))
    if kind is set:
        return set(value)
    if not is_item(value):
        return value
    own = copy.copy(value)
    if isinstance(own, dict):
        own.update({name: now for name, one in own.items() if (now := _as_now(one)) is not one})
        return own
    for name in _own_fields(value):
        one = getattr(value, name, None)
        if (now := _as_now(one)) is not one:
            if isinstance(own, msgspec.Struct):
                msgspec.structs.force_setattr(own, name, now)
            else:
                object.__setattr__(own, name, now)  # frozen ones too
    return own


_UNCHANGING = frozenset({str, int, float, bool, bytes, type(None)})


def _own_fields(item: Any) -> Iterable[str]:
    if isinstance(item, msgspec.Struct):
        return item.__struct_fields__
    if dataclasses.is_dataclass(item):
        return [field.name for field in dataclasses.fields(item)]
    if hasattr(type(item), "__attrs_attrs__"):
        return [attribute.name for attribute in type(item).__attrs_attrs__]
    return list(getattr(item, "__dict__", ()))


def to_json(fields: Any) -> bytes:
    """One line of JSON, UTF-8, non-ASCII as it is.

    Raises `TypeError` or `ValueError` for what JSON cannot hold, and for what is nested too deeply to be read again.
    """
    line = msgspec.json.encode(fields, enc_hook=_encode_unknown)
    if line.count(b"{") + line.count(b"[") > MOST_LEVELS and _levels(line) > MOST_LEVELS:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
    return line


MOST_LEVELS = 200
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_BRACKET = re.compile(rb"[\[{]|[\]}]")


def _levels(line: bytes) -> int:
    level = most = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", line)):
        level += 1 if bracket in b"[{" else -1
        most = max(most, level)
    return most


def _encode_unknown(value: Any) -> Any:
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, str):
        return str.__str__(value)
    if type(value).__module__.startswith("pydantic"):  # a URL, a secret: as the library shows it
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be written")

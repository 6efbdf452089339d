"""Objects inside items, after they were made from dicts: no field that was given is lost, and no default.

Neither msgspec nor pydantic say anything of fields that a nested class does not have. An object that msgspec makes
finds its plain defaults in its class, where whoever writes it does not look.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from crawler.item import WrongItem


def settle(given: Any, value: Any, place: str, of_model: bool = False) -> None:
    """`value` was made from `given` and stands at `place` ("Film.cast"). Raises `WrongItem` for unknown fields.

    `of_model`: it was made by a pydantic model, whose validators may take keys out of a dict.
    """
    if isinstance(value, (set, frozenset)):
        for one in value:
            settle({}, one, place)
    elif isinstance(given, (list, tuple)):
        if isinstance(value, (list, tuple)) and len(value) == len(given):
            for number, (before, one) in enumerate(zip(given, value, strict=True)):
                settle(before, one, f"{place}[{number}]", of_model)
    elif isinstance(given, dict) and isinstance(value, dict):
        if len(value) < len(given) and not of_model:
            raise unknown(place, given, value)
        if len(value) == len(given):
            for name, before, one in zip(given, given.values(), value.values(), strict=True):
                settle(before, one, f"{place}.{name}", of_model)
    elif isinstance(given, dict):
        _settle_object(given, value, place)


def _settle_object(given: dict[str, Any], value: Any, place: str) -> None:
    kind: Any = type(value)
    names = _names(kind)
    if names is None:
        return
    if not given.keys() <= names.keys():
        raise unknown(place, given, names)
    of_model = hasattr(kind, "model_fields")
    for name, before in given.items():
        if own := names[name]:
            settle(before, getattr(value, own, None), f"{place}.{name}", of_model)
    if dataclasses.is_dataclass(value) and hasattr(value, "__dict__"):
        for field in dataclasses.fields(value):
            if field.name not in value.__dict__ and hasattr(value, field.name):
                object.__setattr__(value, field.name, getattr(value, field.name))


@lru_cache(1000)
def _names(kind: type) -> Mapping[str, str] | None:
    """The attributes of a class by what they are called in dicts, "" for one that is made some other way.

    None for a class that takes others, or is none with fields.
    """
    if hasattr(kind, "model_fields"):
        return model_names(kind)
    if "extra" in getattr(kind, "__pydantic_config__", ()):
        return None
    if issubclass(kind, msgspec.Struct):
        tag = kind.__struct_config__.tag_field
        return dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)) | (
            {tag: ""} if tag else {}
        )
    if dataclasses.is_dataclass(kind):
        return {field.name: field.name for field in dataclasses.fields(kind)}
    if hasattr(kind, "__attrs_attrs__"):
        return {attribute.name: attribute.name for attribute in kind.__attrs_attrs__}
    return None


def model_names(model: Any) -> Mapping[str, str] | None:
    """The same of a pydantic model."""
    aliases = {getattr(field, "validation_alias", None): name for name, field in model.model_fields.items()}
    aliases.pop(None, None)
    own = model.__pydantic_decorators__
    # What looks at all fields before they are checked may want others, too.
    if "extra" in model.model_config or own.model_validators or not all(isinstance(one, str) for one in aliases):
        return None
    names = {**{name: name for name in model.model_fields}, **aliases}
    changing = {name for one in own.field_validators.values() for name in one.info.fields}
    changing |= {n for n, field in model.model_fields.items() if any(hasattr(one, "func") for one in field.metadata)}
    return {name: "" if own in changing or "*" in changing else own for name, own in names.items()}


def holds_fields(kind: Any) -> bool:
    """Whether a type is, or contains, a class with fields."""
    own = typing.get_origin(kind) or kind
    if isinstance(own, type) and (
        dataclasses.is_dataclass(own)
        or issubclass(own, msgspec.Struct)
        or hasattr(own, "__attrs_attrs__")
        or hasattr(own, "model_fields")
        or typing.is_typeddict(own)
    ):
        return True
    return any(holds_fields(part) for part in typing.get_args(kind))


def unknown(place: str, given: Iterable[str], known: Iterable[str]) -> WrongItem:
    """What is said of the first field that is not known."""
    names = list(known)
    field = next(field for field in given if field not in names)
    close = difflib.get_close_matches(str(field), map(str, names), n=1)
    return WrongItem(f"{place}.{field}", f"the class has no such field{f', did you mean {close[0]}?' if close else ''}")

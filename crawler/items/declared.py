"""Items as the spider declares them: which class an item is meant to be, and what its fields have to be.

Types are checked and converted by msgspec (`strict=False`: "9.5" is a float, "2,012" is none), in dataclasses, attrs
classes and structs alike; then the class's own constructor runs, with its converters and validators. A pydantic model
checks itself. Fields a class does not have are errors in all of them and in what they contain, unless a model says
what to do with them.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import reprlib
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from pathlib import PurePath
from typing import Any, TypedDict, cast

import msgspec

from crawler.errors import UsageError
from crawler.item import DropItem, WrongItem, as_dict
from crawler.items.changed import changed
from crawler.items.error_path import message_at, value_at
from crawler.items.hints import hints_of
from crawler.items.nested import holds_fields, model_names, settle, unknown
from crawler.items.processors import number
from crawler.settings import choices_of

_DECLARE = "declare items as a dataclass or a class of msgspec, attrs or pydantic"
_SAFE = (str, Any)  # of these text becomes nothing that is not there


class Declared:
    """The classes that a spider's items may be: `of(item)` is the item as one of them, or `WrongItem` is raised.

    A dict becomes the first class whose fields it has; an instance stays what it is, with its fields converted. Raises
    `UsageError` for classes that cannot be checked.
    """

    def __init__(self, kinds: Any) -> None:
        listed = tuple(kinds) if isinstance(kinds, (tuple, list)) else (kinds,)
        if not listed:
            raise UsageError("item is empty", hint=_DECLARE)
        self._kinds = {kind: _kind(kind) for kind in listed}
        self._first = self._kinds[listed[0]]
        self._by_type: dict[type, _Kind] = {
            typing.get_origin(kind) or kind: one for kind, one in self._kinds.items() if not one.is_dict
        }
        self._names = " or ".join(kind.__name__ for kind in listed)

    @property
    def fields(self) -> frozenset[str]:
        """The fields of all classes together."""
        return frozenset(name for kind in self._kinds.values() for name in kind.fields)

    def of(self, item: Any) -> Any:
        """The item, checked and converted."""
        is_dict = isinstance(item, dict)
        fields = as_dict(item) if is_dict else {}
        kind = self._meant(fields) if is_dict else self._by_type.get(type(item)) or self._derived(item)
        try:
            return kind.of_dict(fields) if is_dict else kind.of_instance(item)
        except (WrongItem, DropItem):
            raise
        except Exception as error:  # of the constructor or a validator of the class
            raise _failed(kind, error) from error

    def _meant(self, fields: dict[str, Any]) -> _Kind:
        if len(self._kinds) == 1:
            return self._first
        names = fields.keys()
        for kind in self._kinds.values():
            if kind.required <= names <= kind.fields:
                return kind
        shown = ", ".join(list(fields)[:8])
        raise WrongItem(f"dict with {shown or 'no fields'}", f"it has not the fields of {self._names}")

    def _derived(self, item: Any) -> _Kind:
        own = type(item)
        if not any(issubclass(own, kind) for kind in self._by_type):
            raise WrongItem(own.__name__, f"the items of this spider are {self._names}")
        self._by_type[own] = kind = _kind(own)
        return kind


class _Kind:
    """One class."""

    is_dict = False
    name: str
    fields: frozenset[str]
    required: frozenset[str]

    def of_dict(self, fields: dict[str, Any]) -> Any:
        raise NotImplementedError

    def of_instance(self, item: Any) -> Any:
        raise NotImplementedError


class _Typed(_Kind):
    """A dataclass, an attrs class, a struct, or a `TypedDict`: whatever has types and a constructor.

    `make` takes fields by the names of the constructor's parameters, in `renamed` where they differ from the fields'.
    """

    def __init__(
        self,
        name: str,
        make: Callable[..., Any],
        types: Mapping[str, Any],
        required: Iterable[str],
        renamed: Mapping[str, str],
    ) -> None:
        self.name = name
        self._make = make
        self._renamed = dict(renamed)
        self.fields = frozenset(types)
        self.required = frozenset(required)
        self._types = _as_dict(name, types)
        self._nested = [name for name, kind in types.items() if holds_fields(kind)]
        self._choices = {f".{name}": choices_of(kind) for name, kind in types.items()}
        self._lax = [name for name, kind in types.items() if kind not in _SAFE]
        self.is_dict = make is dict
        for field, kind in types.items():
            try:
                msgspec.convert({}, _as_dict(name, {field: kind}), dec_hook=_other)
            except TypeError as error:
                raise UsageError(
                    f"{name}.{field} cannot be checked: {error}", hint=f"annotate it with Any: {field}: Any"
                ) from None

    def of_dict(self, fields: dict[str, Any]) -> Any:
        values = self._converted(fields)
        if not self.required <= values.keys():
            missing = next(iter(sorted(self.required - values.keys(), key=list(self.fields).index)))
            raise WrongItem(f"{self.name}.{missing}", "it is missing, and has no default")
        if self._renamed:
            values = {self._renamed.get(name, name): value for name, value in values.items()}
        return self._make(**values)

    def of_instance(self, item: Any) -> Any:
        fields = {name: getattr(item, name) for name in self.fields if hasattr(item, name)}
        values = self._converted(fields)
        return changed(item, {name: value for name, value in values.items() if not _is_same(value, fields[name])})

    def _converted(self, fields: dict[str, Any]) -> dict[str, Any]:
        given = fields
        if self._nested:
            given = {name: _plain(value) if name in self._nested else value for name, value in fields.items()}
        try:
            values = cast(dict[str, Any], msgspec.convert(given, self._types, strict=False, dec_hook=_other))
        except msgspec.ValidationError as error:
            raise _wrong(self.name, given, error, self._choices) from None
        if len(values) < len(given):
            raise unknown(self.name, given, self.fields)
        for name in self._nested:
            if name in values:
                settle(given[name], values[name], f"{self.name}.{name}")
        for name in self._lax:
            value = values.get(name)
            # "null" and "nan" are taken for what they say, but in the text of a page they are no values.
            if (value is None or (type(value) is float and not isfinite(value))) and isinstance(given.get(name), str):
                raise WrongItem(f"{self.name}.{name}", "this text is no value", reprlib.repr(given[name]))
        return values


class _Model(_Kind):
    """A pydantic model, which knows best what it takes."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.name = model.__name__
        fields = model.model_fields
        self.required = frozenset(name for name, field in fields.items() if field.is_required())
        aliases = [getattr(field, "validation_alias", None) for field in fields.values()]
        self.fields = frozenset([*fields, *(alias for alias in aliases if isinstance(alias, str))])
        self._refuses_unknown = model_names(model) is not None

    def of_dict(self, fields: dict[str, Any]) -> Any:
        if self._refuses_unknown and not fields.keys() <= self.fields:
            raise unknown(self.name, fields, self.fields)
        try:
            item = self._model.model_validate(fields)
        except ValueError as error:
            raise self._wrong(error) from None
        settle(fields, item, self.name)
        return item

    def of_instance(self, item: Any) -> Any:
        """It was checked when it was made, unless somebody has changed it since, or went around that."""
        fields = {**vars(item), **(item.__pydantic_extra__ or {})}
        try:
            checked = self._model.model_validate(fields, by_alias=False, by_name=True)
        except ValueError as error:
            raise self._wrong(error) from None
        return item if vars(checked) == vars(item) else checked

    def _wrong(self, error: ValueError) -> Exception:
        errors = getattr(error, "errors", None)
        if errors is None:
            return error
        first, *others = errors(include_url=False, include_context=False)
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        value = "" if first["type"] == "missing" or not path else reprlib.repr(first["input"])
        more = f", and {len(others)} more" if others else ""
        message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return WrongItem(f"{self.name}{path}", f"{message[:1].lower()}{message[1:]}{more}", value)


def _kind(kind: Any) -> _Kind:
    """What checks a class. Raises `UsageError` for what is none that can be checked."""
    given, kind = kind, typing.get_origin(kind) or kind  # Table[float] is made as Table
    if isinstance(kind, type) and hasattr(kind, "model_validate"):
        return _Model(kind)
    if isinstance(kind, type) and typing.is_typeddict(kind):
        types = {name: _without_required(hint) for name, hint in hints_of(given).items()}
        return _Typed(kind.__name__, dict, types, kind.__required_keys__, {})  # type: ignore[attr-defined]
    names: dict[str, str]  # of the fields; and what the constructor calls them
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        names = {name: name for name in kind.__struct_fields__}
    elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
        names = {field.name: field.name for field in dataclasses.fields(kind) if field.init}
    elif isinstance(kind, type) and hasattr(kind, "__attrs_attrs__"):
        names = {field.name: field.alias for field in kind.__attrs_attrs__ if field.init}
    else:
        raise UsageError(f"item = {reprlib.repr(given)} is no class of items", hint=_DECLARE)
    hints = hints_of(given)
    converted = {field.name for field in getattr(kind, "__attrs_attrs__", ()) if field.converter is not None}
    types = {name: Any if name in converted else hints.get(name, Any) for name in names}
    parameters = inspect.signature(kind).parameters
    required = [
        name
        for name, parameter in names.items()
        if parameter in parameters and parameters[parameter].default is inspect.Parameter.empty
    ]
    renamed = {name: parameter for name, parameter in names.items() if name != parameter}
    return _Typed(kind.__name__, kind, types, required, renamed)


def _as_dict(name: str, types: Mapping[str, Any]) -> Any:
    """The type of dicts that have some of these fields."""
    return TypedDict(name, dict(types), total=False)  # type: ignore[operator]


def _without_required(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (typing.Required, typing.NotRequired) else hint


def _plain(value: Any) -> Any:
    """Objects with fields as dicts, at any depth: msgspec takes those that exist for checked."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, msgspec.Struct):
        encoded = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return {name: _plain(getattr(value, field)) for name, field in encoded}
    if dataclasses.is_dataclass(value) or hasattr(type(value), "__attrs_attrs__"):
        return {name: _plain(one) for name, one in as_dict(value).items()}
    return value


def _other(kind: Any, value: Any) -> Any:
    """Types that msgspec does not know."""
    if isinstance(kind, type):
        if isinstance(value, kind):
            return value
        if issubclass(kind, PurePath) and isinstance(value, str):
            return kind(value)
        if hasattr(kind, "model_validate"):
            if not isinstance(value, dict):
                return kind.model_validate(value)
            try:
                return _model(kind).of_dict(value)
            except WrongItem as wrong:
                raise _InsideError(wrong) from None
    raise TypeError(f"expected `{getattr(kind, '__name__', kind)}`, got `{type(value).__name__}`")


class _InsideError(ValueError):
    """A pydantic model that is a field of another class is wrong."""

    def __init__(self, wrong: WrongItem) -> None:
        super().__init__(str(wrong))
        self.what = wrong.what
        self.value = wrong.value


@lru_cache(1000)
def _model(kind: type) -> _Model:
    return _Model(kind)


def _is_same(value: Any, before: Any) -> bool:
    return value is before or (type(value) is type(before) and value == before)


def _wrong(
    name: str, fields: dict[str, Any], error: msgspec.ValidationError, choices: Mapping[str, Sequence[str]]
) -> WrongItem:
    path, message = message_at(str(error))
    if isinstance(inside := error.__cause__, _InsideError):
        return WrongItem(
            f"{name}{path}{inside.what[inside.what.find('.') :] if '.' in inside.what else ''}", message, inside.value
        )
    if message.startswith("invalid enum value") and choices.get(path):
        message = f"it is one of {', '.join(choices[path])}"
    try:
        value = value_at(path, fields)
    except LookupError:
        return WrongItem(f"{name}{path}", message)
    return WrongItem(f"{name}{path}", f"{message}{_advice(message, value)}", reprlib.repr(value))


def _advice(message: str, value: Any) -> str:
    """What may help where text was to be a number."""
    if not isinstance(value, str) or ("`int" not in message and "`float" not in message):
        return ""
    try:
        return f" (the processor number reads {number(value)})"
    except ValueError:
        return ""


_NAMED = re.compile(r"'(\w+)' ")  # as attrs begins what its validators say


def _failed(kind: _Kind, error: Exception) -> WrongItem:
    """What code of the class raised. `args` of attrs' own validators hold more than their words."""
    message = error.args[0] if len(error.args) > 1 and isinstance(error.args[0], str) else str(error)
    named = _NAMED.match(message)
    place = f"{kind.name}.{named[1]}" if named and named[1] in kind.fields else kind.name
    return WrongItem(place, f"{type(error).__name__}{': ' if message else ''}{message}")

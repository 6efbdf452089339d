"""A spider's arguments: which it declares by annotation, and how text from a command line becomes their values."""

from __future__ import annotations

import collections.abc
import copy
import difflib
import re
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

import msgspec

from crawler.errors import UsageError
from crawler.settings import choices_of


class _Required:
    """The default of an argument that has none."""


REQUIRED = _Required()
_RESERVED = frozenset({"name", "settings", "item", "processors", "pipelines", "unique_by", "state", "expect"})
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Iterable)
_DICTS = (dict, collections.abc.Mapping)
_BOOLS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Argument(NamedTuple):
    """One argument: its name, the type it is converted to, and its default (or `REQUIRED`)."""

    name: str
    kind: Any
    default: Any

    @property
    def type_name(self) -> str:
        """The type as it is written: "int", "list[str]", "str | None"."""
        return _kind_name(self.kind)

    @property
    def is_required(self) -> bool:
        """Whether it has to be given, as there is no default."""
        return self.default is REQUIRED

    def __str__(self) -> str:
        return f"{self.name}: {self.type_name}" + (" (required)" if self.is_required else f" = {self.default!r}")


def declared(owners: Iterable[type | types.ModuleType], excluded: Iterable[str] = ()) -> dict[str, Argument]:
    """The arguments that classes or modules declare by annotated names, the first declared first.

    Of a name declared twice the later owner's type counts. Left out: `ClassVar` and `Final`, names with a leading
    underscore, and what belongs to every spider (`name`, `settings`, `item`, `pipelines`, ...).
    """
    found: dict[str, Argument] = {}
    for owner in owners:
        for name, kind in _annotations(owner).items():
            if name.startswith("_") or name in _RESERVED or name in excluded:
                continue
            if typing.get_origin(kind) in (typing.ClassVar, typing.Final) or kind in (typing.ClassVar, typing.Final):
                continue
            found[name] = Argument(name, kind, getattr(owner, name, REQUIRED))
    return found


def bind(known: Mapping[str, Argument], given: Mapping[str, Any], spider: str) -> dict[str, Any]:
    """The value of every argument: converted if it was given as text, else as given, else a copy of the default.

    Raises `UsageError` that names the argument for one that is unknown, does not fit, or is missing.
    """
    listing = f"its arguments are: {', '.join(map(str, known.values()))}" if known else "it has no arguments"
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}? {listing}" if close else listing
            raise UsageError(f"spider {spider} has no argument {name!r}", hint=hint)
    values = {}
    for name, argument in known.items():
        value = given.get(name, argument.default)
        if value is REQUIRED:
            example = f"{name}=... ({_kind_name(argument.kind)})"
            raise UsageError(
                f"spider {spider} needs the argument {name!r}", hint=f"give it with -a {example}; {listing}"
            )
        if name not in given:
            # Two spiders of one class must not share a list.
            value = copy.deepcopy(value) if isinstance(value, (list, dict, set)) else value
        elif isinstance(value, str):
            try:
                value = converted(value, argument.kind)
            except ValueError as error:
                choices = choices_of(argument.kind)
                told = f"it is one of {', '.join(choices)}" if choices else str(error)
                raise UsageError(
                    f"spider {spider}: {name}={value!r} does not fit {_kind_name(argument.kind)}: {told}", hint=listing
                ) from None
        values[name] = value
    return values


def converted(text: str, kind: Any) -> Any:
    """`text` as a value of type `kind`. Raises `ValueError` if it does not fit.

    Lists are JSON if they begin with "[", else separated by commas; tables are JSON; bool is true, false, 1, 0, yes,
    no, on or off; "null" is None where None fits and text does not.
    """
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    members = [member for member in (typing.get_args(kind) if is_union else (kind,)) if member is not type(None)]
    if members in ([Any], [str], [object]):
        return text
    if is_union and type(None) in typing.get_args(kind) and str not in members and text.strip() == "null":
        return None
    value: Any = text
    origins = [typing.get_origin(member) or member for member in members]
    if any(origin in _LISTS for origin in origins):
        is_json = text.lstrip().startswith("[")
        value = _json(text) if is_json else [part.strip() for part in text.split(",") if part.strip()]
    elif any(origin in _DICTS for origin in origins):
        value = _json(text)
    elif bool in members and int not in members:
        value = _BOOLS.get(text.strip().lower(), text)
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_other)
    except (msgspec.ValidationError, TypeError, re.error) as error:
        raise ValueError(str(error)) from None


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"not valid JSON ({error})") from None


def _other(kind: Any, value: Any) -> Any:
    """Types msgspec does not know: paths, patterns, and what can be made by calling its class with the text."""
    if kind is re.Pattern:
        return re.compile(value)
    if isinstance(kind, type) and (issubclass(kind, PurePath) or isinstance(value, str)):
        return kind(value)
    raise TypeError(f"text cannot be turned into {kind}")


def _annotations(owner: type | types.ModuleType) -> dict[str, Any]:
    """The owner's own annotations, resolved as far as they can be: what cannot is taken from the default's type."""
    raw = _raw_annotations(owner)
    module = owner if isinstance(owner, types.ModuleType) else sys.modules.get(owner.__module__)
    names = {**vars(typing), **vars(module)} if module is not None else dict(vars(typing))
    resolved = {}
    for name, annotation in raw.items():
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", None)
        if text is not None:
            try:
                annotation = eval(text, names, dict(vars(owner)))
            except Exception:  # a name that only a type checker sees
                annotation = typing.ClassVar if "ClassVar" in text else type(getattr(owner, name, ""))
        resolved[name] = annotation
    return resolved


def _raw_annotations(owner: type | types.ModuleType) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        # Annotations are evaluated when asked for; this form does not raise on names it cannot find.
        import annotationlib

        return dict(annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF))
    return dict(vars(owner).get("__annotations__", {}))


def _kind_name(kind: Any) -> str:
    return kind.__name__ if type(kind) is type else str(kind).replace("typing.", "")

"""The types of a class's fields, with what stands for its type variables: `class Prices(Table[float])`."""

from __future__ import annotations

import inspect
import typing
from typing import Any, TypeVar

from crawler.errors import UsageError


def hints_of(kind: Any) -> dict[str, Any]:
    """The types by field of a class, or of one with arguments (`Table[float]`). Variables that stay open are `Any`.

    Raises `UsageError` for names that only a type checker sees.
    """
    own = typing.get_origin(kind) or kind
    try:
        hints = typing.get_type_hints(own, include_extras=True)
    except Exception as error:
        raise UsageError(
            f"the types of {own.__name__} cannot be found out: {error}",
            hint="import what it is annotated with where it is defined, not under `if TYPE_CHECKING`",
        ) from None
    if not any(isinstance(hint, TypeVar) or getattr(hint, "__parameters__", ()) for hint in hints.values()):
        return hints
    bound: dict[type, dict[Any, Any]] = {}
    _bind(kind, bound)
    every = {variable: value for values in bound.values() for variable, value in values.items()}
    for name, hint in hints.items():
        # A class that was made from others (a TypedDict) has their annotations, and not them.
        definer = next((base for base in own.__mro__ if name in inspect.get_annotations(base)), own)
        hints[name] = _with(hint, every if typing.is_typeddict(own) else bound.get(definer, {}))
    return hints


def _bind(kind: Any, bound: dict[type, dict[Any, Any]]) -> None:
    """Note for a class and those it is derived from what stands for the variables of each."""
    own = typing.get_origin(kind) or kind
    values = dict(zip(getattr(own, "__parameters__", ()), typing.get_args(kind), strict=False))
    bound.setdefault(own, {}).update(values)
    for base in getattr(own, "__orig_bases__", own.__bases__):
        if isinstance(typing.get_origin(base) or base, type) and typing.get_origin(base) is not typing.Generic:
            parameters = getattr(base, "__parameters__", ()) if typing.get_args(base) else ()
            _bind(base[tuple(values.get(one, Any) for one in parameters)] if parameters else base, bound)


def _with(hint: Any, values: dict[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return values.get(hint, Any)
    parameters = () if isinstance(hint, type) else getattr(hint, "__parameters__", ())
    return hint[tuple(values.get(one, Any) for one in parameters)] if parameters else hint

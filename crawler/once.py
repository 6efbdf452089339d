"""Attributes that are worked out when they are first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - a decorator, as `property` is
    """As `functools.cached_property`, without the lock that Python 3.11 takes for each first look: a page has twelve of
    them, and never belongs to two threads.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.func = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> once[T]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> once[T] | T:
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self.func(owner)
        return value

"""Pipelines as a spider lists them, and as they are called: one function of an item and its page for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from crawler.errors import UsageError
from crawler.items.dedupe import Dedupe

_LOOKS_LIKE = "a pipeline is a class with process(self, item), an instance of one, or a function of an item"


class Pipeline:
    """One pipeline of the user's. `process(item, page)` returns whatever theirs does."""

    def __init__(self, name: str, process: Callable[[Any, Any], Any], owner: Any, wants_page: bool = False) -> None:
        self.name = name  # for people: "Upper"
        self._process = process
        self._owner = owner
        self.wants_page = wants_page

    def send(self, item: Any, page: Any, _: list[int]) -> Any:
        return self._process(item, page)

    def open(self, spider: Any) -> None:
        """Tell it to begin, if it wants to know."""
        begin = getattr(self._owner, "open", None)
        if callable(begin):
            begin(spider)

    def close(self) -> None:
        """Tell it that no item comes any more, if it wants to know."""
        end = getattr(self._owner, "close", None)
        if callable(end):
            end()


def pipeline(listed: Any, place: str) -> Pipeline | Dedupe:
    """A pipeline from what is listed at `place` ("pipelines of spider films"). Classes are called without arguments.

    Raises `UsageError` for what is none, and whatever a class raises.
    """
    if listed is Dedupe:
        raise UsageError(f"Dedupe in {place} does not say which field is the key", hint='write Dedupe("url")')
    if isinstance(listed, Dedupe):
        return listed
    owner = listed
    if isinstance(listed, type):
        if not callable(getattr(listed, "process", None)):
            raise UsageError(f"the class {listed.__name__} in {place} has no process(self, item)", hint=_LOOKS_LIKE)
        if missing := _required(listed):
            raise UsageError(
                f"{listed.__name__} in {place} needs {', '.join(missing)}",
                hint=f"list an instance: {listed.__name__}({missing[0]}=...)",
            )
        owner = listed()
    process = getattr(owner, "process", None)
    if not callable(process):
        if not callable(owner):
            raise UsageError(f"{listed!r} in {place} is no pipeline", hint=_LOOKS_LIKE)
        process = owner
    name = getattr(listed, "__name__", "") or type(listed).__name__
    called = _with_page(process, name, place)
    return Pipeline(name, called, owner, wants_page=called is process)


def keys_of(unique_by: Any, place: str) -> list[Dedupe]:
    """What `unique_by` of a spider says, as the last pipeline. Raises `UsageError` where it says nothing sensible."""
    if not unique_by:
        return []
    fields = (unique_by,) if isinstance(unique_by, str) else unique_by
    if not isinstance(fields, Sequence) or not all(isinstance(field, str) and field for field in fields):
        raise UsageError(
            f"unique_by of {place} is {unique_by!r}", hint='name a field, or several: unique_by = ("site", "id")'
        )
    return [Dedupe(*fields)]


def _required(kind: type) -> list[str]:
    """The arguments without which a class cannot be called."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        one.name
        for one in parameters
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]


def _with_page(process: Callable[..., Any], name: str, place: str) -> Callable[[Any, Any], Any]:
    """`process`, called with an item and its page if it wants both, else with the item."""
    if inspect.iscoroutinefunction(process):
        raise UsageError(f"{name} in {place} is async", hint="write a plain def")
    try:
        signature = inspect.signature(process)
    except (TypeError, ValueError):  # of C
        return lambda item, _: process(item)
    for arguments in ((None, None), (None,)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return process if len(arguments) == 2 else lambda item, _: process(item)
    raise UsageError(f"{name} in {place} cannot be called with an item", hint=f"it takes {signature}; {_LOOKS_LIKE}")

"""What the items of a spider go through on their way to the ledger, in this order: processors and the declared class,
while the page is read; then pipelines, and the key that has to be unique, once the callback has come to its end.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import GeneratorType
from typing import Any

from crawler.errors import UsageError
from crawler.item import DropItem, WrongItem, as_dict, is_item, to_json
from crawler.items.changed import changed
from crawler.items.declared import Declared
from crawler.items.dedupe import Dedupe, Taken, Unique
from crawler.items.pipelines import Pipeline, keys_of, pipeline
from crawler.request import Request
from crawler.saved import FileItem

_Steps = tuple[tuple[Callable[[Any], Any], bool], ...]  # functions, and whether they are asked for None


class ItemStages:
    """The stages of one spider.

    - `declared`: its `item`; `processors`, `pipelines`, `unique_by`: as the spider has them.
    - `further`: pipelines of the settings, after its own.

    Raises `UsageError` for what cannot be meant, and what the constructors of pipelines raise.
    """

    def __init__(
        self,
        name: str,
        *,
        declared: Any = None,
        processors: Any = None,
        pipelines: Any = (),
        unique_by: Any = (),
        further: Sequence[Any] = (),
    ) -> None:
        place = f"spider {name}"
        self.at = ""
        self._declared = Declared(declared) if declared is not None else None
        self._processors = _steps(processors or {}, place)
        if isinstance(pipelines, (str, type)) or not isinstance(pipelines, Iterable):
            raise UsageError(f"pipelines of {place} is no list", hint="write pipelines = [Upper]")
        listed = [pipeline(one, f"pipelines of {place}") for one in pipelines]
        listed += [pipeline(one, "the setting items.pipelines") for one in further]
        listed += keys_of(unique_by, place)
        self._taken = Taken()
        self._pipelines: list[Pipeline | Unique] = []
        keyed: list[tuple[str, ...]] = []
        for one in listed:
            if isinstance(one, Dedupe):
                self._pipelines.append(Unique(one, self._taken, keyed.count(one.fields), declared is not None))
                keyed.append(one.fields)
            else:
                self._pipelines.append(one)
        self._check_fields(place, keyed)
        self._opened: list[Pipeline] = []
        self._is_open = False

    def _check_fields(self, place: str, keyed: Sequence[tuple[str, ...]]) -> None:
        """Whether the declared classes have the fields that processors and the keys are about."""
        if self._declared is None:
            return
        known = self._declared.fields
        for field in [*self._processors, *(field for fields in keyed for field in fields if not self.runs_user_code)]:
            if field not in known:
                raise UsageError(
                    f"{place} names the field {field!r}, which its items do not have",
                    hint=f"they have {', '.join(sorted(known))}",
                )

    @property
    def checks(self) -> bool:
        """Whether `check` has something to do."""
        return self._declared is not None or bool(self._processors)

    @property
    def has_pipelines(self) -> bool:
        """Whether `process` has something to do. Not before they are open."""
        return self._is_open and bool(self._pipelines)

    @property
    def runs_user_code(self) -> bool:
        """Whether `process` runs code of the user."""
        return any(isinstance(one, Pipeline) for one in self._pipelines)

    def check(self, item: Any) -> Any:
        """The item with its fields processed, as the class it is declared as. Raises `WrongItem` and `DropItem`."""
        if type(item) is FileItem:
            return item
        if self._processors:
            item = self._processed(item)
        return item if self._declared is None else self._declared.of(item)

    def open(self, spider: Any, number: int, is_stored: Callable[[int], bool]) -> None:
        """Open all pipelines, in their order."""
        self._taken.begin(number, is_stored)
        self._is_open = True
        for one in self._pipelines:
            if isinstance(one, Pipeline):
                self.at = f"{one.name}.open"
                self._opened.append(one)  # first: what was half opened wants to be closed
                one.open(spider)

    def process(self, item: Any, page: Any, keys: list[int], dropped: list[str]) -> list[Any]:
        """What pipelines make of an item: itself, another one, several, or none.

        `keys` is given those that are taken for what is left, and if something is raised all that were taken;
        `dropped` the reasons of those that are left out.
        """
        items: list[tuple[Any, tuple[int, ...]]] = [(item, ())]  # and the keys that were taken for each
        for step in self._pipelines:
            self.at = step.name
            given: list[tuple[Any, tuple[int, ...]]] = []
            for one, own in items:
                before = len(keys)
                try:
                    result = step.send(one, page, keys)
                    own += tuple(keys[before:])
                    if type(result) is GeneratorType:
                        given += [(_checked(each, step.name), own) for each in result]
                    elif result is None:
                        dropped.append(f"by {step.name}")
                    else:
                        given.append((_checked(result, step.name), own))
                except DropItem as drop:
                    dropped.append(str(drop.reason) or f"by {step.name}")
            items = given
        if keys:
            self._keep(keys, items)
        return [one for one, _ in items]

    def _keep(self, keys: list[int], items: Sequence[tuple[Any, tuple[int, ...]]]) -> None:
        """Leave those of the keys that belong to items which will be stored; the others are free again."""
        kept = {key for item, own in items if _can_be_written(item) for key in own}
        self._taken.forget([key for key in keys if key not in kept])
        keys[:] = [key for key in keys if key in kept]

    def forget(self, keys: Iterable[Iterable[int]]) -> None:
        """Items with these keys are in the ledger, or never will be."""
        for own in keys:
            self._taken.forget(own)

    def close(self, failed: Callable[[BaseException], None]) -> None:
        """Close the pipelines that were opened, in their order; `failed` is told what they raise."""
        self._is_open = False
        while self._opened:
            one = self._opened.pop(0)
            self.at = f"{one.name}.close"
            try:
                one.close()
            except BaseException as error:
                failed(error)

    def _processed(self, item: Any) -> Any:
        if isinstance(item, dict):
            fields = as_dict(item)
        else:
            fields = {name: getattr(item, name) for name in self._processors if hasattr(item, name)}
        for name, steps in self._processors.items():
            value = fields.get(name)
            try:
                for step, takes_none in steps:
                    if value is not None or takes_none:
                        value = step(value)
            except DropItem:
                raise
            except Exception as error:
                raise _from(name, error, reprlib.repr(fields.get(name))) from error
            if value is not None or name in fields:
                fields[name] = value
        if isinstance(item, dict):
            return fields
        return changed(item, {name: value for name, value in fields.items() if value is not getattr(item, name, None)})


def _steps(processors: Any, place: str) -> dict[str, _Steps]:
    if not isinstance(processors, Mapping):
        raise UsageError(f"processors of {place} is no dict", hint='write processors = {"title": str.strip}')
    steps = {}
    for field, given in processors.items():
        functions = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        for function in functions:
            if not callable(function):
                raise UsageError(
                    f"processors of {place}: {function!r} for {field!r} is no function",
                    hint=f'write {{"{field}": function}} or {{"{field}": (one, another)}}',
                )
        steps[str(field)] = tuple((function, bool(getattr(function, "takes_none", False))) for function in functions)
    return steps


def _checked(item: Any, name: str) -> Any:
    """What a pipeline returned, if that is an item."""
    if isinstance(item, Request):
        raise TypeError(f"{name} returned a Request; callbacks yield requests, and a pipeline has items alone")
    if not is_item(item):
        shown = f"{type(item).__name__} {reprlib.repr(item)}"
        raise TypeError(f"{name} returned {shown}; a pipeline returns an item, or None to drop it, or yields several")
    return item


def _can_be_written(item: Any) -> bool:
    try:
        to_json(as_dict(item))
    except Exception:  # whoever writes it tells that
        return False
    return True


def _from(what: str, error: Exception, value: str = "") -> WrongItem:
    message = str(error)
    return WrongItem(what, f"{type(error).__name__}{': ' if message else ''}{message}", value)

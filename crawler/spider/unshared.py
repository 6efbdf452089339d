"""Notices that a callback remembers something in its spider, where each worker has a spider of its own.

Assignments to `self` are seen as they happen. Lists, dicts and the like that the spider, its class or its file has, and
names of its file, are looked at after each of the first pages: what has changed is told with the line that names it.
"""

from __future__ import annotations

import dis
import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from crawler.spider.base import Spider
from crawler.spider.module_spider import ModuleSpider
from crawler.spider.trace import is_ours, place

_PAGES = 200  # that are looked at
_BOXES = (list, dict, set, deque, bytearray)
_OURS = frozenset({"item_stages", "page_options", "sitemaps_of"})
_STORES = ("STORE_GLOBAL", "STORE_ATTR")
_NAMES = (*_STORES, "LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "LOAD_NAME")

_Box = tuple[str, Any, int]  # "self.seen", the object itself, and how much was in it


class Unshared:
    """Watches one spider. `note` is what there is to tell, "" for nothing so far; it is told once."""

    def __init__(self, spider: Spider) -> None:
        self.note = ""
        self._spider = spider
        self._module = sys.modules.get(type(spider).__module__)
        if isinstance(spider, ModuleSpider):
            self._module = spider.module
        self._callback = ""  # that runs now
        self._pages = 0
        self._boxes: list[_Box] = []
        self._globals: dict[str, int] = {}
        _watch(spider, self._assigned)

    def begin(self, callback: str) -> None:
        """A callback is about to run."""
        self._callback = callback
        if self._pages < _PAGES and not self.note:
            self._boxes = list(self._boxes_now())
            self._globals = {name: id(value) for name, value in self._globals_now()}

    def end(self) -> None:
        """It has run."""
        if self._pages < _PAGES and not self.note:
            self._pages += 1
            for what, box, size in self._boxes:
                if len(box) != size:
                    self._tell(what, self._line(what.rpartition(".")[2]))
                    break
            else:
                for name, value in self._globals_now():
                    if self._globals.get(name, 0) != id(value):
                        self._tell(name, self._line(name))
                        break
        self._callback = ""

    def _assigned(self, name: str, file: str, line: int) -> None:
        if self._callback and not self.note and name not in _OURS and not is_ours(file):
            self._tell(f"self.{name}", place(file, line))

    def _tell(self, what: str, where: str) -> None:
        self.note = (
            f"{where + ': ' if where else ''}{self._callback} of spider {self._spider.name} changes {what}, and with "
            "parse_in = pool each worker has its own: what one remembers the others do not know, and it is lost with "
            "the worker. Put it into the data of requests, or into items; crawl.parse_in = main has one spider"
        )

    def _boxes_now(self) -> Iterator[_Box]:
        for owner in (self._spider, *type(self._spider).__mro__):
            if owner in (Spider, object) or (isinstance(owner, type) and is_ours(_file_of(owner))):
                continue
            for name, value in vars(owner).items():
                if isinstance(value, _BOXES) and name not in _OURS:
                    yield f"self.{name}", value, len(value)
        if self._module is not None:
            for name, value in vars(self._module).items():
                if isinstance(value, _BOXES) and not name.startswith("__"):
                    yield name, value, len(value)

    def _globals_now(self) -> Iterator[tuple[str, Any]]:
        if self._module is not None:
            for name, value in vars(self._module).items():
                if not name.startswith("__"):
                    yield name, value

    def _line(self, name: str) -> str:
        """The line that is most likely to be meant: where the callback names it, else another function of the file."""
        found = []
        for distance, code in enumerate(self._codes()):
            for instruction in dis.get_instructions(code):
                if instruction.argval == name and instruction.opname in _NAMES:
                    line = instruction.positions.lineno if instruction.positions is not None else None
                    found.append((distance > 0, instruction.opname not in _STORES, distance, line or 0, code))
        if not found:
            return ""
        _, _, _, line, code = min(found, key=lambda one: one[:4])
        return place(code.co_filename, line)

    def _codes(self) -> Iterator[CodeType]:
        """Those of the callback first."""
        functions: dict[str, Any] = {}
        for owner in (*reversed(type(self._spider).__mro__), self._module):
            functions.update(vars(owner) if owner is not None else {})
        names = [self._callback.partition(" ")[0], *functions]
        for name in dict.fromkeys(names):
            function = functions.get(name)
            if isinstance(function, FunctionType) and not is_ours(function.__code__.co_filename):
                yield from _with_inner(function.__code__)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _file_of(kind: type) -> str:
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ""


def _watch(spider: Spider, assigned: Callable[[str, str, int], None]) -> None:
    """Have `assigned(name, file, line)` called for whatever is set on the spider."""
    kind = type(spider)

    def set_attribute(self: Any, name: str, value: Any) -> None:
        frame = sys._getframe(1)
        assigned(name, frame.f_code.co_filename, frame.f_lineno)
        kind.__setattr__(self, name, value)

    body = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "name": kind.name,
        "__setattr__": set_attribute,
    }
    try:
        meta: Any = type(kind)
        spider.__class__ = meta(kind.__name__, (kind,), body)
    except Exception:  # a class that wants no others made of it; assignments are not seen then
        return

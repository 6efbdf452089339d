"""A spider as a value that crosses to a worker, which makes a spider of its own from it.

What crosses is the place of its class and what the object has; its code is loaded there, from its file. So nothing
depends on how a worker was started, or on what it has inherited.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from crawler.errors import SpiderLoadError, UsageError
from crawler.spider import load
from crawler.spider.base import Spider
from crawler.spider.load import import_file, module_name
from crawler.spider.module_spider import ModuleSpider, spider_class
from crawler.spider.trace import tell

_PROTOCOL = 5
_NOT_ITS_OWN = frozenset({"item_stages", "page_options", "sitemaps_of"})  # those it gets where it runs
_MAIN = "__main__"


class Recipe(msgspec.Struct, frozen=True):
    """How to make a spider.

    - `path`: of its file. `module`: what its module is called where the spider was made.
    - `is_file`: whether the module is loaded by its path; else it is imported by its name, as modules of packages are.
    - `kind`: its class in the module, "" if the module is the spider.
    - `arguments`, `values`: pickled, by name; the latter is everything the object has. `is_whole`: nothing of it is
      missing, so its `__init__` need not run again.
    """

    name: str
    path: str
    module: str
    is_file: bool
    kind: str
    arguments: dict[str, bytes]
    values: dict[str, bytes]
    is_whole: bool


def recipe_of(spider: Spider) -> Recipe:
    """Raises `UsageError` for a spider that no other process could make."""
    kind = type(spider)
    module = spider.module if isinstance(spider, ModuleSpider) else sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    if module is None or not file or not os.path.isfile(file):
        raise UsageError(
            f"spider {spider.name} has no file, and with parse_in = pool each worker loads it from there",
            hint="save it as a file and run that, or leave crawl.parse_in at main",
        )
    place = "" if isinstance(spider, ModuleSpider) else kind.__qualname__
    if "<locals>" in place:
        raise UsageError(
            f"the class of spider {spider.name} is made inside a function, and with parse_in = pool each worker has to "
            f"find it in its file",
            hint="define it at the top level of the file, or leave crawl.parse_in at main",
        )
    path = Path(file).resolve()
    spec = getattr(module, "__spec__", None)
    name = module.__name__
    if name == _MAIN and spec is not None:  # python -m
        name = spec.name
    is_file = name in (_MAIN, module_name(path))
    if is_file and module.__name__ == _MAIN:
        sys.modules.setdefault(module_name(path), module)  # what its classes are called when they come back
    source = module if place == "" else spider
    arguments = {one: data for one in kind.arguments() if (data := _pickled(getattr(source, one, None))) is not None}
    own = {one: _pickled(value) for one, value in vars(spider).items() if one not in _NOT_ITS_OWN}
    values = {one: data for one, data in own.items() if data is not None}
    return Recipe(spider.name, str(path), name, is_file, place, arguments, values, len(values) == len(own))


def made(recipe: Recipe, elsewhere: bool) -> Spider:
    """A spider as the recipe says; `elsewhere`: in another process than the one whose spider it was.

    Raises `SpiderLoadError` for whatever its file or its `__init__` raises.
    """
    module = _module(recipe) if elsewhere else _module_here(recipe)
    try:
        return _made(recipe, module)
    except UsageError:
        raise
    except Exception as error:
        told = tell(error, recipe.path)
        place = told.where or recipe.path
        raise SpiderLoadError(
            f"{place}: spider {recipe.name} cannot be made in a worker: {type(error).__name__}: {told.message}",
            hint="with parse_in = pool each worker has a spider of its own; crawl.parse_in = main has one",
            trace=told.trace,
        ) from None


def _made(recipe: Recipe, module: ModuleType) -> Spider:
    def read(data: bytes) -> Any:
        return _Unpickler(io.BytesIO(data), module).load()

    arguments = {name: read(data) for name, data in recipe.arguments.items()}
    if not recipe.kind:
        return spider_class(module, recipe.name)(**arguments)
    kind: Any = module
    for part in recipe.kind.split("."):
        kind = getattr(kind, part)
    if not kind.is_named:
        kind.name = recipe.name
    if recipe.is_whole:
        spider: Spider = kind.__new__(kind)
    else:
        spider = kind(**arguments)
    vars(spider).update({name: read(data) for name, data in recipe.values.items()})
    return spider


@lru_cache(maxsize=64)
def _loaded(path: str) -> ModuleType:
    load.is_worker = True  # a script may have its `crawl(...)` at the top level
    try:
        return import_file(Path(path))  # once: spiders of one file share what stands in it
    finally:
        load.is_worker = False


def _module(recipe: Recipe) -> ModuleType:
    if recipe.is_file:
        return _loaded(recipe.path)
    try:
        return importlib.import_module(recipe.module)
    except (Exception, SystemExit) as error:
        told = tell(error)
        raise SpiderLoadError(
            f"{told.where or recipe.path}: cannot import {recipe.module} in a worker: "
            f"{type(error).__name__}: {told.message}",
            trace=told.trace,
        ) from None


def _module_here(recipe: Recipe) -> ModuleType:
    module = sys.modules.get(recipe.module) or sys.modules.get(module_name(Path(recipe.path)))
    return module if module is not None else _module(recipe)


class _Unpickler(pickle.Unpickler):
    """Finds what belonged to `__main__` in the module that was loaded from its file."""

    def __init__(self, data: io.BytesIO, module: ModuleType) -> None:
        super().__init__(data)
        self._module = module

    def find_class(self, module: str, name: str) -> Any:
        if module != _MAIN:
            return super().find_class(module, name)
        found: Any = self._module
        for part in name.split("."):
            found = getattr(found, part)
        return found


def _pickled(value: Any) -> bytes | None:
    """None for what cannot cross."""
    try:
        return pickle.dumps(value, _PROTOCOL)
    except Exception:
        return None

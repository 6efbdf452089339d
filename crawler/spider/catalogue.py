"""The spiders in a folder, each with what can be said of it before it runs."""

from __future__ import annotations

import inspect
from pathlib import Path

import msgspec

from crawler.errors import CrawlError
from crawler.spider.arguments import Argument
from crawler.spider.base import Spider
from crawler.spider.load import import_file
from crawler.spider.module_spider import is_module_spider, spider_class
from crawler.spider.trace import shown


class Listed(msgspec.Struct, frozen=True):
    """A spider as `crawl run` takes it (`target`), or a file that is none because of `error`.

    `about` is the first line of the docstring.
    """

    target: str
    name: str = ""
    about: str = ""
    arguments: tuple[Argument, ...] = ()
    error: str = ""


def spiders_in(folder: Path) -> list[Listed]:
    """All spiders of the .py files in a folder, by file name. Files without one are left out, broken ones are not."""
    listed: list[Listed] = []
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            listed += spiders_of(path)
    return listed


def spiders_of(path: Path) -> list[Listed]:
    """The spiders of one file."""
    target = shown(str(path))
    try:
        module = import_file(path)
    except CrawlError as error:
        return [Listed(target, path.stem, error=error.message)]
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Spider) and value.__module__ == module.__name__
    ]
    leaves = [value for value in own if not any(other is not value and issubclass(other, value) for other in own)]
    if not leaves:
        return [_listed(target, path.stem, spider_class(module, path.stem))] if is_module_spider(module) else []
    if len(leaves) == 1:
        (leaf,) = leaves
        return [_listed(target, leaf.name if leaf.is_named else path.stem, leaf, module.__doc__)]
    return [_listed(f"{target}:{leaf.__name__}", leaf.name, leaf) for leaf in leaves]


def _listed(target: str, name: str, spider: type[Spider], otherwise: str | None = None) -> Listed:
    about = inspect.cleandoc(vars(spider).get("__doc__") or otherwise or "").partition("\n")[0]
    try:
        known = spider.arguments()
    except Exception as error:  # an annotation is code of the user's
        return Listed(target, name, about, error=f"its arguments: {type(error).__name__}: {error}")
    return Listed(target, name, about, tuple(known.values()))

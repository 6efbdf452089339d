"""A file that is a spider without a class: `start_urls` and `def parse(page)` at module level."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, ClassVar

from crawler.errors import UsageError
from crawler.request import Request
from crawler.spider.arguments import Argument, bind, declared
from crawler.spider.base import Spider, check_names, check_plain
from crawler.spider.page import Page


class ModuleSpider(Spider):
    """Looks like a class of its own; everything in it comes from the module. Arguments are set on the module."""

    module: ClassVar[ModuleType]

    def __init__(self, **arguments: Any) -> None:
        for name, value in bind(self.arguments(), arguments, self.name).items():
            setattr(self.module, name, value)
        self.start_urls = getattr(self.module, "start_urls", ())

    def check(self) -> None:
        super().check()
        for name in ("start", "parse"):
            check_plain(self.name, name, getattr(self.module, name, None))
        check_names(self.name, self.module, hasattr(self.module, "start"), bool(self.settings))

    @classmethod
    def arguments(cls) -> dict[str, Argument]:
        return declared([cls.module])

    def start(self) -> Iterable[Request]:
        start = getattr(self.module, "start", None)
        # Handed on as it is: a generator here would stand between the user's `yield` and the place an error names.
        given: Iterable[Request] = start() if callable(start) else super().start()
        return given

    def parse(self, page: Page) -> Any:
        return self.callback("parse")(page)

    def blocked(self, page: Page) -> bool | str:
        blocked = getattr(self.module, "blocked", None)
        return blocked(page) if callable(blocked) else False

    def closing(self, report: Any) -> None:
        closing = getattr(self.module, "closing", None)
        if callable(closing):
            closing(report)

    def callback(self, name: str) -> Callable[[Any], Any]:
        function = getattr(self.module, name, None)
        if not callable(function):
            raise UsageError(f"spider {self.name} has no callback {name!r}", hint=f"write def {name}(page) in its file")
        return function  # type: ignore[no-any-return]


def is_module_spider(module: ModuleType) -> bool:
    """Whether a module has what a spider needs: `parse`, and `start_urls` (maybe as an argument) or `start`."""
    has_start = callable(getattr(module, "start", None)) or hasattr(module, "start_urls")
    return callable(getattr(module, "parse", None)) and (has_start or "start_urls" in declared([module]))


def spider_class(module: ModuleType, name: str) -> type[ModuleSpider]:
    """The class that stands for such a module."""
    body = {
        "__module__": module.__name__,
        "__doc__": module.__doc__,
        "name": getattr(module, "name", "") or name,
        "settings": getattr(module, "settings", {}),
        "item": getattr(module, "item", None),
        "processors": getattr(module, "processors", {}),
        "pipelines": getattr(module, "pipelines", ()),
        "unique_by": getattr(module, "unique_by", ()),
        "expect": getattr(module, "expect", None),
        "module": module,
    }
    return type(name, (ModuleSpider,), body)

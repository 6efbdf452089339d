"""`Spider`: what a user's class inherits from."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from crawler.errors import UsageError
from crawler.expect import Expect
from crawler.item import as_dict
from crawler.protocols import Stages
from crawler.request import Request
from crawler.saved import FileItem
from crawler.spider.arguments import Argument, bind, declared
from crawler.spider.page import Page
from crawler.spider.page_options import PageOptions
from crawler.spider.trace import shown


class Spider:
    """One site, and how its pages are read.

    ```python
    class Films(Spider):
        start_urls = ["https://example.com/films"]
        pages: int = 10                       # an argument: -a pages=3

        def parse(self, page):
            for title in page.css("h2::text").getall():
                yield {"title": title}
            for url in page.links(pattern="page="):
                yield page.follow(url)
    ```

    - `name`: by default the name of the spider's file, else of its class.
    - `start_urls`: where the crawl begins. Overriding `start` replaces it.
    - `settings`: settings of this spider, dotted (`{"politeness.delay": 2}`) or nested.
    - `item`: what its items are, a dataclass or a class of msgspec, attrs or pydantic, or a tuple of several. Items are
      converted to it; one that does not fit is not stored and counts as an error.
    - `processors`: functions for fields, `{"title": str.strip, "votes": (str.strip, number)}`, before that. They are
      not asked for None.
    - `pipelines`: what items go through in this order before they are stored: classes with `process(item)` or
      `process(item, page)`, and `open(spider)` and `close()` if they need them; instances; functions.
    - `unique_by`: the field, or fields, of which no two stored items may have the same: `unique_by = "url"`.
    - `expect`: what its pages give, an `Expect`, or one for each callback: `{"parse_film": Expect(required="title")}`.
    - `state`: a dict for whatever has to survive a resumed crawl; JSON values.

    Annotated class attributes are arguments, typed by their annotation; without a value they are required. `ClassVar`
    and names with a leading underscore are not arguments.
    """

    name: ClassVar[str] = ""
    start_urls: Sequence[str] = ()
    settings: ClassVar[dict[str, Any]] = {}
    item: ClassVar[Any] = None
    processors: ClassVar[Mapping[str, Any]] = {}
    pipelines: ClassVar[Sequence[Any]] = ()
    unique_by: ClassVar[str | Sequence[str]] = ()
    expect: ClassVar[Expect | Mapping[str, Expect] | None] = None
    item_stages: Stages | None = None  # what its items go through, once it runs
    is_named: ClassVar[bool] = False  # whether the class chose its name itself
    page_options: PageOptions = PageOptions()  # those of its settings, once it runs
    state: dict[str, Any]
    sitemaps_of: Callable[[str], tuple[str, ...]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.is_named = bool(vars(cls).get("name"))
        if not cls.is_named:
            cls.name = cls.__name__

    def __new__(cls, *_: Any, **__: Any) -> Spider:
        spider = super().__new__(cls)
        spider.sitemaps_of = lambda _: ()
        spider.state = {}  # here, so that a subclass whose __init__ forgets super().__init__ has one too
        return spider

    def __init__(self, **arguments: Any) -> None:
        """Set the arguments; those given as text are converted. Raises `UsageError` that names what does not fit."""
        if isinstance(self.start_urls, list):
            self.start_urls = list(self.start_urls)
        for name, value in bind(self.arguments(), arguments, self.name).items():
            setattr(self, name, value)

    @classmethod
    def arguments(cls) -> dict[str, Argument]:
        """The arguments this spider takes, by name."""
        return declared(owner for owner in reversed(cls.__mro__) if owner not in (Spider, object))

    def sitemaps(self, url: str) -> tuple[str, ...]:
        """The sitemaps that the robots.txt of that URL's site names; () if there are none, or it was not fetched."""
        return self.sitemaps_of(url)

    def start(self) -> Iterable[Request]:
        """The requests the crawl begins with: one for each of `start_urls`. May be endless; it is read as needed."""
        for url in self.start_urls:
            yield Request(url)

    @property
    def has_parse(self) -> bool:
        """Whether it reads pages that were asked for without a callback."""
        return getattr(self.parse, "__func__", None) is not Spider.parse

    def parse(self, page: Page) -> Any:
        """Read a page: yield items (dicts, dataclasses, models) and requests (`page.follow(...)`)."""
        raise NotImplementedError(
            f"spider {self.name} has no parse(self, page); write one that yields items and requests, or give every "
            "request a callback"
        )

    def parse_download(self, page: Page) -> Any:
        """Read a file that a `Download` saved: an item of what `page.file` tells and the request's `data` holds.

        Override it, or give `Download` a callback, to read files or to make other items of them.
        """
        more = page.data if isinstance(page.data, dict) else {}
        file = as_dict(page.file)
        yield FileItem({**file, **{name: value for name, value in more.items() if name not in file}})

    def check(self) -> None:
        """Raise `UsageError` for what this spider declares and cannot mean. Asked before anything runs."""
        for name in ("name", "settings"):
            kind = str if name == "name" else Mapping
            value = getattr(self, name)
            if not isinstance(value, kind):
                wanted = "a text" if kind is str else 'a dict: {"politeness.delay": 1}'
                raise UsageError(f"{name} of spider {type(self).__name__} is {value!r}, and not {wanted}")
        for name in ("start", "parse"):
            check_plain(self.name, name, getattr(self, name))
        check_names(self.name, self, type(self).start is not Spider.start, bool(self.settings))

    def blocked(self, page: Page) -> bool | str:
        """Whether this is a verification or ban page instead of the page asked for; a string says which. Says no."""
        return False

    def closing(self, report: Any) -> None:
        """Called once when the crawl has ended, with its report. Does nothing."""

    def callback(self, name: str) -> Callable[[Any], Any]:
        """What a request's callback name stands for: a method of the spider, or a function of its file.

        Raises `UsageError` if there is neither.
        """
        method = getattr(self, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]
        for owner in type(self).__mro__:
            function = getattr(sys.modules.get(owner.__module__), name, None)
            if inspect.isfunction(function) and owner is not Spider and owner is not object:
                return function
        raise UsageError(
            f"spider {self.name} has no callback {name!r}",
            hint=f"callbacks are methods of the spider or functions of its file; write def {name}(self, page)",
        )


# What Scrapy's spiders have under another name, and what is written here. Ignored, they would change what is crawled.
_SCRAPY = {
    "start_requests": "def start(self)",
    "custom_settings": 'settings = {"politeness.delay": 1}',
    "allowed_domains": 'settings = {"scope.allowed_hosts": ["*.example.com"]}',
}


def check_names(spider: str, owner: object, has_start: bool, has_settings: bool) -> None:
    """Raise `UsageError` for a name of Scrapy's in a spider that does not have ours."""
    for name, ours in _SCRAPY.items():
        if hasattr(owner, name) and not (has_start if name == "start_requests" else has_settings):
            raise UsageError(f"spider {spider} has {name}, which is a name of Scrapy's", hint=f"here that is {ours}")


def check_plain(spider: str, name: str, function: Any) -> None:
    """Raise `UsageError` for a function that has to be awaited, or does not take a page ("start": nothing)."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{name} of spider {spider} is async, and callbacks are plain functions",
            hint=f"write def {name}, without async and await: workers fetch meanwhile",
        )
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        return
    wanted = [] if name == "start" else ["page"]
    try:
        inspect.signature(function).bind(*wanted)
    except (TypeError, ValueError) as error:  # ValueError: a method without even a self
        own = ["self", *wanted] if inspect.ismethod(function) else wanted
        code = inspect.unwrap(getattr(function, "__func__", function)).__code__
        raise UsageError(
            f"{name} of spider {spider} cannot be called as it is written ({shown(code.co_filename)}:"
            f"{code.co_firstlineno}): {error}",
            hint=f"write def {name}({', '.join(own)})",
        ) from None

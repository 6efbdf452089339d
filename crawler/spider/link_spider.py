"""`LinkSpider`: a spider that finds its way by rules, each a pattern of URLs and what to do with the pages there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from crawler.errors import UsageError
from crawler.request import Callback, Request
from crawler.spider.base import Spider
from crawler.spider.page import Page
from crawler.spider.read import values_of

_AND_LINKS = " + links"  # behind the name of a callback: of its pages the links are followed as well


class Follow(msgspec.Struct, frozen=True):
    """A rule of a `LinkSpider`: which links of a page are followed, and what becomes of the pages they lead to.

    - `pattern`: a regular expression that is found in the URL (`re.search`); "" fits all.
    - `callback`: reads the page: a method of the spider, a function of its file, or the name of one.
    - `css` or `xpath`: only links in the matching elements, as in `page.links`.
    - `follow`: whether the rules are asked about the links of that page, too; by default only if there is no callback.
      Without a callback, False means that such links are left alone.
    - `process`: gets `(request, page)`, the page being the one the link is on, and returns the request, another one
      (`request.replace(priority=1)`), or None to leave it out. Named like a callback; a lambda will do.

    Raises `UsageError` for a pattern that is none, for css and xpath together, and for a lambda as callback.
    """

    pattern: str | re.Pattern[str] = ""
    callback: Callback | None = None
    css: str | None = None
    xpath: str | None = None
    follow: bool | None = None
    process: str | Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if self.css is not None and self.xpath is not None:
            raise UsageError("a Follow has css= or xpath=, not both", hint="write two of them")
        try:
            re.compile(self.pattern)
        except (re.error, TypeError) as error:
            raise UsageError(f"the pattern {self.pattern!r} of a Follow is no regular expression: {error}") from None
        if self.callback is not None:  # a request knows what can be stored, and by which name
            msgspec.structs.force_setattr(self, "callback", Request("", self.callback).callback)


class LinkSpider(Spider):
    """Follows links by rules. Of those that fit a link the first one counts; a link that none fits is not followed.

    ```python
    class Films(LinkSpider):
        start_urls = ["https://films.example/"]
        rules = [
            Follow("/account/", follow=False),
            Follow("/films/[0-9]+", callback="parse_film"),
            Follow(css=".pager"),
        ]

        def parse_film(self, page):
            yield {"title": page.css("h1::text").get()}
    ```

    The pages of `start_urls` are followed by the rules, and read by `parse_start(page)`, which gives nothing unless it
    is overridden. A callback that wants links of its page followed in its own way yields requests as everywhere;
    `yield from self.follow_links(page)` does what the rules say.
    """

    rules: ClassVar[Sequence[Follow]] = ()

    def check(self) -> None:
        """Raise `UsageError` for rules that are none, and callbacks that are not there."""
        super().check()
        for rule, _, callback, _ in self._ready:
            if callback is not None:
                self.callback(callback)
            for language, query in (("css", rule.css), ("xpath", rule.xpath)):
                if query is not None:
                    self._check_query(language, query)

    def start(self) -> Iterable[Request]:
        """A request for each of `start_urls`."""
        for request in super().start():
            yield request.replace(callback=f"parse_start{_AND_LINKS}")

    def parse_start(self, page: Page) -> Any:
        """Read a page the crawl begins with; its links are followed anyway. Gives nothing."""

    def parse(self, page: Page) -> Any:
        """What becomes of pages that were asked for without a callback: the same as of those the crawl begins with."""
        return self.callback(f"parse_start{_AND_LINKS}")(page)

    def follow_links(self, page: Page) -> Iterator[Request]:
        """The requests for the links of a page that rules fit, rule by rule."""
        links: dict[tuple[str | None, str | None], list[str]] = {}
        taken = set()
        for rule, search, callback, process in self._ready:
            place = rule.css, rule.xpath
            if place not in links:
                links[place] = page.links(css=rule.css, xpath=rule.xpath)
            for url in links[place]:
                if url in taken or not search(url):
                    continue
                taken.add(url)
                if callback is None:
                    continue
                request = Request(url, callback)
                if process is not None:
                    request = process(request, page)
                    if request is None:
                        continue
                yield request

    def callback(self, name: str) -> Callable[[Any], Any]:
        """What a name stands for. Behind the name of a callback, " + links" has the links of its page followed."""
        if not name.endswith(_AND_LINKS):
            return super().callback(name)
        read = super().callback(name.removesuffix(_AND_LINKS))

        def read_and_follow(page: Page) -> Iterator[Any]:
            yield from values_of(read(page), name.removesuffix(_AND_LINKS))
            yield from self.follow_links(page)

        return read_and_follow

    def _check_query(self, language: str, query: str) -> None:
        from lxml import etree
        from parsel.csstranslator import HTMLTranslator

        try:
            etree.XPath(HTMLTranslator().css_to_xpath(query) if language == "css" else query)
        except (SyntaxError, RuntimeError, etree.XPathError) as error:
            raise UsageError(f"a rule of spider {self.name}: {language}={query!r} selects nothing: {error}") from None

    @cached_property
    def _ready(self) -> list[tuple[Follow, Callable[[str], Any], str | None, Callable[..., Any] | None]]:
        """Each rule with its search, the callback of its requests (None: it makes none), and its process."""
        rules: Any = self.rules
        if not isinstance(rules, list | tuple) or not all(isinstance(rule, Follow) for rule in rules):
            raise UsageError(
                f"rules of spider {self.name} is {self.rules!r}, and not a list of Follow(...)",
                hint='write rules = [Follow("/films/", callback="parse_film"), Follow("page=")]',
            )
        return [
            (rule, re.compile(rule.pattern).search, _callback_of(rule), self._process(rule.process))
            for rule in self.rules
        ]

    def _process(self, process: str | Callable[..., Any] | None) -> Callable[..., Any] | None:
        if process is None:
            return None
        name = process if isinstance(process, str) else getattr(process, "__name__", "")
        if isinstance(process, str) or getattr(type(self), name, None) is process:  # of the class: a method
            return self.callback(name)
        return process


def _callback_of(rule: Follow) -> str | None:
    follow = rule.callback is None if rule.follow is None else rule.follow
    if rule.callback is None:
        return "follow_links" if follow else None
    return f"{rule.callback}{_AND_LINKS}" if follow else str(rule.callback)

"""`SitemapSpider`: a spider that finds its pages in sitemaps."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from crawler.errors import UsageError
from crawler.request import Callback, Request
from crawler.robots_text import RobotsText
from crawler.spider.base import Spider
from crawler.spider.page import Page
from crawler.spider.sitemap import read_sitemap
from crawler.spider.sitemap_xml import Entry, absolute

Pattern = str | re.Pattern[str]

_DEEPEST = 4  # indexes in indexes, of which the protocol knows none
_MOST = 52_428_800  # bytes, sitemaps.org, "Sitemap index files"


class SitemapSpider(Spider):
    """Reads the pages that the sitemaps of a site name.

    ```python
    class Shop(SitemapSpider):
        sitemap_urls = ["https://shop.example/robots.txt"]
        sitemap_rules = [("/product/", "parse_product"), ("/category/", "parse_category")]

        def parse_product(self, page):
            yield {"title": page.css("h1::text").get()}
    ```

    - `sitemap_urls`: sitemaps, indexes of sitemaps, feeds, or a robots.txt, whose `Sitemap:` lines are followed.
    - `sitemap_rules`: pairs of a pattern (`re.search` in the URL) and a callback. The first that fits counts; a page
      that none fits is not fetched. Without rules, all go to `parse`.
    - `sitemap_follow`: patterns; only sitemaps in an index whose URL one of them is found in are read. By default all.
    - `sitemap_alternate_links`: also the other languages of a page that its sitemap names.
    - `sitemap_filter(entries)`: override it to choose among the entries, by `entry.lastmod` for example.

    `start_urls`, if there are any, are fetched as well. A sitemap that cannot be read is a page error, with the reason;
    of one that is broken or cut off is taken what can be read, and the log says what is missing. A sitemap may have the
    50 MB and 50,000 entries that the protocol allows, whatever `fetch.max_body` says; indexes may stand in indexes four
    deep.
    """

    sitemap_urls: ClassVar[Sequence[str]] = ()
    sitemap_rules: ClassVar[Sequence[tuple[Pattern, Callback]]] = (("", "parse"),)
    sitemap_follow: ClassVar[Sequence[Pattern]] = ("",)
    sitemap_alternate_links: ClassVar[bool] = False

    def check(self) -> None:
        """Raise `UsageError` for rules that are none, and callbacks that are not there."""
        super().check()
        for name in ("sitemap_urls", "sitemap_rules", "sitemap_follow"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                what = "one string" if isinstance(given, str) else repr(given)
                hint = f"write {name} = [{given!r}]" if isinstance(given, str) else ""
                raise UsageError(f"{name} of spider {self.name} is {what}, not a list", hint=hint)
        for rule in self.sitemap_rules:
            if not isinstance(rule, tuple | list) or len(rule) != 2:
                raise UsageError(
                    f"a rule in sitemap_rules of spider {self.name} is {rule!r}, and not a pattern and a callback",
                    hint='write sitemap_rules = [("/product/", "parse_product")]',
                )
            _check_pattern(rule[0], f"sitemap_rules of spider {self.name}")
            if rule[1] is not None:
                self.callback(str(Request("", rule[1]).callback))
        for pattern in self.sitemap_follow:
            _check_pattern(pattern, f"sitemap_follow of spider {self.name}")

    def start(self) -> Iterable[Request]:
        """A request for each of `sitemap_urls`, then for each of `start_urls`."""
        for url in self.sitemap_urls:
            yield Request(url, callback=self.parse_sitemap, max_body=_MOST)
        yield from super().start()

    def sitemap_filter(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        """Those entries of one sitemap, or of an index, that are to be fetched. All of them."""
        return entries

    def parse_sitemap(self, page: Page) -> Iterator[Request]:
        """The requests for what a sitemap, an index or a robots.txt names. Raises `ValueError` if it is none."""
        if any(urlsplit(url).path == "/robots.txt" for url in (page.url, *page.request.hops)):
            for line in RobotsText(page.body, len(page.body)).sitemaps:
                url = absolute(page.url, line)
                if url is not None:
                    yield Request(url, callback=self.parse_sitemap, max_body=_MOST)
            return
        sitemap = read_sitemap(page.body, page.url, page.truncated)
        if sitemap.kind == "refused":
            raise ValueError(f"no sitemap at {page.url}: {sitemap.reason}")
        if sitemap.reason:
            logging.getLogger(self.name).warning(
                "of the sitemap %s %d entries are read, not all: %s", page.url, len(sitemap.entries), sitemap.reason
            )
        entries = self.sitemap_filter(sitemap.entries)
        if sitemap.kind == "index":
            if page.request.depth >= _DEEPEST:
                raise ValueError(f"{page.url} is an index in more than {_DEEPEST} indexes, and is not followed")
            follow = [re.compile(pattern).search for pattern in self.sitemap_follow]
            for entry in entries:
                if any(found(entry.loc) for found in follow):
                    yield Request(entry.loc, callback=self.parse_sitemap, max_body=_MOST)
            return
        rules: list[tuple[Callable[[str], Any], Callback]] = [
            (re.compile(pattern).search, callback) for pattern, callback in self.sitemap_rules
        ]
        for entry in entries:
            for url in (entry.loc, *entry.alternates) if self.sitemap_alternate_links else (entry.loc,):
                callback = next((callback for found, callback in rules if found(url)), None)
                if callback is not None:
                    yield Request(url, callback)


def _check_pattern(pattern: Any, where: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise UsageError(f"{where}: {pattern!r} is no regular expression: {error}") from None

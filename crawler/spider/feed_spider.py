"""`FeedSpider`: a spider that reads feeds entry by entry."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, ClassVar

from crawler.spider.base import Spider
from crawler.spider.feed import Entry, Format, entries_in
from crawler.spider.page import Page
from crawler.spider.read import values_of


class FeedSpider(Spider):
    """Reads feeds: RSS, Atom, JSON Feed, and tables as JSON Lines or CSV. `start_urls` are their addresses.

    ```python
    class News(FeedSpider):
        start_urls = ["https://news.example/feed.xml"]

        def parse_entry(self, entry, page):
            yield page.follow(entry["link"], self.parse_article, data=entry)

        def parse_article(self, page):
            yield {**page.data, "text": page.css("article").get()}
    ```

    - An entry is a dict. Of RSS, Atom and JSON Feed: `title`, `link` (absolute), `id`, `published`, `updated`,
      `summary`, `content`, `author`, `categories`, `enclosures`; of a table, what its columns are called.
    - `feed_format`: "xml", "json", "jsonl" or "csv"; "" finds out. `feed_delimiter`: what is between the cells of CSV.

    Without a `parse_entry` of its own each entry is an item. A page that is no feed is a page error, with the reason;
    of one that breaks off is taken what can be read, and the log says so.
    """

    feed_format: ClassVar[Format] = ""
    feed_delimiter: ClassVar[str] = ","

    def parse(self, page: Page) -> Iterator[Any]:
        """What `parse_entry` gives for each entry of the feed. Raises `ValueError` if the page is none."""
        missing: list[str] = []
        for entry in entries_in(page, self.feed_format, self.feed_delimiter, missing.append):
            yield from values_of(self.parse_entry(entry, page), "parse_entry")
        for reason in dict.fromkeys(missing):
            logging.getLogger(self.name).warning("of the feed %s not all is read: %s", page.url, reason)

    def parse_entry(self, entry: Entry, page: Page) -> Any:
        """Read an entry: yield items and requests, as from every callback. Gives the entry itself."""
        return entry

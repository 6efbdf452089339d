"""A concurrent web crawler for people who write one Python file.

```python
from crawler import Spider

class Quotes(Spider):
    start_urls = ["https://quotes.example/"]

    def parse(self, page):
        for quote in page.css(".quote"):
            yield {"text": quote.css(".text::text").get()}
```

`crawl run quotes.py -o quotes.jsonl` runs it; `crawl(Quotes, out="quotes.jsonl")` does the same from Python.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; `typing` takes longer to import than all that a command needs first
if TYPE_CHECKING:
    from typing import Any

    from crawler.assemble.crawl import crawl as crawl
    from crawler.download import Download as Download
    from crawler.errors import CrawlError as CrawlError
    from crawler.expect import Expect as Expect
    from crawler.item import DropItem as DropItem
    from crawler.items.dedupe import Dedupe as Dedupe
    from crawler.items.processors import clean as clean
    from crawler.items.processors import default as default
    from crawler.items.processors import number as number
    from crawler.observe.report import Report as Report
    from crawler.request import Request as Request
    from crawler.response import Failure as Failure
    from crawler.response import Response as Response
    from crawler.spider.base import Spider as Spider
    from crawler.spider.feed_spider import FeedSpider as FeedSpider
    from crawler.spider.link_spider import Follow as Follow
    from crawler.spider.link_spider import LinkSpider as LinkSpider
    from crawler.spider.page import Page as Page
    from crawler.spider.sitemap_spider import SitemapSpider as SitemapSpider

# Imported when first asked for: a worker needs none of these, and a spider only some.
_PLACES = {
    "CrawlError": "crawler.errors",
    "Dedupe": "crawler.items.dedupe",
    "DropItem": "crawler.item",
    "Download": "crawler.download",
    "Failure": "crawler.response",
    "Expect": "crawler.expect",
    "FeedSpider": "crawler.spider.feed_spider",
    "Follow": "crawler.spider.link_spider",
    "LinkSpider": "crawler.spider.link_spider",
    "Page": "crawler.spider.page",
    "Report": "crawler.observe.report",
    "Request": "crawler.request",
    "Response": "crawler.response",
    "SitemapSpider": "crawler.spider.sitemap_spider",
    "Spider": "crawler.spider.base",
    "clean": "crawler.items.processors",
    "crawl": "crawler.assemble.crawl",
    "default": "crawler.items.processors",
    "number": "crawler.items.processors",
}

__all__ = [
    "CrawlError",
    "Dedupe",
    "Download",
    "DropItem",
    "Expect",
    "Failure",
    "FeedSpider",
    "Follow",
    "LinkSpider",
    "Page",
    "Report",
    "Request",
    "Response",
    "SitemapSpider",
    "Spider",
    "clean",
    "crawl",
    "default",
    "number",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'crawler' has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]

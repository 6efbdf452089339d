"""How big some start pages are: the smallest spider that is of use.

    crawl run spiders/page_sizes.py -o sizes.txt --format 'url:<{url}> size:[{size}]'
    crawl run spiders/page_sizes.py -a urls=https://example.com/,https://example.org/ -o sizes.jsonl

`size` is the length of the page in bytes, after decompression.
"""

from crawler import Request, Spider


class PageSizes(Spider):
    urls: list[str] = [
        "https://docs.python.org/3/",
        "https://www.gnu.org/",
        "https://www.w3.org/",
        "https://www.rfc-editor.org/",
        "https://example.com/",
    ]

    def start(self):
        for url in self.urls:
            yield Request(url)

    def parse(self, page):
        yield {"url": page.url, "size": len(page.body)}

"""The spider that is measured: four fields of every page, and every link followed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from crawler import Page, Request, Spider

_NAME, _PRICE, _STOCK, _MAKER = (
    etree.XPath(f"string({path})", smart_strings=False)
    for path in ("//h1[@class='name']", "//p[@class='price']", "//p[@class='stock']", "//p[@class='maker']")
)


class Bench(Spider):
    name = "bench"
    hosts: list[str] = ["http://127.0.0.1:8099"]
    hosts_file: str = ""  # the same as a JSON list: many hosts are more than one argument can hold
    busy: float = 0.0  # seconds of CPU that reading a page takes besides

    def start(self) -> Iterator[Request]:
        for host in json.loads(Path(self.hosts_file).read_text()) if self.hosts_file else self.hosts:
            yield Request(f"{host}/p/0.html")

    def parse(self, page: Page) -> Iterator[object]:
        tree = page.tree
        if self.busy:
            until = time.thread_time() + self.busy
            while time.thread_time() < until:
                pass
        yield {
            "url": page.url,
            "name": _NAME(tree),
            "price": _PRICE(tree),
            "stock": _STOCK(tree),
            "maker": _MAKER(tree),
        }
        for link in page.links():
            yield Request(link)

"""A spider with everything that has to be the same wherever its pages are read."""

import logging
import warnings
from dataclasses import dataclass

from lxml import etree

from crawler import Download, DropItem, Request, Spider

_NAME = etree.XPath("string(//h1)")  # nothing that can be pickled


@dataclass
class Part:
    at: str
    number: int


class Numbered:
    """Counts all items, which only works in one place."""

    opened = []

    def open(self, spider):
        self.opened.append("open")
        self.count = 0

    def process(self, item, page):
        if isinstance(item, Part):
            return item
        self.count += 1
        if item.get("at") == "/dropped":
            raise DropItem("not wanted")
        return {**item, "size": len(page.body)} if "at" in item else item

    def close(self):
        self.opened.append(f"close after {self.count > 10}")


class Everything(Spider):
    site: str
    pages: int = 12
    pipelines = [Numbered]
    processors = {"at": str.strip}
    unique_by = "at"

    def start(self):
        yield Request(f"{self.site}/page/1")
        yield Request(f"{self.site}/gone", on_failure=self.note_failure, data="was 404")
        yield Request(f"{self.site}/form", callback=read_answer, method="POST", body="q=1")
        yield Request(f"{self.site}/robot", callback="parse")

    def blocked(self, page):
        if page.url.endswith("/strange"):
            raise ValueError("strange page")
        return "the site's own wall" if b"are you a robot" in page.body else False

    def parse(self, page):
        at = page.url.removeprefix(self.site)
        yield {"at": f" {at} ", "from": page.data, "depth": page.request.depth, "name": _NAME(page.tree)}
        if page.file is None and at.startswith("/page/"):
            yield Part(at=f"part {at}", number=int(at.rpartition("/")[2]))
        for number, link in enumerate(page.xpath("//a/@href").getall()):
            yield page.follow(link, data=number, priority=number)
        if at == "/page/1":
            for url in page.links(pattern="page"):
                yield Request(url)
            yield Download(f"{self.site}/sheet.txt", data={"of": at})
            yield {"copy": page.save("one.html").sha256}
            yield {"at": "same", "n": 1}
            yield {"at": "same", "n": 1}
            logging.getLogger("everything").warning("page one was read")
            warnings.warn("old\x1b[2J", UserWarning, stacklevel=1)
        if at == "/page/5":
            yield from self.parse_five(page)

    def parse_five(self, page):
        for url in ("/broken", "/odd", "/strange", "/dropped"):
            yield page.follow(url, callback="parse_bad" if url in ("/broken", "/odd") else None)

    def parse_bad(self, page):
        if page.url.endswith("/odd"):
            yield {"at": "/odd"}
            yield {"odd": object()}
            yield {"at": 5}
        else:
            yield {"at": "never"}
            raise KeyError("price")

    def note_failure(self, failure):
        yield {"failed": failure.url.removeprefix(self.site), "kind": failure.kind, "data": failure.request.data}


def read_answer(page):
    yield {"at": "/answer", "hops": len(page.request.hops), "cookie": page.text}

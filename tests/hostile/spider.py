"""The spider that visits them all: `starts` is a file with the requests of start(), one JSON object per line."""

import json
import re
from pathlib import Path

from crawler import Request, Spider


class Hostile(Spider):
    name = "hostile"
    starts: Path

    def start(self):
        for line in self.starts.read_text().splitlines():
            yield Request(**json.loads(line))

    def blocked(self, page):
        return f"soft 404: {page.text[:200]}" if "Page not found" in page.text[:200] else ""

    def parse(self, page):
        links = page.links()
        title = page.xpath("string(//title)").get() or None
        yield {
            "name": page.data["name"],
            "url": page.url,
            "address": page.url.split("/")[2].partition(":")[0],
            "title": title,
            "text": page.text[:500],
            "links": len(links),
            "first": links[0] if links else "",
            "truncated": page.truncated,
        }
        if title == "raises":
            raise ValueError(page.text)
        if title == "unstorable":
            yield {"name": page.data["name"], "what": object()}
        if title == "runaway":
            re.search(r"(a+)+$", page.text)
        if page.data["follow"]:
            for link in links:
                yield page.follow(link, data=page.data)

"""The spider of `benchmarks/frontier.py`: few pages, each of which leads to very many URLs that nobody has seen."""

from crawler import Request, Spider


class Flood(Spider):
    name = "flood"
    port: int
    pages: int = 200
    links: int = 10_000
    hosts: int = 100

    def start(self):
        for number in range(self.pages):
            yield Request(f"http://127.0.1.{number + 1}:{self.port}/{number}", priority=1)
        yield Request(f"http://127.0.1.{self.pages + 1}:{self.port}/last", priority=1)

    def parse(self, page):
        if page.url.endswith("/last"):
            return
        number = int(page.url.rpartition("/")[2])
        yield {"page": number}
        for link in range(self.links):
            yield Request(f"http://127.9.9.{link % self.hosts + 1}:9/products/category-{number}/item-{link}.html")

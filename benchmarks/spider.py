"""The benchmark spider: four fields of every page, and every link followed."""

from lxml import etree

from crawler import Request, Spider

_NAME, _PRICE, _STOCK, _MAKER = (
    etree.XPath(f"string({path})", smart_strings=False)
    for path in ("//h1[@class='name']", "//p[@class='price']", "//p[@class='stock']", "//p[@class='maker']")
)


class Bench(Spider):
    name = "bench"
    hosts: list[str] = ["http://127.0.0.1:8099"]

    def start(self):
        for host in self.hosts:
            yield Request(f"{host}/p/0.html")

    def parse(self, page):
        tree = page.tree
        yield {
            "url": page.url,
            "name": _NAME(tree),
            "price": _PRICE(tree),
            "stock": _STOCK(tree),
            "maker": _MAKER(tree),
        }
        for link in page.links():
            yield Request(link)

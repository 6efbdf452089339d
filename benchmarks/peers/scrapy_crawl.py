"""A peer to compare with: the crawl of `crawler/bench/spider.py` with Scrapy.

`python scrapy_crawl.py HOSTS.json OUTPUT PER_HOST`; it needs `scrapy`, in an environment of its own. The XPaths are
compiled once, as in the other programs; robots.txt, the console and logging are off, nothing else is.
"""

import json
import sys

import scrapy
from lxml import etree
from scrapy.crawler import CrawlerProcess

NAME, PRICE, STOCK, MAKER = (
    etree.XPath(f"string({path})", smart_strings=False)
    for path in ("//h1[@class='name']", "//p[@class='price']", "//p[@class='stock']", "//p[@class='maker']")
)


class Bench(scrapy.Spider):
    name = "bench"

    async def start(self):
        for host in HOSTS:
            yield scrapy.Request(f"{host}/p/0.html")

    def parse(self, response):
        tree = response.selector.root
        yield {
            "url": response.url,
            "name": NAME(tree),
            "price": PRICE(tree),
            "stock": STOCK(tree),
            "maker": MAKER(tree),
        }
        for href in tree.xpath("//a/@href"):
            yield response.follow(href)


with open(sys.argv[1], encoding="utf-8") as addresses:
    HOSTS = json.load(addresses)
PER_HOST = int(sys.argv[3])
process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": max(64, PER_HOST * len(HOSTS)),
        "CONCURRENT_REQUESTS_PER_DOMAIN": PER_HOST,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {sys.argv[2]: {"format": "jsonlines"}},
    }
)
process.crawl(Bench)
process.start()

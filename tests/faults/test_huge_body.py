"""A body of 100 MB crosses from the worker to the spider, whole."""

from hashlib import sha256

SIZE = 100_000_000

SPIDER = """
from hashlib import sha256

from crawler import Request, Spider


class Site(Spider):
    name = "site"
    site: str
    pages: int

    def start(self):
        for number in range(self.pages):
            yield Request(f"{self.site}/{number}")

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        yield {"number": number, "text": page.text if number else sha256(page.body).hexdigest()}
"""


def test_a_body_of_100_mb_arrives_whole_among_others(crawl_of):
    body = bytes(range(0x20, 0x7E)) * (SIZE // 94)
    crawl = crawl_of(pages=20, spider=SPIDER, routes={"/0": body})
    crawl.expected[:] = [
        {**item, "text": sha256(body).hexdigest()} if item["number"] == 0 else item for item in crawl.expected
    ]
    running = crawl.run("-s", "fetch.max_body=200000000")
    code = crawl.end(running)
    assert code == 0, running.stderr
    crawl.account("a body of 100 MB", 1, 0, code)

"""Files to download: the press sheets (PDF) of all new films, checked against the checksum that stands beside the link.

    crawl demo --serve --port 8000                        # in a terminal of its own
    crawl run spiders/press_sheets.py -o sheets.jsonl

The files go to `downloads/press/`, each under its name only when it is whole. Run it again: nothing is fetched twice.

One item per file: {'url': 'http://…/press/2001.pdf', 'path': 'downloads/press/2001.pdf', 'size': 595, 'sha256': '…',
'content_type': 'application/pdf', 'title': '纸鹤邮局'}.
"""

from crawler import Download, Request, Spider


class PressSheets(Spider):
    site: str = "http://127.0.0.1:8000"

    def start(self):
        yield Request(f"{self.site.rstrip('/')}/press/")

    def parse(self, page):
        for film in page.css(".press li"):
            yield Download(
                page.urljoin(film.css("a::attr(href)").get()),
                folder="press",
                types=["application/pdf"],
                max_size=1_000_000,
                sha256=film.css("code::text").get(""),
                data={"title": film.css("a::text").get()},
            )

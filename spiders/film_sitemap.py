"""The pages that a sitemap names, found through robots.txt: an index of sitemaps, one of them packed with gzip.

    crawl demo --serve --port 8000                        # in a terminal of its own
    crawl run spiders/film_sitemap.py -o films.jsonl

Only the pages that a rule fits are fetched: films, not boards. One item per film: url, title, and score, None
where there is none yet.
"""

from crawler import SitemapSpider


class FilmSitemap(SitemapSpider):
    site: str = "http://127.0.0.1:8000"
    sitemap_rules = [(r"/films/\d+$", "parse_film")]

    def start(self):
        self.sitemap_urls = [f"{self.site.rstrip('/')}/robots.txt"]
        return super().start()

    def parse_film(self, page):
        score = page.css(".score::text").get("")
        yield {
            "url": page.url,
            "title": page.css("h1.name::text").get(),
            "score": score if score.replace(".", "").isdigit() else None,
        }

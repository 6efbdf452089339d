"""A JSON API, page by page: each answer names the cursor of the next one.

    crawl demo --serve --port 8000                        # in a terminal of its own
    crawl run spiders/film_api.py -o films.jsonl
    crawl run spiders/film_api.py -a limit=50 -o films.csv

One item per film, as the API gives it: {'id': 1001, 'title': '盐与星轨', 'actors': ['…', '…'], 'score': 9.6}.
"""

from urllib.parse import urlencode

from crawler import Request, Spider


class FilmApi(Spider):
    site: str = "http://127.0.0.1:8000"
    limit: int = 20

    def start(self):
        yield self.ask(limit=self.limit)

    def parse(self, page):
        answer = page.json()
        yield from answer["films"]
        if answer["next"]:
            yield self.ask(limit=self.limit, cursor=answer["next"])

    def ask(self, **parameters):
        url = f"{self.site.rstrip('/')}/api/films?{urlencode(parameters)}"
        return Request(url, headers={"Accept": "application/json"})

"""Pages behind a login: fill in the form, keep the session, then follow the list from page to page.

    crawl demo --serve --port 8000                        # in a terminal of its own
    FILMS_PASSWORD=demo crawl run spiders/watchlist.py -o watchlist.jsonl

`page.form()` sends what stands in the form, the hidden token as well; the session cookie is kept and sent by itself.
The password comes from the environment: an argument would stand in the history of the shell.

One item per film: {'title': '雨街三十九号', 'time': '…'}.
"""

import os

from crawler import Request, Spider


class Watchlist(Spider):
    site: str = "http://127.0.0.1:8000"
    user: str = "demo"

    def start(self):
        yield Request(f"{self.site.rstrip('/')}/login", callback=self.log_in)

    def log_in(self, page):
        password = os.environ.get("FILMS_PASSWORD", "")
        yield page.form(id="login", fields={"user": self.user, "password": password}, callback=self.logged_in)

    def logged_in(self, page):
        # A site says with status 200, too, that a password is wrong. Without this look the crawl would be empty.
        if error := page.css(".error::text").get():
            raise RuntimeError(f"no login for {self.user}: {error}")
        yield from self.parse(page)

    def parse(self, page):
        for film in page.css(".watchlist li"):
            yield {"title": film.css("a::text").get(), "time": film.css("time::text").get()}
        if page.next_url:
            yield page.follow(page.next_url)

"""What the tests of the command share: a spider in the folder they run in."""

import pytest


@pytest.fixture
def films(write, site):
    """`films.py` beside the tests' files: the ten films of board 7 of the demo site, without any pause."""
    return write(
        "films.py",
        f"""
        from crawler import Request, Spider

        class Films(Spider):
            site: str = "{site.url}"
            pages: int = 1
            settings = {{"politeness.delay": 0}}

            def start(self):
                for page in range(self.pages):
                    yield Request(f"{{self.site}}/board/4?offset={{10 * page}}")

            def parse(self, page):
                for film in page.css("dd"):
                    yield {{"index": film.css("i::text").get(), "title": film.css(".name a::text").get()}}
        """,
    )

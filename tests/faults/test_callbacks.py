"""Whatever a callback raises is one page error; all other pages are stored."""

from pathlib import Path

import crawler

SPIDER = """
from crawler import Request, Spider


class OwnBase(BaseException):
    pass


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__()


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text either")

    __repr__ = __str__


class ExitsAsText(Exception):
    def __str__(self):
        raise SystemExit("as text")


def too_deep():
    return too_deep()


class Site(Spider):
    name = "site"
    site: str
    pages: int

    def start(self):
        for number in range(self.pages):
            yield Request(f"{self.site}/{number}")

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        if number != 13:
            yield {"number": number, "text": page.text}
        match number:
            case 1:
                raise KeyboardInterrupt
            case 2:
                raise SystemExit(0)
            case 3:
                raise GeneratorExit
            case 4:
                too_deep()
            case 5:
                raise MemoryError
            case 6:
                raise OwnBase("own")
            case 7:
                raise Odd(1, 2)
            case 8:
                raise NoText
            case 9:
                raise ExitsAsText
            case 10:
                raise BaseExceptionGroup("two", [OwnBase(), KeyboardInterrupt()])
            case 11:
                raise StopIteration
            case 12:
                raise UnicodeDecodeError("utf-8", b"\\xff" * 1_000_000, 0, 1, "bad")
            case 13:
                yield {"number": number, "text": object()}
"""
RAISING = range(1, 13)


def test_every_exception_of_a_callback_is_counted_and_costs_only_its_page(crawl_of):
    crawl = crawl_of(pages=60, spider=SPIDER)
    crawl.noise = (
        f"{Path(crawler.__file__).parent}/",
        *crawl.noise[1:],
    )  # tracebacks show the spider's lines and no other
    running = crawl.run()
    code = crawl.end(running)
    failed = crawl.query("SELECT url FROM requests WHERE state = 2")
    assert sorted(int(url.rsplit("/", 1)[1]) for (url,) in failed) == list(RAISING), running.stderr
    assert "13 errors" in running.stderr or "errors 13" in running.stderr, running.stderr  # with an item that is none
    assert code == 1
    crawl.account("exceptions of callbacks, 12 kinds", 12, 0, code, without=(*RAISING, 13))

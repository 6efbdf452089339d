"""What the spider tests share: a spider from its file, a page opened from bytes, and the foreign pages."""

import urllib.request
from pathlib import Path

import pytest
import responses

from crawler import crawl
from crawler.demo.site import serve
from crawler.request import Request
from crawler.response import Response
from crawler.spider.load import load
from crawler.spider.page import Page

ROOT = Path(__file__).parents[2]
FOREIGN = ROOT.parent / "shared" / "data" / "maoyan"


@pytest.fixture
def spider():
    """`spider("maoyan", site="http://...")`: `spiders/maoyan.py`, loaded with arguments as text, as from `-a`."""

    def build(name, **arguments):
        return load(str(ROOT / "spiders" / f"{name}.py"), {key: str(value) for key, value in arguments.items()})

    return build


@pytest.fixture
def page():
    """`page(html, url)`: as if `html` (text or bytes) had been fetched from `url`."""

    def open_page(html, url="https://www.maoyan.com/board/7", data=None):
        body = html.encode() if isinstance(html, str) else html
        headers = (("Content-Type", "text/html; charset=utf-8"),)
        return Page(Response(url, 200, headers, body), Request(url, data=data))

    return open_page


@pytest.fixture
def foreign_page(page):
    """`foreign_page("board7_2018-12-10.html", url)`: a saved page of the real site, not part of the project."""

    def open_foreign(name, url):
        path = FOREIGN / name
        if not path.is_file():
            pytest.skip(f"needs the saved page {path}")
        return page(path.read_bytes(), url)

    return open_foreign


@pytest.fixture(scope="session")
def demo():
    """The demo site, running."""
    with serve() as site:
        yield site


@pytest.fixture
def fetch(page):
    """`fetch(request)`: the page that the demo site answers with, over a real socket."""

    def fetch_page(request):
        with urllib.request.urlopen(request.url, timeout=10) as answer:
            return page(answer.read(), request.url, request.data)

    return fetch_page


@pytest.fixture
def offline():
    """`offline.get(url, body=...)`: `responses` answers in place of all sites; nobody else does."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mocked:
        yield mocked


@pytest.fixture(params=["thread", "inline"])
def run(request):
    """`run("maoyan", site=...)`: a whole crawl of a shipped spider in threads of this process; its report.

    As a user's test would have it: nobody registers a robots.txt, and the crawl asks for it.
    """

    def crawl_offline(name, settings=None, **arguments):
        settings = {
            "crawl": {"pool": request.param, "workers": 2},
            "politeness.delay": 0,
            "robots.obey": True,
            **(settings or {}),
        }
        return crawl(ROOT / "spiders" / f"{name}.py", arguments=arguments, settings=settings)

    return crawl_offline

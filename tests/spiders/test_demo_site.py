"""Every shipped spider crawls the built-in site, over real sockets, and finds what is true there."""

import pytest

from crawler import crawl
from crawler.demo import api, login, pages, press, sitemaps
from crawler.demo.films import BOARDS, films
from tests.spiders.conftest import ROOT

TRUE = {
    "maoyan": lambda site: films(7),
    "maoyan_top100": lambda site: films(4, site),
    "film_api": lambda site: api.films(),
    "film_sitemap": sitemaps.items,
    "watchlist": lambda site: login.films(),
    "press_sheets": lambda site: [press.sha256(press.sheet(film)) for film in BOARDS[7]],
    "page_sizes": lambda site: [{"url": f"{site}/robots.txt", "size": len(pages.robots(site))}],
}


def test_no_spider_is_forgotten():
    assert sorted(TRUE) == sorted(path.stem for path in (ROOT / "spiders").glob("*.py"))


@pytest.mark.parametrize("name", TRUE)
def test_it_finds_what_is_there(name, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FILMS_PASSWORD", "demo")
    arguments = {"urls": f"{demo.url}/robots.txt"} if name == "page_sizes" else {"site": demo.url}
    settings = {"crawl.pool": "inline", "politeness.delay": 0, "robots.obey": True}
    report = crawl(ROOT / "spiders" / f"{name}.py", arguments=arguments, settings=settings)
    found = [item["sha256"] for item in report.items] if name == "press_sheets" else report.items
    assert found == TRUE[name](demo.url)
    assert report.exit_code == 0

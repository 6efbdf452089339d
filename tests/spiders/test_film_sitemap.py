"""`spiders/film_sitemap.py` reads an index of sitemaps and a packed one. No network: `responses` answers."""

from urllib.parse import urlsplit

import pytest

from crawler.demo import pages, sitemaps
from crawler.demo.answer import HTML

SITE = "http://films.example"


@pytest.fixture
def films(offline):
    """The site, with its sitemaps; fetching a board would be an error."""
    offline.get(f"{SITE}/robots.txt", body=pages.robots(SITE), content_type="text/plain")
    for path in ("/sitemap.xml", "/sitemap-boards.xml", "/sitemap-films.xml.gz"):
        told = sitemaps.answer(path, SITE)
        offline.get(SITE + path, body=told.body, content_type=told.content_type)
    for film in sitemaps.FILMS:
        offline.get(f"{SITE}/films/{film.id}", body=pages.film(film).encode(), content_type=HTML)
    return offline


def test_the_films_of_the_packed_sitemap_are_read_and_no_board_is(films, run):
    report = run("film_sitemap", site=SITE)
    assert sorted(report.items, key=lambda item: item["url"]) == sorted(
        sitemaps.items(SITE), key=lambda item: item["url"]
    )
    assert report.exit_code == 0
    asked = {urlsplit(call.request.url).path for call in films.calls}
    assert not [path for path in asked if path.startswith("/board")]


def test_a_film_without_a_score_has_none(spider, page):
    newest = sitemaps.BOARDS[7][-1]
    [item] = spider("film_sitemap").parse_film(page(pages.film(newest), f"{SITE}/films/{newest.id}"))
    assert item == {"url": f"{SITE}/films/{newest.id}", "title": newest.title, "score": None}

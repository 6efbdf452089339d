"""The sitemaps of the demo site (sitemaps.org): an index, a part as XML, and a part that is packed with gzip."""

from __future__ import annotations

import gzip

from crawler.demo.answer import Answer, text
from crawler.demo.films import BOARDS, Film

XML = "application/xml"
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"

FILMS = [*BOARDS[7], *BOARDS[4][:15]]  # those that the sitemap names


def answer(path: str, site: str) -> Answer | None:
    """The sitemap at `path`, with URLs that begin with `site`; None if there is none."""
    match path:
        case "/sitemap.xml":
            return text(index(site), XML)
        case "/sitemap-boards.xml":
            return text(boards(site), XML)
        case "/sitemap-films.xml.gz":
            return Answer(200, "application/gzip", films(site))
    return None


def index(site: str) -> str:
    parts = ("sitemap-boards.xml", "sitemap-films.xml.gz")
    entries = "".join(f"<sitemap><loc>{site}/{part}</loc></sitemap>\n" for part in parts)
    return _document("sitemapindex", entries)


def boards(site: str) -> str:
    return _document("urlset", "".join(f"<url><loc>{site}/board/{number}</loc></url>\n" for number in (7, 4)))


def films(site: str) -> bytes:
    """The part with the films, packed; every time the same bytes."""
    entries = "".join(f"<url><loc>{site}/films/{film.id}</loc><lastmod>2024-05-20</lastmod></url>\n" for film in FILMS)
    return gzip.compress(_document("urlset", entries).encode(), mtime=0)


def items(site: str) -> list[dict[str, str | None]]:
    """The true items of the films that the sitemap names, as `spiders/film_sitemap.py` yields them."""
    return [_item(film, site) for film in FILMS]


def _item(film: Film, site: str) -> dict[str, str | None]:
    return {"url": f"{site}/films/{film.id}", "title": film.title, "score": film.score}


def _document(kind: str, entries: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="{_SCHEMA}">\n{entries}</{kind}>\n'

"""Real pages: each is read as UTF-8 (all of them are), with its title and its links.

What links a page has is asked of another parser, Python's own.
"""

import gzip
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from crawler import Page, Request, Response
from tests.conformance.result import Result

_URL = "https://www.example.org/news/page.html"
# Links that lead to a page for sure: other names may be left out by their ending.
_PAGE_NAME = re.compile(r"[^.]*|.*\.(?:html?|php|aspx?)")
_PLAIN = re.compile(
    r"https?://[\w.-]+(?:/(?!\.)[\w\-.%+,~:&=]+)+/?(?:\?[\w\-./&=%+,~]+)?", re.ASCII
)  # nothing to normalise


def results(data: Path) -> list[Result]:
    """One result per page of `pages/`."""
    return [_result(path) for path in sorted((data / "pages").glob("*.html.gz"))]


def _result(path: Path) -> Result:
    body = gzip.decompress(path.read_bytes())
    faults = list(_faults(Page(Response(_URL, 200, (("content-type", "text/html"),), body), Request(_URL))))
    return Result(path.name[:12], not faults, "; ".join(faults))


def _faults(page: Page) -> Iterator[str]:
    other = _Anchors()
    other.feed(page.body.decode("utf-8", "replace"))
    if page.encoding != "utf-8" or page.text.count("\ufffd") > 1:  # one page has a broken character of its own
        yield f"read as {page.encoding}, with {page.text.count(chr(0xFFFD))} broken characters"
    if (page.css("title::text").get() or "").strip() != other.title.strip() or not other.title.strip():
        yield f"title {page.css('title::text').get()!r} instead of {other.title!r}"
    links = {url.removesuffix("?") for url in page.links(nofollow=False)}  # urljoin drops an empty query
    wanted = {urljoin(other.base or _URL, href).partition("#")[0] for href in other.hrefs}
    missing = sorted(url for url in wanted if _is_page(url) and url not in links)
    if not links or missing:
        yield f"{len(links)} links, without {missing[:5]}"


def _is_page(url: str) -> bool:
    if not _PLAIN.fullmatch(url):
        return False
    parts = urlsplit(url)
    return bool(parts.path) and _PAGE_NAME.fullmatch(parts.path.rpartition("/")[2]) is not None


class _Anchors(HTMLParser):
    """The hrefs of all `<a>`, the first `<title>` and the `<base>` of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.title = ""
        self.base = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href and not href.strip().startswith("#"):
            self.hrefs.append(href.strip())
        elif tag == "base":
            self.base = self.base or href or ""
        self._in_title = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

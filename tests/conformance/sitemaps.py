"""Sitemaps: those of crawler-commons are read whole.

How many pages each names is asked of another parser, Python's own: all of them are well-formed XML, or text.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from crawler.spider.sitemap import Sitemap, read_sitemap
from tests.conformance.result import Result

_KINDS = {"url": "urlset", "sitemap": "index", "item": "rss", "entry": "atom"}


def results(data: Path) -> list[Result]:
    """One result per file of `sitemaps/`."""
    folder = data / "sitemaps"
    return [_result(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()]


def _result(path: Path, folder: Path) -> Result:
    name = str(path.relative_to(folder))
    body = path.read_bytes()
    faults = list(_faults(read_sitemap(body, f"https://www.example.org/{name}"), body))
    return Result(name, not faults, "; ".join(faults))


def _faults(sitemap: Sitemap, body: bytes) -> Iterator[str]:
    kind, count, urls = _expected(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    if (sitemap.kind, len(sitemap.entries)) != (kind, count):
        yield f"{sitemap.kind} with {len(sitemap.entries)} entries instead of {kind} with {count}"
    if sitemap.reason:
        yield sitemap.reason
    missing = [entry.loc for entry in sitemap.entries if entry.loc not in urls]
    if missing:
        yield f"names {missing[:5]}, which do not stand there"


def _expected(body: bytes) -> tuple[str, int, set[str]]:
    """The kind, the number of entries, and all URLs that stand in the file."""
    if not body.lstrip().startswith(b"<"):
        lines = body.decode("utf-8-sig").split()
        return "text", len(lines), set(lines)
    elements = list(ElementTree.fromstring(body).iter())
    kinds = [_KINDS[name] for element in elements if (name := element.tag.rpartition("}")[2]) in _KINDS]
    texts = {(element.text or "").strip() for element in elements}
    return kinds[0], len(kinds), texts | {element.get("href", "") for element in elements}

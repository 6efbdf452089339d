"""The entries of a feed as dicts: RSS 0.9 to 2.0 and 1.0 (RDF), Atom (RFC 4287), JSON Feed, JSON Lines, CSV (RFC 4180).

Nothing is loaded from elsewhere and no entity is expanded, whatever the feed says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import StringIO
from typing import Any, Literal

import msgspec
from lxml import etree

from crawler.spider.page import Page
from crawler.spider.tree import parse_xml
from crawler.url import join

Format = Literal["", "xml", "json", "jsonl", "csv"]
Entry = dict[str, Any]

_END = re.compile(r"</(?:\w+:)?(?:rss|RDF|feed)\s*>\s*(?:<!--.*?-->\s*)*$", re.DOTALL)
_TAIL = 10_000  # characters in which a feed ends
_ENTRIES = frozenset({"item", "entry"})
_FEEDS = frozenset({"rss", "RDF", "feed"})
# Which elements a field is taken from, best one first; names without their namespaces.
_TEXTS = {
    "title": ("title",),
    "id": ("guid", "id"),
    "summary": ("summary", "description"),
    "content": ("encoded", "content"),
}
_DATES = {"published": ("pubDate", "published", "issued", "date"), "updated": ("updated", "modified")}
_OF_JSON_FEED = {
    "title": "title",
    "url": "link",
    "id": "id",
    "date_published": "published",
    "date_modified": "updated",
    "summary": "summary",
    "tags": "categories",
}


def entries_in(
    page: Page, format: Format = "", delimiter: str = ",", missing: Callable[[str], object] = str
) -> Iterator[Entry]:
    """The entries of the feed on a page, in its order.

    Of RSS, Atom and JSON Feed: `title`, `link` (absolute), `id`, `published` and `updated` (ISO 8601 where the date can
    be read, else as written), `summary`, `content`, `author`, `categories` and `enclosures` (lists); what an entry does
    not have is None or []. Of CSV the first line gives the names; of JSON Lines each line is an object.

    Without a `format` it is found out. Raises `ValueError` if the page is no feed. Of one that breaks off the entries
    before that are given, and `missing` is told the reason, as it is of items that are none.
    """
    text = page.text.lstrip("\ufeff \t\r\n")
    match format or _format_of(text):
        case "xml":
            yield from _xml(page, text, missing)
        case "json":
            yield from _json_feed(page, missing)
        case "jsonl":
            yield from _json_lines(page, text)
        case _:
            if not format and delimiter not in text.partition("\n")[0]:
                raise ValueError(f"no feed at {page.url}: no XML, no JSON, and no {delimiter!r} in its first line")
            yield from _csv(page, text, delimiter)


def _format_of(text: str) -> Format:
    if text.startswith("<"):
        return "xml"
    if not text.startswith("{"):
        return "csv"
    head = text.partition("\n")[0]
    try:
        first = msgspec.json.decode(head)
    except (msgspec.DecodeError, RecursionError):
        return "json"  # of several lines
    return "json" if isinstance(first, dict) and "jsonfeed.org" in str(first.get("version", "")) else "jsonl"


def _xml(page: Page, text: str, missing: Callable[[str], object]) -> Iterator[Entry]:
    root = parse_xml(text)
    if _name(root) not in _FEEDS:
        raise ValueError(f"no feed at {page.url}: its root is <{_name(root)}>")
    entries = [element for element in root.iter(etree.Element) if _name(element) in _ENTRIES]
    # A parser that forgives closes what is open at the end: that entry is half of one.
    is_whole = not page.truncated and _END.search(text, max(len(text) - _TAIL, 0)) is not None
    for element in entries if is_whole else entries[:-1]:
        yield _entry(element, page.url)
    if not is_whole:
        missing("it breaks off")


def _entry(element: etree._Element, base: str) -> Entry:
    children: dict[str, list[etree._Element]] = {}
    for child in element.iterchildren(etree.Element):
        children.setdefault(_name(child), []).append(child)

    def first(names: Iterable[str]) -> str | None:
        values = (_text(child) for name in names for child in children.get(name, ()))
        return next((value for value in values if value), None)

    links = children.get("link", [])
    found: Entry = {"title": first(_TEXTS["title"]), "link": _link(links, children.get("guid", []), base)}
    found |= {field: first(names) for field, names in _TEXTS.items() if field != "title"}
    found |= {field: _date(first(names)) for field, names in _DATES.items()}
    authors = [child for name in ("author", "creator") for child in children.get(name, ())]
    people = (next((_text(one) for one in author if _name(one) == "name"), None) or _text(author) for author in authors)
    found["author"] = next((person for person in people if person), None)
    terms = [one.get("term") or _text(one) for name in ("category", "subject") for one in children.get(name, ())]
    found["categories"] = [term for term in terms if term]
    hrefs = [one.get("url") for one in children.get("enclosure", ())]
    hrefs += [one.get("href") for one in links if one.get("rel") == "enclosure"]
    found["enclosures"] = [_absolute(element, href, base) for href in hrefs if href]
    return found


def _link(links: list[etree._Element], ids: list[etree._Element], base: str) -> str | None:
    """Where an entry leads to: its link of Atom or RSS, else an id that says it is one (RSS 2.0, `isPermaLink`)."""
    for link in links:
        if link.get("rel", "alternate") == "alternate" and (href := link.get("href") or _text(link)):
            return _absolute(link, href, base)
    for one in ids:
        if one.get("isPermaLink", "true") == "true" and (_text(one) or "").startswith(("http://", "https://")):
            return _absolute(one, _text(one) or "", base)
    return None


def _absolute(element: etree._Element, href: str, base: str) -> str:
    try:
        return _joined(join(base, element.base or ""), href)
    except ValueError:
        return href


def _joined(base: str, href: str) -> str:
    try:
        return join(base, href.strip())
    except ValueError:
        return href


def _text(element: etree._Element) -> str | None:
    """The text of an element; of one with elements in it (`type="xhtml"`), their markup."""
    if len(element) and next(element.iterchildren(etree.Element), None) is not None:
        inner = b"".join(etree.tostring(child, encoding="utf-8") for child in element).decode()
        return f"{element.text or ''}{inner}".strip() or None
    return "".join(map(str, element.itertext())).strip() or None


def _date(text: str | None) -> str | None:
    """A date of RFC 5322 or RFC 3339 in ISO 8601; any other as it is written."""
    if text is None:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if read is parsedate_to_datetime and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)  # "-0000": UTC, and nobody says where (RFC 5322, 3.3)
        return moment.isoformat() if len(text) > len("2024-05-01") else text
    return text


def _json_feed(page: Page, missing: Callable[[str], object]) -> Iterator[Entry]:
    """A JSON Feed (jsonfeed.org, version 1 and 1.1)."""
    feed = page.json()
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise ValueError(f"no feed at {page.url}: JSON without a list of items")
    for item in feed["items"]:
        if not isinstance(item, dict):
            missing(f"an item is no object but {type(item).__name__}")
            continue
        entry: Entry = {ours: item.get(theirs) for theirs, ours in _OF_JSON_FEED.items()}
        entry["link"] = _joined(page.url, entry["link"]) if isinstance(entry["link"], str) else None
        entry["id"] = str(entry["id"]) if entry["id"] is not None else None  # as the version 1.1 has it
        authors = item.get("authors") or [item.get("author")]
        entry["content"] = item.get("content_html") or item.get("content_text")
        entry["author"] = next((one.get("name") for one in authors if isinstance(one, dict)), None)
        entry["categories"] = entry["categories"] or []
        entry["enclosures"] = [
            _joined(page.url, str(one["url"]))
            for one in item.get("attachments") or ()
            if isinstance(one, dict) and "url" in one
        ]
        yield entry


def _json_lines(page: Page, text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"line {number} of {page.url} is not JSON: {error}") from None
        if not isinstance(entry, dict):
            raise ValueError(f"line {number} of {page.url} is no object of JSON but {type(entry).__name__}")
        yield entry


def _csv(page: Page, text: str, delimiter: str) -> Iterator[Entry]:
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = reader.fieldnames or ()
        if len(set(names)) < len(names):
            raise ValueError(f"the first line of {page.url} names a column twice")
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} of {page.url} has not as many cells as the first line")
            yield dict(row)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} of {page.url}: {error}") from None


def _name(element: etree._Element) -> str:
    """The tag without its namespace."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]

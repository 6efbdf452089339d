"""Sitemaps and feeds in XML: which elements name a page, and what they say of it.

The text is cut where an entry begins, and each entry is parsed alone: so an unclosed tag, a stray end tag or a second
root spoils one entry, not the rest, and no tree grows. The parser never sees a document type, and every reference
but the five of XML and those to characters is plain text to it: there is no entity to be expanded or loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

import msgspec
from lxml import etree

from crawler.url import join

XmlKind = Literal["index", "urlset", "rss", "atom"]

_KINDS: dict[str, XmlKind] = {
    "sitemap": "index", "url": "urlset", "item": "rss", "entry": "atom",
    "sitemapindex": "index", "urlset": "urlset", "rss": "rss", "rdf": "rss", "feed": "atom",
}  # fmt: skip
_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*+(?:(\[)|>)", re.IGNORECASE)
_ROOT = re.compile(r"<((?:[\w.-]+:)?([\w.-]+))(?=[\s/>])")
# Where an entry begins (group 1), or else a comment or CDATA in which none does.
_START = r"<(?:(?:[\w.-]+:)?(%s)(?=[\s/>])|(?:!--.*?(?:-->|\Z)|!\[CDATA\[.*?(?:\]\]>|\Z)))"
_PLAIN_START = re.compile(r"<(?:[\w.-]+:)?(url|sitemap|item|entry)(?=[\s/>])", re.IGNORECASE)
_START_TAG = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[^<>]*>?")
_OF_SITEMAP, _OF_FEED, _OF_ANY = (
    re.compile(_START % names, re.IGNORECASE | re.DOTALL)
    for names in ("url|sitemap", "item|entry", "url|sitemap|item|entry")
)
_STARTS = {"urlset": _OF_SITEMAP, "sitemapindex": _OF_SITEMAP, "rss": _OF_FEED, "rdf": _OF_FEED, "feed": _OF_FEED}
_END_OF_ENTRY = re.compile(r"</(?:[\w.-]+:)?(?:url|sitemap|item|entry)\s*>", re.IGNORECASE)
_TO_CLEAN = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6});)", re.IGNORECASE | re.DOTALL
)
_LONGEST_ENTRY = 1_000_000  # characters; what is longer ends there
_LONGEST_TAG = 100  # characters of the name of an entry's tag, with its prefix
# Which date is that of the page, best one first: of sitemaps, RSS, Atom, RSS 1.0, news.
_DATES = ("lastmod", "pubdate", "updated", "date", "published", "publication_date")
_ALTERNATE = ("", "alternate")
_WEB = ("http://", "https://")
_PARSER = etree.XMLParser(
    encoding="utf-8",
    recover=True,
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a sitemap says of one page, or an index of one sitemap.

    `loc`: canonical URL · `lastmod`, `changefreq`, `priority`: as written, "" if it says nothing · `alternates`: the
    same page in other languages or formats · `images`: URLs of its pictures.

    The fields can be read as in a dict, too: `entry["lastmod"]`.
    """

    loc: str
    lastmod: str = ""
    changefreq: str = ""
    priority: str = ""
    alternates: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    def __getitem__(self, field: str) -> str | tuple[str, ...]:
        if field not in self.__struct_fields__:
            raise KeyError(field)
        return getattr(self, field)  # type: ignore[no-any-return]


class XmlReader:
    """One document in pieces.

    Once `entries` has been read, `kind` says what it is (None: no sitemap), `refused` why it was not read, and `fault`
    what of it is missing.
    """

    def __init__(self, url: str) -> None:
        self.kind: XmlKind | None = None
        self.refused = ""
        self.fault = ""
        self._url = url

    def entries(self, text: Iterable[str]) -> Iterator[Entry]:
        """The entries of the XML in `text`, whose pieces may be cut anywhere. Relative URLs start from the reader's."""
        pieces = iter(text)
        rest, root = self._begin(pieces)
        if root is None:
            return
        first: XmlKind | None = None
        part = ""
        for part, is_last in _parts(rest, pieces, _STARTS.get(root[2].lower(), _OF_ANY)):
            is_whole = not is_last or _END_OF_ENTRY.search(part) is not None
            # Of an entry without its end, what was closed counts: half a URL is the URL of another page.
            cut = part if is_whole else part[: max(part.rfind("</"), part.rfind("/>") + 2)]
            element = _parsed(cut)
            if element is None:
                continue
            if first is None:
                self.kind = first = _KINDS[_name(element)]
            entry = self._entry(element)
            if entry is not None:
                yield entry
        if not re.search(rf"</{re.escape(root[1])}\s*>", part or rest, re.IGNORECASE):
            self.fault = "its XML ends in the middle"

    def _begin(self, pieces: Iterator[str]) -> tuple[str, re.Match[str] | None]:
        """The text from the root element on, as far as it was read, and the root's start tag."""
        text = ""
        for piece in pieces:
            text += piece
            start = _skip(_PROLOG, text, 0)
            if doctype := _DOCTYPE.match(text, start):
                if doctype[1]:
                    self.refused = "its document type declares entities or the like, which no sitemap needs"
                    return "", None
                start = _skip(_PROLOG, text, doctype.end())
            if root := _ROOT.match(text, start):
                self.kind = _KINDS.get(root[2].lower())
                return text[root.start() :], root
            if len(text) > _LONGEST_ENTRY:
                break
        return "", None

    def _entry(self, element: etree._Element) -> Entry | None:
        found: dict[str, str] = {}
        alternates: list[str] = []
        images: list[str] = []
        for child in element:
            name = _name(child)
            if name == "link" and child.get("href") is not None:
                if (child.get("rel") or "").lower() in _ALTERNATE:
                    alternates.append(child.get("href") or "")
            elif name == "image":
                images += [_text(one) for one in child if _name(one) == "loc"]
            elif name == "news":
                found.update((_name(one), _text(one)) for one in child)
            elif name == "guid" and (child.get("isPermaLink") or "").lower() == "false":
                continue
            elif name not in found and (text := _text(child)):
                found[name] = text
        loc = found.get("loc") or found.get("link") or ""
        if not loc and _name(element) == "entry" and alternates:
            loc = alternates.pop(0)
        if not loc:  # what else may be its URL, and is often something else
            loc = found.get("guid") or element.text or ""
            loc = loc if loc.strip().lower().startswith(_WEB) else ""
        url = absolute(self._url, loc)
        if url is None:
            return None
        return Entry(
            url,
            next((found[name] for name in _DATES if name in found), ""),
            found.get("changefreq", ""),
            found.get("priority", ""),
            tuple(one for href in alternates if (one := absolute(self._url, href)) is not None),
            tuple(one for href in images if (one := absolute(self._url, href)) is not None),
        )


def absolute(base: str, href: str) -> str | None:
    """The canonical http or https URL of `href`, or None if it is none."""
    try:
        url = join(base, href.strip())
    except ValueError:
        return None
    return url if url.startswith(_WEB) and href.strip() else None


def _parts(text: str, pieces: Iterator[str], entry: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """The text from each start of an entry to the next, and whether it is the last one."""
    start = -1  # of the entry that is being read
    position = 0  # up to which the text was looked through
    for piece in chain(("",), pieces, (None,)):
        text += piece or ""
        while match := entry.search(text, position):
            if match[1] is not None:
                if start >= 0:
                    yield text[start : match.start()], False
                start, position = match.start(), match.end()
            elif match.end() < len(text) or text.endswith(("-->", "]]>")):
                position = match.end()
            elif piece is None or len(text) - match.start() > _LONGEST_ENTRY:
                # It is never closed: as if neither it nor any after it had been opened.
                position, entry = match.start() + 4, _PLAIN_START
            else:
                position = match.start()
                break
        else:
            position = max(position, len(text) - _LONGEST_TAG)
        if start >= 0 and len(text) - start > 2 * _LONGEST_ENTRY:
            yield text[start : start + _LONGEST_ENTRY], False
            start = -1
        done = start if start >= 0 else position
        text, position = text[done:], position - done
        start = min(start, 0)
    if start >= 0:
        yield text, True


def _parsed(part: str) -> etree._Element | None:
    """The element an entry is, or None if nothing of it can be parsed."""
    # What the start tag says beside its name is of no use, and may be broken.
    part = _START_TAG.sub(r"<\1>", part, count=1)
    if "&" in part:
        part = _TO_CLEAN.sub(lambda match: "&amp;" if match[0] == "&" else match[0], part)
    try:
        return etree.fromstring(part.encode("utf-8", "replace"), _PARSER)
    except etree.LxmlError:
        return None


def _name(element: etree._Element) -> str:
    """The name of an element without its namespace or prefix, in lower case."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _text(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())).strip()


def _skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start

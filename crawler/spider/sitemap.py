"""Sitemaps: from their bytes to the URLs they name.

Owns the ways in which one may come: gzip, any encoding, XML, plain text. What the XML means is read in
`sitemap_xml`. Everything goes through in pieces; beside the body itself only the entries are held.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

import msgspec

from crawler.spider.encoding import decode
from crawler.spider.sitemap_xml import Entry, XmlReader, absolute

Kind = Literal["index", "urlset", "rss", "atom", "text", "refused"]

MAX_ENTRIES = 50_000  # of one file, as the protocol says; a callback gives all its requests before any is stored
_MOST_CHARACTERS = 32_000_000  # of all URLs of a sitemap together
MAX_SIZE = 100_000_000  # bytes after decompression; the protocol says 50 MB
MAX_RATIO = 200  # decompressed to compressed, counted from the first megabyte on
_PIECE = 65_536  # bytes or characters
_LONGEST_LINE = 1_000_000
_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PROLOG = r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
_ROOT = r"<(?:!doctype|(?:[\w.-]+:)?(?:urlset|sitemapindex|rss|rdf|feed))\b"
_PROPER_START = re.compile(_PROLOG + _ROOT, re.IGNORECASE | re.DOTALL)
_XML_START = re.compile(rf"<\?xml|{_ROOT}", re.IGNORECASE)
_HTML_START = re.compile(_PROLOG + r"<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_WEB = ("http://", "https://")


class Sitemap(msgspec.Struct, frozen=True):
    """One sitemap as read.

    `reason` says why it is refused, or else what of it is missing ("" = nothing): what could be read stands in
    `entries` all the same.
    """

    kind: Kind
    entries: tuple[Entry, ...] = ()
    reason: str = ""


def read_sitemap(body: bytes, url: str, truncated: bool = False, max_entries: int = MAX_ENTRIES) -> Sitemap:
    """The sitemap in `body`, which came from `url` (a canonical URL; relative ones in it start from there).

    Sitemaps and indexes of sitemaps.org, with any namespace or none, RSS, Atom, plain text; each may be compressed
    with gzip. `truncated` says that the end of the body is missing. Whatever the body is, nothing is raised, nothing
    is loaded from elsewhere, and no entity is expanded: one that declares entities is refused.
    """
    source = _Source(body, truncated)
    text = source.text()
    head = _head(text)
    start = _xml_start(head)
    if start is None:
        return _plain(source, chain([head], text), url, max_entries)
    if _HTML_START.match(head, start):
        return Sitemap("refused", reason="it is an HTML page")
    reader = XmlReader(url)
    entries, reason = _bounded(reader.entries(chain([head[start:]], text)), max_entries)
    if reader.refused or reader.kind is None:
        return Sitemap(
            "refused", reason=reader.refused or source.fault or "it is XML or HTML, but no sitemap and no feed"
        )
    return Sitemap(reader.kind, entries, reason or source.fault or reader.fault)


def _plain(source: _Source, text: Iterable[str], url: str, max_entries: int) -> Sitemap:
    """A text file with one URL a line."""
    lines = (line.strip() for line in _lines(text, source))
    urls = (absolute(url, line) for line in lines if line.lower().startswith(_WEB))
    entries, reason = _bounded((Entry(found) for found in urls if found is not None), max_entries)
    if not entries:
        return Sitemap("refused", reason=source.fault or "it is neither XML nor text with a URL on each line")
    return Sitemap("text", entries, reason or source.fault)


def _bounded(entries: Iterable[Entry], most: int) -> tuple[tuple[Entry, ...], str]:
    """The first entries, and why not all of them. A long address of the sitemap makes each relative one as long."""
    kept: list[Entry] = []
    characters = 0
    for entry in entries:
        characters += len(entry.loc) + sum(map(len, entry.alternates)) + sum(map(len, entry.images))
        if len(kept) == most:
            return tuple(kept), f"there are more than {most:,} entries"
        if characters > _MOST_CHARACTERS:
            return tuple(kept), f"its URLs have more than {_MOST_CHARACTERS:,} characters"
        kept.append(entry)
    return tuple(kept), ""


class _Source:
    """The body in pieces of text. `fault` says, once it was read, what is missing of it."""

    def __init__(self, body: bytes, truncated: bool) -> None:
        self._body = body
        self.fault = "its end is missing: it is larger than fetch.max_body" if truncated else ""

    def text(self) -> Iterator[str]:
        pieces = self._bytes(memoryview(self._body), 2)
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= _PIECE:
                break
        if not head.startswith(_UTF16):
            head = head.lstrip(b"\t\n\f\r ")
        codec = _codec_of(head)
        decoder = codecs.getincrementaldecoder(codec)("replace" if codec.startswith("utf") else "crawler.web")
        yield decoder.decode(head).lstrip("\ufeff")
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)

    def _bytes(self, body: memoryview, layers: int) -> Iterator[bytes]:
        """Pieces of the body, decompressed. Some servers compress what is compressed: `layers` are taken off."""
        pieces: Iterator[bytes] = (bytes(body[at : at + _PIECE]) for at in range(0, len(body), _PIECE))
        while layers and (first := next(pieces, b"")):
            pieces = chain([first], pieces)
            if not first.startswith(_GZIP):
                break
            pieces = self._inflated(pieces)
            layers -= 1
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > MAX_SIZE:
                self.fault = f"only its first {MAX_SIZE // 1_000_000} MB are read"
                return
            yield piece

    def _inflated(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """What gzip data (RFC 1952, one member or several) unpacks to, as far as it is whole and no bomb."""
        inflate = zlib.decompressobj(wbits=31)
        compressed = size = 0
        for piece in pieces:
            compressed += len(piece)
            while piece:
                if inflate.eof:
                    if not piece.startswith(_GZIP):
                        return  # padding behind the last member
                    inflate = zlib.decompressobj(wbits=31)
                try:
                    data = inflate.decompress(piece, _PIECE)
                except zlib.error:
                    self.fault = self.fault or "its gzip data is broken"
                    return
                size += len(data)
                if size > max(1_000_000, MAX_RATIO * compressed):
                    self.fault = f"it unpacks to more than {MAX_RATIO} times its size"
                    return
                if data:
                    yield data
                piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        if not inflate.eof:
            self.fault = self.fault or "its gzip data is cut off"


def _codec_of(head: bytes) -> str:
    codec = decode(head, "application/xml")[1]
    if codec == "utf-8" and not head.startswith(codecs.BOM_UTF8):
        # Many say UTF-8 and are not: then the bytes are asked, without what is said about them.
        codec = decode(head[head.find(b"?>") + 1 :], "text/plain")[1]
    return codec


def _head(text: Iterator[str]) -> str:
    """The first part of the text, long enough to see what it is."""
    head = ""
    for piece in text:
        head += piece
        if len(head) >= _PIECE:
            break
    return head


def _xml_start(head: str) -> int | None:
    """Where the XML begins, behind whatever a server put before it; None if the text is no XML."""
    if _PROPER_START.match(head):
        return 0
    if match := _XML_START.search(head):
        return match.start()
    space = len(head) - len(head.lstrip())
    return space if head.startswith("<", space) else None


def _lines(text: Iterable[str], source: _Source) -> Iterator[str]:
    rest = ""
    for piece in text:
        *lines, rest = (rest + piece).replace("\r", "\n").split("\n")
        yield from lines
        if len(rest) > _LONGEST_LINE:
            rest = "\0"  # no URL, and whatever follows in its line belongs to it
    if not source.fault:  # else it is half a line
        yield rest

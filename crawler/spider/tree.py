"""From the text of a document to its lxml tree. The parsers live here, nothing else may choose their options."""

from __future__ import annotations

import re

from lxml import etree, html

from crawler.spider.attributes import bounded

# The document reaches the parsers as UTF-8 that we made, and they are told so: lxml refuses a str with an XML
# declaration, and reads Latin-1 where a <meta> names an encoding it does not know.
# `huge_tree` lets HTML nest 2,048 deep instead of 256; its size is limited by `fetch.max_body`.
_HTML = html.HTMLParser(encoding="utf-8", huge_tree=True)
_XML = etree.XMLParser(
    encoding="utf-8", recover=True, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
)
_DEEPEST = {True: 2047, False: 255}  # where libxml2 stops reading HTML, and XML
MOST_TAGS = 150_000  # tags of a page that are read: the tree takes about 500 bytes for each
_SMALL = 6_000  # characters; what is shorter can be neither
_LINK_TAG = re.compile(rb"<(a|area|base|frame|iframe|link|meta)(?=[\s/])[^<>]*>", re.IGNORECASE)
_XHTML = re.compile(r"<html[\s>]|<!doctype\s+html", re.IGNORECASE)


def parse_html(text: str, most: int = MOST_TAGS) -> html.HtmlElement:
    """The `<html>` element of a page, whatever the text is; an empty one for an empty page."""
    return _parse(_first_tags(_clean(text), most))


def parse_links(text: str, most: int = MOST_TAGS) -> html.HtmlElement:
    """The tags of a page that can lead somewhere, without what they stand in: so no depth is too deep."""
    tags = (b"%b</%b>" % (tag[0], tag[1]) for tag in _LINK_TAG.finditer(_first_tags(_clean(text), most)))
    return _parse(b"\n".join(tags))


def missing(root: etree._Element, text: str, most: int = MOST_TAGS) -> tuple[bool, str]:
    """Whether a document is too deep for its tree, and all that is not in that, for people; "" = nothing."""
    if len(text) < _SMALL:
        return False, ""
    found = []
    too_deep = is_too_deep(root)
    if too_deep:
        found.append("nests too deep: what stands deeper, and all after it, is not in its tree")
    if 0 < most < len(text) and most < text.count("<"):
        found.append(f"has more than {most} tags: the others are not in its tree (limits.max_tags)")
    return too_deep, "; ".join(found)


def is_too_deep(root: etree._Element) -> bool:
    """Whether the document nests so deep that its parser gave up there, and with all that follows."""
    depth = 0
    while len(root):
        root = root[-1]
        depth += 1
    return depth >= _DEEPEST[isinstance(root, html.HtmlElement)]


def parse_xml(text: str, most: int = MOST_TAGS) -> etree._Element:
    """The document element; `<empty/>` if there is none. Entities stay unexpanded and nothing is loaded (no XXE)."""
    root = etree.fromstring(_first_tags(_clean(text).strip(), most) or b"<empty/>", _XML)
    return root if root is not None else etree.fromstring(b"<empty/>", _XML)


def is_xml(text: str, mime: str) -> bool:
    """Whether a document is XML to be read as such: XHTML is not, it is read as HTML whatever it calls itself."""
    says_xml = mime in ("text/xml", "application/xml") or mime.endswith("+xml") or text[:64].lstrip()[:5] == "<?xml"
    return says_xml and not _XHTML.search(text, 0, 1024)


def _parse(markup: bytes) -> html.HtmlElement:
    root = etree.fromstring(bounded(markup), _HTML)
    return root if root is not None else etree.fromstring(b"<html></html>", _HTML)


def _first_tags(markup: bytes, most: int) -> bytes:
    """The document up to the tag that is one too many."""
    if not most or len(markup) < 3 * most or markup.count(b"<") <= most:
        return markup
    return b"<".join(markup.split(b"<", most + 1)[:-1])


def _clean(text: str) -> bytes:
    """UTF-8 without NULs, at which libxml2 may end the document."""
    return (text.replace("\0", "\ufffd") if "\0" in text else text).encode("utf-8", "replace")

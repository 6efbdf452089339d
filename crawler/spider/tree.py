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
_XHTML = re.compile(r"<html[\s>]|<!doctype\s+html", re.IGNORECASE)


def parse_html(text: str) -> html.HtmlElement:
    """The `<html>` element of a page, whatever the text is; an empty one for an empty page."""
    root = etree.fromstring(bounded(_clean(text)), _HTML)
    return root if root is not None else etree.fromstring(b"<html></html>", _HTML)


def parse_xml(text: str) -> etree._Element:
    """The document element; `<empty/>` if there is none. Entities stay unexpanded and nothing is loaded (no XXE)."""
    root = etree.fromstring(_clean(text).strip() or b"<empty/>", _XML)
    return root if root is not None else etree.fromstring(b"<empty/>", _XML)


def is_xml(text: str, mime: str) -> bool:
    """Whether a document is XML to be read as such: XHTML is not, it is read as HTML whatever it calls itself."""
    says_xml = mime in ("text/xml", "application/xml") or mime.endswith("+xml") or text[:64].lstrip()[:5] == "<?xml"
    return says_xml and not _XHTML.search(text, 0, 1024)


def _clean(text: str) -> bytes:
    """UTF-8 without NULs, at which libxml2 may end the document."""
    return (text.replace("\0", "\ufffd") if "\0" in text else text).encode("utf-8", "replace")

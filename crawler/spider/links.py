"""The links of a document: which elements have them, which of them count, in what order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lxml import etree

from crawler.url import join_all

_FOLLOWED = "[not(contains(translate(@rel, 'NOFLW', 'noflw'), 'nofollow'))]"
_WEB_SCHEMES = ("http://", "https://")
_PATH = (
    "descendant-or-self::a{0}/@href | descendant-or-self::area{0}/@href"
    " | descendant-or-self::iframe/@src | descendant-or-self::frame/@src"
)
# Four walks over the tree for attributes are several times faster than one over elements that are then asked.
_ALL_HREFS = etree.XPath(_PATH.format(""), smart_strings=False)
_FOLLOWED_HREFS = etree.XPath(_PATH.format(_FOLLOWED), smart_strings=False)
_RELS = etree.XPath("descendant-or-self::a/@rel | descendant-or-self::area/@rel", smart_strings=False)


def hrefs_in(element: etree._Element, nofollow: bool) -> list[str]:
    """The values of `a[href]`, `area[href]`, `iframe[src]` and `frame[src]` in `element` (itself included), in order.

    With `nofollow`, elements whose `rel` contains nofollow are left out.
    """
    # The test of each @rel costs more than all the rest, and most pages have no use for it.
    rels: Any = _RELS(element) if nofollow else ()
    hrefs: Any = _FOLLOWED_HREFS if any("nofollow" in rel.lower() for rel in rels) else _ALL_HREFS
    return list(hrefs(element))


def absolute(hrefs: Iterable[str], base: str, pattern: str | re.Pattern[str] | None = None) -> list[str]:
    """What `hrefs` lead to from `base`: canonical http and https URLs without fragment, each once, in order.

    Left out: what is no URL, other schemes (`javascript:`, `mailto:`, `data:`), places on the same page (`#top`),
    and URLs in which `pattern` is not found.
    """
    search = re.compile(pattern).search if pattern is not None else None
    wanted = [href for href in dict.fromkeys(hrefs) if href[:1] != "#"]
    urls = dict.fromkeys(url for url in join_all(base, wanted) if url[:4] == "http" and url.startswith(_WEB_SCHEMES))
    return [url for url in urls if search(url)] if search is not None else list(urls)

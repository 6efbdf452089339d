"""Keeps a tag with very many attributes from holding up the crawl.

libxml2 compares each attribute of an HTML element with all before it: 100,000 of them take 20 s, those that fit into
10 MB take hours, and nothing can cut a parser of C. So documents in which that would take long lose most attributes of
such tags before they are parsed.
"""

from __future__ import annotations

import re

_MANY = 500  # attributes that a tag keeps in a document that is cut; no page worth having comes near
_BUDGET = 200_000_000  # comparisons that a document may cost, about half a second
_SHORTEST = 50_000  # bytes: what is shorter cannot cost a second, and most pages need not be looked at

# A start tag as the HTML standard tokenizes it (13.2.5): `>` ends it unless it stands in a quoted value. What only
# looks like one, in a script or a comment, is measured too. Everything is possessive, so that no text makes it slow.
_TAG = re.compile(rb"""<[A-Za-z](?:[^>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|=)*+>?+""")
_ATTRIBUTE = re.compile(rb"""(?:=?[^\s/>=]++|=)(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+""")
_LONG = 2 * _MANY


def bounded(markup: bytes) -> bytes:
    """The document, without attributes beyond the 500th of a tag if all of them together would take long to parse."""
    if len(markup) < _SHORTEST:
        return markup
    cost = 0
    for match in _TAG.finditer(markup):
        if match.end() - match.start() > _LONG:
            number = len(_ATTRIBUTE.findall(match[0]))
            cost += number * number
            if cost > _BUDGET:
                return _TAG.sub(_cut, markup)
    return markup


def _cut(tag: re.Match[bytes]) -> bytes:
    text = tag[0]
    if len(text) <= _LONG:
        return text
    for number, attribute in enumerate(_ATTRIBUTE.finditer(text)):
        if number == _MANY:
            return text[: attribute.end()] + b" " + text[-3:]  # which may be the end of a comment
    return text

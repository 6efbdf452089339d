"""Lists whose pages lead from one to the next: whether one was cut off by a page that is none of it.

A login page ends such a list. It is a single page, so that no counter of bad pages ever says anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from crawler.observe.profile import Kind, Trail

_FEWEST_LEVELS = 3  # of links, one after the other, that make a list of pages
_WIDEST = 8  # pages per level: where there are more, bad ones come in a row
_FEWEST_PAGES = 5  # of good runs
_MANY_RUNS = 3
_READ = 200_000  # bytes of a page
_TAG = re.compile(rb"<([a-zA-Z][a-zA-Z0-9]*)\b([^<>]*)>")
_MARK = re.compile(
    rb"""(?:^|\s)(class|id|type)\s*=\s*(?:"([^"]{1,200})|'([^']{1,200})|([^\s"'>]{1,200}))""", re.IGNORECASE
)
_KEY = re.compile(rb'"([^"\\]{1,60})"\s*:')
_EVERYWHERE = frozenset((b"html", b"head", b"body", b"title", b"meta", b"link", b"script", b"style"))
_PASSWORD = b"input type password"


def trail_of(kinds: Iterable[Kind], is_limited: bool) -> Trail:
    """All of one callback, or some of them."""
    trail = Trail(is_limited)
    shallowest = deepest = None
    for kind in kinds:
        trail.pages += kind.pages
        trail.ends += kind.tally("links").bad
        trail.nothing += kind.nothing
        if kind.pages:
            shallowest = kind.shallowest if shallowest is None else min(shallowest, kind.shallowest)
            deepest = kind.deepest if deepest is None else max(deepest, kind.deepest)
    if shallowest is not None and deepest is not None:
        trail.levels = deepest - shallowest + 1
    return trail


def is_cut(now: Trail, past: Sequence[Trail], is_unlike: bool, is_odd: bool) -> bool:
    """Whether pages that gave nothing have ended it too early. `past`: of good runs.

    `is_unlike`: such a page is no page of the list with nothing on it; `is_odd`: no good one has its size.
    """
    if not past or not now.nothing or 2 * now.nothing < now.ends or sum(one.pages for one in past) < _FEWEST_PAGES:
        return False
    if any(one.levels < _FEWEST_LEVELS or one.pages > _WIDEST * one.levels for one in past):
        return False
    gave, fewest = now.pages - now.nothing, min(one.pages - one.nothing for one in past)
    is_half = 2 * gave <= fewest
    if any(one.nothing for one in past):  # it always ends so, or pages often give nothing
        return is_unlike and is_odd and is_half and len(past) >= _MANY_RUNS
    if is_unlike:
        return gave < fewest
    return is_half or (len(past) >= _MANY_RUNS and 5 * gave <= 4 * fewest)


def are_unlike(good: bytes, bad: bytes) -> bool:
    """Whether one page has hardly anything of how the other one is built, or asks for a password.

    What a page is built of are its tags with their classes and ids, or the keys of its JSON. A list without entries has
    what stands around them.
    """
    (known, known_tags), (marks, tags) = _built_of(good), _built_of(bad)
    if _PASSWORD in marks and _PASSWORD not in known:
        return True
    if not known:
        return bool(known_tags) and 2 * len(tags & known_tags) < max(len(tags), 1)
    return not marks or 2 * len(marks & known) < len(marks)


def _built_of(body: bytes) -> tuple[set[bytes], set[bytes]]:
    """Tags with their marks, and tags alone."""
    body = body[:_READ]
    if body.lstrip()[:1] in (b"{", b"["):
        return set(_KEY.findall(body)), set()
    marks: set[bytes] = set()
    tags: set[bytes] = set()
    for tag, attributes in _TAG.findall(body):
        tag = tag.lower()
        if tag in _EVERYWHERE:
            continue
        tags.add(tag)
        for name, *values in _MARK.findall(attributes):
            marks.update(b" ".join((tag, name.lower(), word)) for value in values for word in value.split())
    return marks, tags

"""The links of a document: which elements have them, which of them count, in what order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from crawler.spider.joined import is_page, joined
from crawler.url import join_all

_MOST_HIDDEN = 1_000  # fields of a form that is followed
_FOLLOWED = "[not(contains(translate(@rel, 'NOFLW', 'noflw'), 'nofollow'))]"
_A = "descendant-or-self::a{0}/@href"
_RARE = " | descendant-or-self::area{0}/@href | descendant-or-self::iframe/@src | descendant-or-self::frame/@src"
# Walks over the tree for attributes are several times faster than one over elements that are then asked; each costs as
# much as a third of all links of an ordinary page, so those for rare elements are saved where there are none.
_HREFS = {
    (followed, rare): etree.XPath(
        (_A + (_RARE if rare else "")).format(_FOLLOWED if followed else ""), smart_strings=False
    )
    for followed in (False, True)
    for rare in (False, True)
}
_RELS = {
    False: etree.XPath("descendant-or-self::a/@rel", smart_strings=False),
    True: etree.XPath(
        "descendant-or-self::a/@rel | descendant-or-self::area/@rel | descendant-or-self::form/@rel",
        smart_strings=False,
    ),
}
_IMAGES = etree.XPath(
    "//img/@src | //img/@srcset | //picture/source/@srcset | //input[translate(@type, 'IMAGE', 'image')='image']/@src"
)  # smart strings: they know whether they are a srcset

# The target in a <meta http-equiv=refresh> as the HTML standard finds it: "0; url='…'", also "0,…" or "0 …".
_REFRESH = re.compile(
    r"\s*+[\d.]++(?:\s*+[;,]|\s)\s*+(?:url\s*+=\s*+)?+(?:\"([^\"]*)|'([^']*)|(.+))",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
_CANDIDATE = re.compile(r"[\s,]*+(\S++)", re.ASCII)
_DESCRIPTORS = re.compile(r"(?:[^,(]++|\([^)]*+\)?)*+")


def hrefs_in(element: etree._Element, nofollow: bool) -> list[str]:
    """What `element` (itself included) links to, in document order; of a `link`, its `href`.

    That is `a[href]`, `area[href]`, `iframe[src]`, `frame[src]`; and last the forms that are sent with GET and have
    nothing to fill in. With `nofollow`, elements whose `rel` contains nofollow are left out.
    """
    if element.tag == "link":
        is_left_out = nofollow and "nofollow" in element.get("rel", "").lower()
        return [href] if (href := element.get("href")) and not is_left_out else []
    rare = next(element.iter("area", "form", "iframe", "frame"), None) is not None
    # The test of each @rel costs more than all the rest, and most pages have no use for it.
    rels: Any = _RELS[rare](element) if nofollow else ()
    hrefs: Any = _HREFS[any("nofollow" in rel.lower() for rel in rels), rare](element)
    return [*hrefs, *(_forms(element, nofollow) if rare else ())]


def _forms(element: etree._Element, nofollow: bool) -> Iterator[str]:
    """Where GET forms lead that have no fields, or only hidden ones: then with these."""
    fields = _fields_of_forms(element)
    for form in element.iter("form"):
        if form.get("method", "get").strip().lower() in ("post", "dialog"):
            continue
        if nofollow and "nofollow" in form.get("rel", "").lower():
            continue
        controls = fields.get(form, ())
        if not controls:
            if (action := form.get("action")) is not None:
                yield action
        elif len(controls) <= _MOST_HIDDEN and all(_is_hidden(one) for one in controls):
            query = urlencode([(one.get("name", ""), one.get("value", "")) for one in controls])
            yield f"{form.get('action', '').partition('?')[0].partition('#')[0]}?{query}"


def _fields_of_forms(element: etree._Element) -> dict[Any, list[etree._Element]]:
    """The controls with a name of each form, the innermost around them. Looks at each element once, however deep."""
    form_around: dict[Any, Any] = {}
    fields: dict[Any, list[etree._Element]] = {}
    for control in element.iter("input", "select", "textarea"):
        if not control.get("name"):
            continue
        passed = []
        form: Any = control.getparent()
        while form is not None and form.tag != "form" and form not in form_around:
            passed.append(form)
            form = form.getparent()
        form = form_around.get(form, form)
        form_around.update(dict.fromkeys(passed, form))
        if form is not None:
            fields.setdefault(form, []).append(control)
    return fields


def _is_hidden(control: etree._Element) -> bool:
    return control.get("type", "").strip().lower() == "hidden"


def outermost(matches: Iterable[Any]) -> Iterator[Any]:
    """Elements (and what else was selected, such as attributes) without those that stand in one of the others."""
    seen: set[Any] = set()
    for match in matches:
        if isinstance(match, etree._Element):
            if any(around in seen for around in match.iterancestors()):
                continue
            seen.add(match)
        yield match


def unfollowed_in(root: etree._Element) -> set[str]:
    """The values of `href` and `src` that stand only on elements marked `rel=nofollow`."""
    sides: tuple[set[str], set[str]] = (set(), set())
    for element in root.iter():
        if (href := element.get("href") or element.get("src")) is not None:
            sides["nofollow" in element.get("rel", "").lower()].add(href)
    return sides[True] - sides[False]


def metas_in(root: etree._Element) -> list[tuple[str, str, str]]:
    """The `meta` elements with a content: "name" or "http-equiv", its value in lower case, the content."""
    return [
        (attribute, name.strip().lower(), content)
        for meta in root.iter("meta")
        if (content := meta.get("content"))
        for attribute in ("name", "http-equiv")
        if (name := meta.get(attribute))
    ]


def named_links_in(root: etree._Element, *tags: str) -> dict[str, str]:
    """The `href` of the first element (`link`, `a`) for each of its `rel` words, which are lower case."""
    found: dict[str, str] = {}
    for link in root.iter(*tags):
        rel = link.get("rel")
        href = link.get("href")
        if rel and href is not None:
            for word in rel.lower().split():
                found.setdefault(word, href)
    return found


def refresh_target(content: str) -> str | None:
    """Where a `<meta http-equiv=refresh>` with that content leads to, None if it only loads the page again."""
    match = _REFRESH.match(content)
    return (match[1] or match[2] or match[3] or "").strip() or None if match else None


def images_in(root: etree._Element) -> list[str]:
    """The values of `img[src]`, `input[type=image][src]` and all candidates of `srcset`, in document order."""
    images: Any = _IMAGES(root)
    return [href for value in images for href in (srcset(value) if value.attrname == "srcset" else (value,))]


def srcset(value: str) -> Iterator[str]:
    """The URLs in a `srcset`: "a.png 1x, b.png 2x"; a comma belongs to a URL unless it is its last character."""
    position = 0
    while match := _CANDIDATE.match(value, position):
        position = match.end()
        href = match[1]
        if href.endswith(","):
            href = href.rstrip(",")
        else:
            descriptors = _DESCRIPTORS.match(value, position)
            position = descriptors.end() if descriptors else position
        yield href


def absolute(
    hrefs: Iterable[str],
    base: str,
    pattern: str | re.Pattern[str] | None = None,
    extensions: Collection[str] = (),
    most: int | None = None,
) -> list[str]:
    """What `hrefs` lead to from `base`: canonical http and https URLs without fragment, each once, in order.

    Left out: what is no URL, other schemes (`javascript:`, `mailto:`, `data:`), places on the same page (`#top`),
    URLs in which `pattern` is not found, paths that end in one of `extensions` (lower case, "pdf"), and all after the
    first `most`.
    """
    every = list(hrefs)
    left_out = frozenset(extensions)
    few = most is None or len(every) <= most
    # In one go where nothing has to be counted: this is run for every link of every page.
    urls: Iterable[str] = (
        joined(base, every, left_out)
        if few
        else _each_once(
            url
            for url in join_all(base, (href for href in dict.fromkeys(every) if href[:1] != "#"))
            if is_page(url, left_out)
        )
    )
    if pattern is not None:
        search = re.compile(pattern).search
        urls = [url for url in urls if search(url)] if few else (url for url in urls if search(url))
    return list(urls if few else islice(urls, most))


def _each_once(urls: Iterable[str]) -> Iterator[str]:
    """As they are needed: a page of a million links is not read to its end for the first thousand."""
    known = set()
    for url in urls:
        if url not in known:
            known.add(url)
            yield url

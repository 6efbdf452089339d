"""What a page repeats: the elements that look like the records of a list, and the fields that most of them have.

A guess for whoever begins to write a spider. Groups of like elements are rated by how many they are and how much is in
each, so that ten films win over forty links of a menu, and over the four rows that hold the films.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from lxml import etree

from crawler.spider.page import Page

_FEWEST = 3  # like elements that make a list,
_SIBLINGS = 2  # and those of them that are side by side
_MOST_FIELDS = 8
_LOOKED_AT = 50  # elements of a list that are looked at; more of them make no better list
_MOST_GROUPS = 10
_POOR = 3  # elements; what has fewer in it, and stands where menus stand, is a menu
_MOST_LOOKED_INTO = 200  # elements of one record
_RICH = 20  # elements in a record; with more in it, it may be several
_NO_RECORD = frozenset(
    {"head", "body", "script", "style", "link", "meta", "title", "option", "br", "hr", "p", "b", "i", "em", "strong"}
    | {"span", "td", "th", "col", "source", "path", "g", "use"}
)
_NAVIGATION = frozenset({"nav", "header", "footer", "aside"})
_NAVIGATES = re.compile(r"nav|menu|foot|breadcrumb|pager|pagination|sidebar|header|social", re.IGNORECASE)
_USABLE = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)  # names that need no escaping in CSS, XPath and regular expressions
_NO_LINK = ("#", "javascript:", "mailto:", "tel:")
_CELLS = frozenset({"td", "th"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class Step(NamedTuple):
    """An element on the way to something: its tag ("" = any), class, id, and place among its like (0 = any)."""

    tag: str
    css_class: str = ""
    id: str = ""
    place: int = 0

    @property
    def css(self) -> str:
        """As a simple selector of CSS."""
        if self.id:
            return f"#{self.id}"
        if self.place:
            return f"{self.tag}:nth-of-type({self.place})"
        return f"{self.tag}.{self.css_class}" if self.css_class else self.tag

    @property
    def xpath(self) -> str:
        """As a node test of XPath, with parsel's `has-class`."""
        if self.id:
            return f'*[@id="{self.id}"]'
        if self.place:
            return f"{self.tag}[{self.place}]"
        return f'{self.tag or "*"}[has-class("{self.css_class}")]' if self.css_class else self.tag

    @property
    def regex(self) -> str:
        """As a pattern of its start tag."""
        tag = rf"<{self.tag}\b" if self.tag else ""
        if not self.css_class:
            return f"{tag}[^<>]*>"
        return rf"""{tag}{"[^<>]*" if tag else ""}class="(?:[^"<>]* )?{self.css_class}[ "][^<>]*>"""


class Field(NamedTuple):
    """Something that most records have: its name, the steps to it, the attribute it stands in ("" = its text)."""

    name: str
    steps: tuple[Step, ...]
    attribute: str = ""

    @property
    def css(self) -> str:
        end = f"::attr({self.attribute})" if self.attribute else "::text"
        return f"{' '.join(step.css for step in self.steps)}{end}"

    @property
    def xpath(self) -> str:
        end = f"@{self.attribute}" if self.attribute else "text()"
        return f"./{''.join(f'/{step.xpath}/' for step in self.steps)}{end}" if self.steps else f"./{end}"

    @property
    def regex(self) -> str:
        """A pattern whose group 1 is the value, and which never runs on beyond a tag; "" if there is none."""
        if not self.steps:
            return "" if self.attribute else r"^\s*([^<]*)"
        if any(step.place > 1 for step in self.steps):
            return ""
        if self.attribute:
            return rf"""<{self.steps[-1].tag}\b[^<>]*\s{self.attribute}="([^"<>]*)"""
        return rf"{'[^<]*'.join(step.regex for step in self.steps)}\s*([^<]*)"


class Records(NamedTuple):
    """A list: the steps to its records (the second one is a child of the first), how many they are, their fields."""

    steps: tuple[Step, ...]
    number: int
    fields: tuple[Field, ...]

    @property
    def css(self) -> str:
        return " > ".join(step.css for step in self.steps)

    @property
    def xpath(self) -> str:
        return f"//{'/'.join(step.xpath for step in self.steps)}"

    @property
    def regex(self) -> str:
        return self.steps[-1].regex


def records_in(page: Page) -> Records | None:
    """The list that the page is most likely about; None if it has none."""
    for steps, elements in _groups(page.tree):
        found = page.css(" > ".join(step.css for step in steps))
        if len(elements) <= len(found) <= 1.5 * len(elements) and (fields := _fields(elements)):
            return Records(steps, len(found), fields)
    return None


class _Group(NamedTuple):
    """Like elements, the steps to them, and how many elements are in one of them."""

    steps: tuple[Step, ...]
    elements: list[etree._Element]
    richness: float

    @property
    def rating(self) -> float:
        return min(len(self.elements), _LOOKED_AT) * (self.richness + 0.5)

    def is_in(self, outer: _Group) -> bool:
        """Whether the others hold these, several each, and these are no mere fields."""
        if self.richness < _POOR or len(self.elements) < _SIBLINGS * len(outer.elements):
            return False
        holders = set(outer.elements)
        held = sum(1 for one in self.elements if not holders.isdisjoint(islice(one.iterancestors(), 2)))
        return 2 * held > len(self.elements)


def _groups(root: etree._Element) -> list[tuple[tuple[Step, ...], list[etree._Element]]]:
    """Like elements and the steps to them, what looks most like records first."""
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    sizes: dict[etree._Element, int] = {}
    for element in reversed(elements):
        sizes[element] = sum(sizes[child] + 1 for child in element if child in sizes)
    groups: dict[tuple[Step, ...], list[etree._Element]] = {}
    for parent in elements:
        if len(parent) < _SIBLINGS:
            continue
        own: dict[tuple[Step, ...], list[etree._Element]] = {}
        for child in parent:
            if child in sizes and child.tag not in _NO_RECORD and _USABLE.fullmatch(child.tag):
                for steps in _steps(parent, child):
                    own.setdefault(steps, []).append(child)
        for steps, children in own.items():
            if len(children) >= _SIBLINGS:
                groups.setdefault(steps, []).extend(children)

    rated: list[_Group] = []
    for steps, group in groups.items():
        some = group[:_LOOKED_AT]
        richness = min(sum(sizes[one] for one in some) / len(some), _RICH)
        if len(group) >= _FEWEST and (richness >= _POOR or not _is_navigation(group[0])):
            rated.append(_Group(steps, group, richness))
    rated.sort(key=lambda group: group.rating, reverse=True)
    best = rated[:_MOST_GROUPS]
    for outer, inner in product(best[:1], best[1:]):
        if inner.is_in(outer):
            best.insert(0, inner)  # rows hold the records
            break
    return [(group.steps, group.elements) for group in best]


def _steps(parent: etree._Element, child: etree._Element) -> Iterator[tuple[Step, ...]]:
    classes = _classes(child)
    if classes:
        yield from ((Step(child.tag, one),) for one in classes)
        return
    identity = parent.get("id", "")
    if _USABLE.fullmatch(identity):
        yield Step("", "", identity), Step(child.tag)
    elif classes := _classes(parent):
        yield Step(parent.tag, classes[0]), Step(child.tag)
    elif _USABLE.fullmatch(parent.tag):
        yield Step(parent.tag), Step(child.tag)


def _is_navigation(element: etree._Element) -> bool:
    return any(
        one.tag in _NAVIGATION or _NAVIGATES.search(f"{one.get('class', '')} {one.get('id', '')}") is not None
        for one in (element, *element.iterancestors())
        if one.tag not in ("body", "html")
    )


def _fields(elements: Sequence[etree._Element]) -> tuple[Field, ...]:
    """What most of the elements have, and not all of them the same."""
    some = elements[:_LOOKED_AT]
    common = Counter(one for element in some for one in {c for inner in element.iter("*") for c in _classes(inner)})
    values: dict[Field, list[str]] = {}
    for element in some:
        told: dict[Field, str] = {}
        for field, value in _candidates(element, common):
            told.setdefault(field, value)
        for field, value in told.items():
            values.setdefault(field, []).append(value)
    wanted = [
        field
        for field, found in values.items()
        if 2 * len(found) >= len(some) and (len(found) < _FEWEST or len(set(found)) > 1)
    ]
    return tuple(_named(wanted[:_MOST_FIELDS]))


def _candidates(element: etree._Element, common: Counter[str]) -> Iterator[tuple[Field, str]]:
    for inner in islice(element.iter("*"), _MOST_LOOKED_INTO):
        steps = _way(element, inner, common)
        if inner is not element and not steps:
            continue
        text = (inner.text or "").strip()
        if text and inner.tag not in ("script", "style"):
            yield Field(_name(element, inner, steps), steps), text
        if inner.tag == "a" and inner is not element and (href := _link(inner)):
            yield Field("link", (Step("a"),), "href"), href
        if inner.tag == "img" and inner is not element:
            attribute = "data-src" if inner.get("data-src") else "src"
            if source := inner.get(attribute):
                yield Field("image", (Step("img"),), attribute), source
    if element.tag == "a" and (href := _link(element)):
        yield Field("link", (), "href"), href


def _way(element: etree._Element, inner: etree._Element, common: Counter[str]) -> tuple[Step, ...]:
    """From a record to an element in it: by its class, else by that of its parent and its tag, else by its tag."""
    if inner is element or not _USABLE.fullmatch(inner.tag):
        return ()
    if one := _most_common(inner, common):
        return (Step("", one),)
    if inner.tag in _CELLS:
        return (Step(inner.tag, place=1 + sum(1 for _ in inner.itersiblings(inner.tag, preceding=True))),)
    parent = inner.getparent()
    if parent is not None and parent is not element and (one := _most_common(parent, common)):
        return Step("", one), Step(inner.tag)
    return (Step(inner.tag),)


def _most_common(element: etree._Element, common: Counter[str]) -> str:
    return max(_classes(element), key=lambda one: common[one], default="")


def _name(element: etree._Element, inner: etree._Element, steps: tuple[Step, ...]) -> str:
    classes = [step.css_class for step in steps if step.css_class]
    if classes:
        return re.sub(r"\W+", "_", classes[0], flags=re.ASCII).strip("_").lower() or "text"
    if steps and steps[-1].place:
        return f"column_{steps[-1].place}"
    if inner.tag in _HEADINGS or (inner.tag == "a" and inner is not element):
        return "title"
    return "text" if inner is element else str(inner.tag).replace("-", "_").lower()


def _named(fields: Iterable[Field]) -> Iterator[Field]:
    """The fields, each with a name of its own. "link" and "image" are where one leads, not what a class is called."""
    taken: Counter[str] = Counter()
    fields = list(fields)
    kept = {field.name for field in fields if field.attribute}
    for field in fields:
        if field.name in kept and not field.attribute:
            field = field._replace(name=f"{field.name}_text")
        taken[field.name] += 1
        yield field if taken[field.name] == 1 else field._replace(name=f"{field.name}_{taken[field.name]}")


def _link(element: etree._Element) -> str:
    href = (element.get("href") or "").strip()
    return "" if href.lower().startswith(_NO_LINK) else href


def _classes(element: etree._Element) -> list[str]:
    return [one for one in element.get("class", "").split() if _USABLE.fullmatch(one)]

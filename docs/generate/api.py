"""The reference of the Python API, from the docstrings of what `from crawler import ...` gives."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from typing import Any

import crawler
from crawler.once import once

_ORDER = [
    *("crawl", "Spider", "Page", "Request", "Download", "LinkSpider", "Follow", "SitemapSpider", "FeedSpider"),
    *("Report", "Response", "Failure", "CrawlError", "DropItem", "Expect", "Dedupe", "clean", "default", "number"),
]


def page() -> str:
    """The reference as Markdown. Raises `ValueError` for a public name without a docstring."""
    names = sorted(crawler.__all__, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    parts = [
        "# Python",
        "All of this is imported from `crawler`: `from crawler import Spider, Request, crawl`.",
    ]
    for name in names:
        thing = getattr(crawler, name)
        parts += _class(name, thing) if inspect.isclass(thing) else _function(name, thing, 2)
    return "\n\n".join(parts) + "\n"


def _class(name: str, kind: type) -> list[str]:
    parts = [f"## {name}"]
    bases = [base.__name__ for base in kind.__bases__ if base.__name__ in crawler.__all__]
    if bases:
        parts.append(f"A [{bases[0]}](#{bases[0].lower()}).")
    parts.append(_text(name, kind))
    for key, member in vars(kind).items():
        if key.startswith("_") or not _is_told(member):
            continue
        parts += _function(f"{name}.{key}", member, 3)
    return parts


def _is_told(member: Any) -> bool:
    is_callable = inspect.isfunction(member) or isinstance(member, classmethod | staticmethod)
    return is_callable or isinstance(member, property | once | cached_property)


def _function(name: str, member: Any, level: int) -> list[str]:
    is_value = isinstance(member, property | once | cached_property)
    function = getattr(member, "fget", None) or getattr(member, "func", None) or inspect.unwrap(member)
    function = getattr(function, "__func__", function)
    signature = inspect.signature(function)
    if is_value:
        told = f"{name}: {signature.return_annotation}"
    else:
        given = [_written(one) for key, one in signature.parameters.items() if key not in ("self", "cls")]
        told = f"{name}{signature.replace(parameters=given, return_annotation=_raw(signature.return_annotation))}"
    title = name.rpartition(".")[2] if level > 2 else name
    anchor = name.lower().replace(".", "-").replace("_", "-")
    text = _text(name, member)
    return [f"(api-{anchor})=\n{'#' * level} {title}", f"```python\n{_folded(told)}\n```", text]


class _Raw:
    """Text that stands in a signature as it is; an annotation that is text would stand in quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _raw(value: Any) -> Any:
    return _Raw(value) if isinstance(value, str) else value


def _written(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    default = _Raw(f'"{default}"') if isinstance(default, str) else default
    return parameter.replace(annotation=_raw(parameter.annotation), default=default)


def _text(name: str, thing: Any) -> str:
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{name} has no docstring")
    return _blocks(text)


def _folded(signature: str) -> str:
    """A signature that is too long for a line, with a line for each parameter."""
    if len(signature) <= 88:
        return signature
    head, _, rest = signature.partition("(")
    inner, _, tail = rest.rpartition(")")
    parts = re.split(r", (?=[*\w]+(?:[:=,]|$))", inner)
    return f"{head}(\n" + "".join(f"    {part},\n" for part in parts) + f"){tail}"


def _blocks(text: str) -> str:
    """Indented blocks, as docstrings have them, become fenced ones."""
    parts = []
    fenced = False
    for paragraph in text.split("\n\n"):
        if not fenced and paragraph.startswith("    "):
            paragraph = f"```text\n{inspect.cleandoc(paragraph)}\n```"
        fenced ^= paragraph.count("```") % 2 == 1
        parts.append(paragraph)
    return "\n\n".join(parts)

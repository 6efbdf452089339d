"""A response becomes a saved page and a case, with what the spider makes of it now."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from crawler.errors import OutputError, UsageError
from crawler.response import Response
from crawler.saving import save_as, save_in
from crawler.spider.base import Spider
from crawler.spider.trace import is_users, shown
from crawler.testing.cases import EXPECTED, Case, folder_of, load_cases, store_cases
from crawler.testing.reading import Given, read_body
from crawler.url import split_credentials

# What of a header says something about how a page is read; the rest is about the visit, and may be a secret.
_KEPT = frozenset({"content-type", "content-language", "link", "x-robots-tag"})


class Saved(NamedTuple):
    """A case that was written."""

    folder: Path
    case: Case
    given: Given
    response: Response

    def told(self, spider: str) -> list[str]:
        """What people are told about it, line by line. `spider` is what they type."""
        case, given, page = self.case, self.given, self.folder / self.case.page
        lines = [f"crawl: {page} is the page: {len(self.response.body):,} bytes, as they came"]
        if self.response.truncated:
            lines.append("crawl: the page is larger than fetch.max_body, and its end is missing")
        if given.raised:
            where = f" at {given.where[0]}" if given.where and given.where[0] else ""
            lines.append(f"crawl: {case.callback} fails on it: {given.error}{where}")
            lines.append(f"crawl: {self.folder / EXPECTED} expects nothing of it yet; correct the spider, then")
            return [*lines, f"  crawl check {quote(spider)} --update"]
        if given.error:
            says = f"that no spider is given it: {given.error}"
        else:
            says = f"what {case.callback} gives: {_count(len(given.items), 'item')}"
            says += f" and {_count(len(given.requests), 'request')}"
        lines.append(f"crawl: {self.folder / EXPECTED} says {says}")
        if empty := _empty(given.items):
            which = "it" if len(given.items) == 1 else "none of them"
            has = "has no value" if len(given.items) == 1 else "has a value"
            lines.append(f"crawl: {which} {has} for {', '.join(empty)}")
        lines += [f"crawl: item not stored: {error}" for error in given.item_errors]
        return [*lines, "look at it, correct it, then", f"  crawl check {quote(spider)}"]


def save_case(
    kind: type[Spider],
    response: Response,
    callback: str = "parse",
    data: Any = None,
    arguments: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> Saved:
    """Save the body of a response in the folder of the spider, and a case for it in `expected.json`.

    Where there is a case for the same URL, callback and data, it is replaced if `replace` says so. What the callback
    raises is not expected: such a case differs until the spider is corrected. Raises `UsageError` and `OutputError`.
    """
    folder = folder_of(kind.name)
    cases = load_cases(folder)
    case = case_of(response, "", callback, data, arguments)
    there = next((one for one in cases if _is_same(one, case)), None)
    if there is not None and not replace:
        again = f"crawl save-page {quote(as_typed(kind))} {quote(case.url)} --replace"
        raise UsageError(
            f"{folder / there.page} is the page of {case.url} already",
            hint=f"{again} puts the page of today in its place",
        )
    if there is None:
        page = Path(save_in(response, str(folder))).name
        case = case_of(response, page, callback, data, arguments)
    else:
        save_as(response, str(folder / there.page))
        case = case_of(response, there.page, callback, data, {**there.arguments, **(arguments or {})}, there.ignore)
        cases.remove(there)
    given = read_body(kind, case, response.body)
    case = case if given.raised else given.into(case)
    try:
        store_cases(folder, [*cases, case])
    except OutputError:
        if there is None:
            (folder / case.page).unlink(missing_ok=True)
        raise
    return Saved(folder, case, given, response)


def as_typed(kind: type[Spider]) -> str:
    """What names the spider of a class in a command: its name if it lies in spiders/, else its file."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return shown(file) if file and is_users(file) and Path(shown(file)).parent != Path("spiders") else kind.name


def case_of(
    response: Response,
    page: str,
    callback: str,
    data: Any = None,
    arguments: Mapping[str, Any] | None = None,
    ignore: list[str] | None = None,
) -> Case:
    """A case for a response whose body is in the file `page`, which expects nothing yet."""
    headers = {
        "-".join(part.capitalize() for part in name.split("-")): ", ".join(response.headers.getall(name))
        for name in response.headers
        if name in _KEPT
    }
    parts = split_credentials(response.url)
    return Case(
        page,
        parts[0] if parts else response.url,
        callback,
        data,
        dict(arguments or {}),
        response.status,
        headers,
        ignore or [],
    )


def _is_same(one: Case, other: Case) -> bool:
    return (one.url, one.callback, one.data, one.status) == (other.url, other.callback, other.data, other.status)


def _empty(items: list[dict[str, Any]]) -> list[str]:
    """Fields that hold nothing in any item that has them."""
    names = dict.fromkeys(name for item in items for name in item)
    return [name for name in names if all(item.get(name) in (None, "", [], {}) for item in items)]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

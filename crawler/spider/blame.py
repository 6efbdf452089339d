"""Which line of a spider is to blame when a page gives less than it did.

A copy of the spider reads the last good page and the first bad one once more, while every selector and regular
expression that it asks is watched. The first one that found something on the good page and nothing on the bad page is
it. One that finds nothing on both of them is one that was changed since: then the spider is not as it was.
"""

from __future__ import annotations

import copy
import linecache
import re
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from types import CodeType, FrameType
from typing import Any, NamedTuple

import msgspec

from crawler.request import Request
from crawler.response import Response
from crawler.saved import SavedFile
from crawler.spider.base import Spider
from crawler.spider.page import Page
from crawler.spider.read import read_page
from crawler.spider.time_limit import TimeLimit, TimeLimitExceeded
from crawler.spider.trace import is_users, place

Visit = tuple[Request, Response]

_PAGE_METHODS = ("css", "xpath", "re", "links", "images")
_SELECTOR_METHODS = ("css", "xpath", "re", "re_first", "jmespath")
_C_METHODS = ("search", "match", "fullmatch", "findall", "finditer", "split")
_LONGEST = 120  # characters of a query that are told
_MOST_ASKED = 20_000
_MOST_KEYS = 1000
_MOST_FOUND = 1000
_DEEPEST = 5  # calls of user code in each other
_PATIENCE = 1.0  # seconds for one pattern on a whole page
_STATEMENT = 6  # lines around the name of a field that may read it


class _Asked(NamedTuple):
    """A question to a page. `at` is where the user's code asks: lines, innermost first."""

    at: tuple[tuple[str, int], ...]
    method: str
    query: str


Answers = dict[_Asked, int]  # how much was found in all


def blame(
    spider: Spider,
    callback: str,
    good: Visit | None,
    bad: Visit,
    field: str = "",
    is_fewer: bool = False,
    seconds: float = 0.0,
) -> tuple[str, str]:
    """The line ("file:line") and what stands there; ("", "") if nothing can be told.

    `field`: of the items, where it is about one; "film.title" and "offers[].price" stand inside others. `is_fewer`: a
    selector may still find something. `seconds`: how long each reading may take.
    """
    was = _answers(spider, callback, good, seconds) if good is not None else {}
    now = _answers(spider, callback, bad, seconds)
    if good is None:
        lost = [one for one, found in now.items() if not found]
    else:  # what is asked of each of several elements is asked more often, and finds more in all
        lost = [one for one, found in was.items() if now.get(one, 0) < (found if is_fewer else min(found, 1))]
    files = _files(spider, callback, [*was, *now])
    own = _own_lines(spider, callback)
    dead = [one for one, found in was.items() if not found and not now.get(one, 0)]
    if field:
        asked = {line for one in (*was, *now) for line in one.at}
        named, field = _lines_of(files, field, own, asked)
        asked_there = asked.intersection(named)
        near = [(distance, one) for one in lost if (distance := _distance(one, field, named)) <= _STATEMENT]
        if asked_there:  # by other lines it may have been lost, too, but these read it
            there = [(distance, one) for distance, one in near if asked_there.intersection(one.at)]
            if not there or any(one in now for _, one in there):  # else something before them found nothing
                near = there
        if near:
            first = {line: number for number, line in enumerate(named)}
            one = min(
                near, key=lambda it: (it[1] not in now, it[0], min(first.get(line, len(first)) for line in it[1].at))
            )[1]
            return _told(one, was.get(one, 0), now.get(one, 0), good is not None)
        group = f"(?P<{field}>"
        if of_it := [one for one in dead if group in one.query or asked_there.intersection(one.at)]:
            return _told(of_it[0], 0, 0, True)
        if named:
            return place(*named[0]), linecache.getline(*named[0]).strip()[:_LONGEST]
    if lost:
        return _told(lost[0], was.get(lost[0], 0), now.get(lost[0], 0), good is not None)
    if good is not None and (key := _lost_key(good[1], bad[1], files, own)):
        return key
    if dead and not field:
        return _told(dead[0], 0, 0, True)
    try:
        code = spider.callback(callback).__code__
    except Exception:  # what is no function has no line
        return "", ""
    return (place(code.co_filename, code.co_firstlineno), f"def {callback}") if is_users(code.co_filename) else ("", "")


def _distance(asked: _Asked, field: str, named: list[tuple[str, int]]) -> int:
    """How far it is from what asks to the next line that names the field, in lines."""
    if field in asked.query:
        return 0
    distances = [abs(line - other) for file, line in asked.at for home, other in named if file == home]
    return min(distances, default=_STATEMENT + 1)


def _lost_key(good: Response, bad: Response, files: list[str], own: range) -> tuple[str, str] | None:
    """The first line that names a key which only the good page has, where both are JSON."""
    try:
        was, now = _keys(msgspec.json.decode(good.body)), _keys(msgspec.json.decode(bad.body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    for key in was:
        if key not in now and (lines := _lines(files, re.compile(rf"""["']{re.escape(key)}["']"""), own)):
            return place(*lines[0]), f"the good page has the key {key!r}, the bad one has not"
    return None


def _keys(value: Any) -> dict[str, None]:
    """All keys of all objects in a JSON value, each once."""
    keys: dict[str, None] = {}
    rest = [value]
    while rest and len(keys) < _MOST_KEYS:
        one = rest.pop()
        if isinstance(one, dict):
            keys.update(dict.fromkeys(one))
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
    return keys


def _told(asked: _Asked, found: int, now: int, has_good: bool) -> tuple[str, str]:
    query = asked.query if len(asked.query) <= _LONGEST else f"{asked.query[: _LONGEST - 1]}…"
    if not has_good:
        was = "finds nothing"
    elif found:
        was = f"found {found:,} on the good page, {f'{now:,}' if now else 'nothing'} on the bad one"
    else:
        was = "finds nothing on the last good page either: was the spider changed?"
    return place(*_line_of_pattern(asked)), f"{asked.method}({query!r}) {was}"


def _line_of_pattern(asked: _Asked) -> tuple[str, int]:
    """Where a compiled pattern stands in the file; the line that asks, where it stands nowhere else."""
    file, line = asked.at[0]
    head = asked.query.splitlines()[0] if asked.query and asked.method in _C_METHODS else ""
    lines = [number for number, text in enumerate(linecache.getlines(file), 1) if head and head in text]
    return file, lines[0] if len(lines) == 1 else line


def _answers(spider: Spider, callback: str, visit: Visit, seconds: float) -> Answers:
    """What a page answers to all that the callback asks it. Nothing that is raised matters."""
    request, response = visit
    watch = _Watch()
    reader = _copied(spider)
    before = sys.getprofile()
    sys.setprofile(watch.hear)
    try:
        read_page(reader, response, request.replace(callback=callback), seconds=seconds)
    finally:
        sys.setprofile(before)
    return watch.answers(Page(response, request).text, min(seconds, _PATIENCE) if seconds else _PATIENCE)


def _copied(spider: Spider) -> Spider:
    """A spider that reads as this one does and whose state is its own; it saves no files and stores no items."""
    reader = copy.copy(spider)
    for name, value in vars(spider).items():
        if isinstance(value, (list, dict, set)):
            try:
                setattr(reader, name, copy.deepcopy(value))
            except Exception:  # what cannot be copied is shared
                setattr(reader, name, copy.copy(value))
    reader.item_stages = None
    reader.page_options = msgspec.structs.replace(spider.page_options, save=_not_saved)
    return reader


def _not_saved(body: bytes, _save: Any, url: str, *_: Any) -> SavedFile:
    return SavedFile(url, "", len(body), "", "")


class _Watch:
    """A profile function (`sys.setprofile`) that notes what pages and selectors answer."""

    def __init__(self) -> None:
        self._found: Answers = {}
        self._patterns: dict[_Asked, re.Pattern[Any]] = {}
        self._codes = _watched_codes()

    def hear(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "return":
            method = self._codes.get(frame.f_code)
            if method is not None and (asked := _asker(frame.f_back)) is not None:
                variables = frame.f_locals
                query = variables.get("query", variables.get("pattern", variables.get("regex", "")))
                if query is None:
                    query = variables.get("css") or variables.get("xpath") or ""
                self._note(_Asked(asked, method, str(getattr(query, "pattern", query))), _size(argument))
        elif event == "c_call" and isinstance(pattern := getattr(argument, "__self__", None), re.Pattern):
            name = argument.__name__
            if name in _C_METHODS and (asked := _asker(frame)) is not None:
                key = _Asked(asked, name, str(pattern.pattern))
                if len(self._patterns) < _MOST_ASKED:
                    self._patterns.setdefault(key, pattern)

    def answers(self, text: str, seconds: float) -> Answers:
        """What was found. Of the patterns that user code asked itself: whether they find something in the text."""
        for key, pattern in self._patterns.items():
            if isinstance(pattern.pattern, str):
                self._note(key, _count(pattern, text, seconds))
        return self._found

    def _note(self, asked: _Asked, found: int) -> None:
        if asked in self._found or len(self._found) < _MOST_ASKED:
            self._found[asked] = self._found.get(asked, 0) + found


def _asker(frame: FrameType | None) -> tuple[tuple[str, int], ...] | None:
    """The lines of user code that called, through `re` if need be; None if it was somebody else."""
    if frame is not None and frame.f_globals.get("__name__") == "re":
        frame = frame.f_back
    lines: list[tuple[str, int]] = []
    while frame is not None and len(lines) < _DEEPEST and is_users(frame.f_code.co_filename):
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(lines) or None


def _count(pattern: re.Pattern[str], text: str, seconds: float) -> int:
    """How often a pattern is found, as far as it is counted; 0 if that takes longer than so many seconds."""

    def count() -> int:  # a frame of its own, which may be cut
        return sum(1 for _ in islice(pattern.finditer(text), _MOST_FOUND))

    try:
        with TimeLimit(seconds, f"the pattern {pattern.pattern!r}"):
            return count()
    except TimeLimitExceeded:
        return 0


def _watched_codes() -> dict[CodeType, str]:
    from parsel import Selector, SelectorList

    owners: Sequence[tuple[type, Sequence[str]]] = (
        (Page, _PAGE_METHODS),
        (Selector, _SELECTOR_METHODS),
        (SelectorList, _SELECTOR_METHODS),
    )
    return {
        method.__code__: name
        for owner, names in owners
        for name in names
        if (method := getattr(owner, name, None)) is not None
    }


def _size(found: Any) -> int:
    if isinstance(found, str):
        return 1
    return len(found) if hasattr(found, "__len__") else int(found is not None)


def _files(spider: Spider, callback: str, asked: Sequence[_Asked]) -> list[str]:
    """The files of the user's code that read the page, that of the callback first."""
    files = dict.fromkeys(one.at[0][0] for one in asked)
    try:
        function: Callable[..., Any] = spider.callback(callback)
        files = dict.fromkeys([function.__code__.co_filename, *files])
    except Exception:  # what is no function has no file
        pass
    return [file for file in files if is_users(file)]


def _named(field: str) -> re.Pattern[str]:
    """A line that names a field: as a key, an argument or an attribute."""
    name = re.escape(field)
    return re.compile(rf"""["']{name}["']|\b{name}\s*[=:]|\.{name}\b""")


def _own_lines(spider: Spider, callback: str) -> range:
    """The lines of the callback."""
    try:
        code = spider.callback(callback).__code__
        lines = [line for _, _, line in code.co_lines() if line]
        return range(code.co_firstlineno, max(lines) + 1)
    except Exception:  # what is no function has no lines
        return range(0)


def _lines_of(
    files: Sequence[str], field: str, own: range, asked: set[tuple[str, int]]
) -> tuple[list[tuple[str, int]], str]:
    """The lines that name a field, and its name there: of one inside another only the last part.

    Lines after one that names that other come before the rest of the callback's. Where none of them asks anything, as
    the values have no names in a call, that one comes first.
    """
    outer, _, key = field.rpartition(".")
    whole = _lines(files, _named(field), own)
    if not outer or any(line in own for file, line in whole if file == files[0]):
        return whole, field
    outside, _ = _lines_of(files, outer.removesuffix("[]"), own, asked)
    begin = min((line for file, line in outside if file == files[0] and line in own), default=0)
    named = sorted(
        _lines(files, _named(key), own),
        key=lambda line: (line[0] != files[0] or line[1] not in own, line[1] < begin),
    )
    if asked.isdisjoint(named):
        named = [*(line for line in outside if line in asked), *named]
    return named or whole, key


def _lines(files: Sequence[str], pattern: re.Pattern[str], own: range) -> list[tuple[str, int]]:
    """Where it is found; the lines of the callback, which are in the first file, come first."""
    found = [
        (file, number)
        for file in files
        for number, line in enumerate(linecache.getlines(file), 1)
        if pattern.search(line)
    ]
    return sorted(found, key=lambda line: line[0] != files[0] or line[1] not in own)

"""Dates in URLs, and calendars that go on for ever.

A calendar has a link to the next month on every page. Nobody needs what it says about the year 2300; but every day of
the last two centuries may have its newspaper. And many a number that looks like a year is none: `/topic/2087/3`.
"""

from __future__ import annotations

import re

_FIRST_YEAR = 1800  # dates before it are as odd as those far ahead
_MOST_ODD = 200  # odd dates that URLs of one form may have
_YEARS = range(1000, 3000)  # other numbers of four digits are no years
_MOST_KINDS = 20_000  # forms of URLs that are known

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_NUMBERS = re.compile(r"\d+(?:[-/_.]\d+)+")
_NAMED = re.compile(
    rf"(?<!\d)(?:(\d{{4}})[-/_.](?:{_MONTHS})|(?:{_MONTHS})[-/_.](\d{{4}}))(?![a-z\d])",
    re.IGNORECASE,
)
_MONTH = re.compile("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")  # far faster to look for, in lower case
_FOUR = re.compile(r"\d{4}")
_EIGHT = re.compile(r"(?<![\w.-])(\d{4})(\d\d)(\d\d)(?![\w.-])")
_YEAR = re.compile(r"[?&;](?:year|yr|y|jahr|annee|ano)=(\d+)(?!\d)", re.IGNORECASE)
_COMPACT = re.compile(r"[?&;](?:date|day|month|m|d|ym|ymd|cal\w*)=(\d{4})(\d\d)(\d\d)?(?!\d)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


class Dates:
    """Counts odd dates (more than `years` ahead of `this_year`, before 1800) in URLs that are otherwise alike.

    Where the same places hold numbers that are no date, they are ids, and whatever looks like a date is none.
    """

    def __init__(self, years: int, this_year: int) -> None:
        self._years = years
        self._last_year = this_year + years
        self._kinds: dict[int, set[str] | None] = {}  # None: these are no dates

    def reason(self, url: str) -> str:
        """Why a URL is one of an endless calendar, or ""."""
        start = url.index("/", 8)
        year = _year(url[start:])
        if year is None or _FIRST_YEAR <= year <= self._last_year:
            return ""
        kind = _DIGITS.sub("#", _NAMED.sub("#", url[start:]))
        key = hash(url[:start] + kind)
        known = self._kinds.get(key, self)
        if known is None:
            return ""
        if known is self:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            known = self._kinds[key] = set()
        assert isinstance(known, set)
        if year < 0:
            self._kinds[key] = None
            return ""
        if url in known:
            return ""
        if len(known) >= _MOST_ODD:
            return (
                f"a calendar: {kind[:200]} has {_MOST_ODD} dates more than traps.max_years = {self._years} years ahead "
                f"or before {_FIRST_YEAR}"
            )
        known.add(url)
        return ""


def _year(rest: str) -> int | None:
    """The year of a date in a path with its query; None without numbers like a date's, -1 if they cannot be one."""
    if "=" in rest:
        if match := _YEAR.search(rest):
            return _in_range(match[1])
        if match := _COMPACT.search(rest):
            return _of_numbers(*match.groups())
    if not _FOUR.search(rest):  # no year
        return -1 if _NUMBERS.search(rest) else None
    if _MONTH.search(rest.lower()) and (match := _NAMED.search(rest)):
        return _in_range(match[1] or match[2])
    found = None
    for run in _NUMBERS.finditer(rest):
        found = _of_run(_DIGITS.findall(run[0]))
        if found != -1:
            return found
    if match := _EIGHT.search(rest):
        found = _of_numbers(*match.groups())
    return found


def _of_run(numbers: list[str]) -> int:
    """The year of the first date among numbers beside each other: of 17/2031/05 it is 2031."""
    for at in range(len(numbers) - 1):
        for third in (numbers[at + 2] if at + 2 < len(numbers) else None, None):
            year = _of_numbers(numbers[at], numbers[at + 1], third)
            if year != -1:
                return year
    return -1


def _of_numbers(first: str, second: str, third: str | None) -> int:
    """Of 2031-05-12, 2031/5, 12.05.2031 and 05/2031."""
    if len(first) == 4:
        fits = _up_to(second, 12) and (third is None or _up_to(third, 31))
        return _in_range(first) if fits else -1
    last = third or second
    if len(last) == 4 and _up_to(first, 31) and (third is None or _up_to(second, 31)):
        return _in_range(last)
    return -1


def _in_range(text: str) -> int:
    return int(text) if len(text) == 4 and int(text) in _YEARS else -1


def _up_to(text: str, most: int) -> bool:
    return len(text) <= 2 and 1 <= int(text) <= most

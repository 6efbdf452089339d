"""Reading a Set-Cookie field (RFC 6265, 5.2) and the dates in it (5.1.1). What it means for a host, the jar decides."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

MOST_BYTES = 4096  # of name and value together (RFC 6265, 6.1)
_MOST_ATTRIBUTE = 1024  # bytes of an attribute's value
_LONGEST_LIFE = 400 * 86400.0  # seconds; what the revision of the RFC (rfc6265bis) allows
_BLANK = " \t"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_AGE = re.compile(r"-?\d+", re.ASCII)

# The delimiters of 5.1.1; whatever else stands between them is a token.
_TOKEN = re.compile(r"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"(\d{1,2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(\d{2,4})(?!\d)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class SetCookie(NamedTuple):
    """What a field says. `expires` is in seconds since 1970, None for a cookie of the session.

    `domain` is without a leading dot, and lower case if it is ASCII; it and `path` are "" where there is none that
    counts.
    """

    name: str
    value: str
    domain: str = ""
    path: str = ""
    expires: float | None = None
    secure: bool = False
    http_only: bool = False


def parse_set_cookie(line: str, now: float) -> SetCookie | None:
    """Read a field's value (bytes as Latin-1). None for one that sets no cookie: no name, too long, controls in it."""
    if _CONTROL.search(line):
        return None
    pair, _, rest = line.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_BLANK), value.strip(_BLANK)
    if not equals or not name or len(name) + len(value) > MOST_BYTES:
        return None
    domain = path = ""
    by_age: float | None = None
    by_date: float | None = None
    secure = http_only = False
    for attribute in rest.split(";") if rest else ():
        key, _, said = attribute.partition("=")
        said = said.strip(_BLANK)
        if len(said) > _MOST_ATTRIBUTE:
            continue
        # Of several attributes of one name the last one counts.
        match key.strip(_BLANK).lower():
            case "expires":
                date = cookie_date(said)
                by_date = by_date if date is None else date
            case "max-age":
                if _MAX_AGE.fullmatch(said):
                    by_age = float(said)
            case "domain":
                if said:
                    domain = said.removeprefix(".")
                    domain = domain.lower() if domain.isascii() else domain  # its bytes, and no letters yet
            case "path":
                path = said if said.startswith("/") else ""
            case "secure":
                secure = True
            case "httponly":
                http_only = True
    expires = by_date
    if by_age is not None:
        expires = now + by_age if by_age > 0 else 0.0
    if expires is not None:
        expires = min(expires, now + _LONGEST_LIFE)
    return SetCookie(name, value, domain, path, expires, secure, http_only)


def cookie_date(text: str) -> float | None:
    """A date in whatever order people write it, as seconds since 1970; None for one that is none."""
    time: list[int] = []
    day = month = year = -1
    for token in _TOKEN.findall(text):
        if not time and (found := _TIME.match(token)):
            time = [int(part) for part in found.groups()]
        elif day < 0 and (found := _DAY.match(token)):
            day = int(found[1])
        elif month < 0 and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year < 0 and (found := _YEAR.match(token)):
            year = int(found[1])
    if not time or min(day, month, year) < 0:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < 1601:
        return None
    try:
        return datetime(year, month, day, time[0], time[1], time[2], tzinfo=UTC).timestamp()
    except ValueError:
        return None

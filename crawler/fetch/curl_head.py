"""The head of an answer as libcurl hands it over, line by line; what a line means is up to `head.py`.

Most lines of heads come again and again, so what they mean is remembered.
"""

from __future__ import annotations

import re

from crawler.fetch.faults import Fault
from crawler.fetch.head import fields
from crawler.response import HeaderPairs

_FEW_FIELDS = 100
_ORDINARY = re.compile(rb"[!-9;-~]+:[^\0\r\n]{0,60000}\r\n").fullmatch  # a field on a line of its own
_LONGEST_KNOWN = 200
_MOST_KNOWN = 4096

_known: dict[bytes, tuple[str, str]] = {}


def is_whole(lines: list[bytes]) -> bool:
    """Whether the head of an answer is all there, so that what follows it are trailers."""
    start = _start_of(lines)
    return b"\r\n" in lines[start:] and lines[start][9:10] != b"1"


def _start_of(lines: list[bytes]) -> int:
    """The number of the last status line."""
    for number in range(len(lines) - 1, -1, -1):
        if lines[number][:5] == b"HTTP/":
            return number
    return 0


def head_of(lines: list[bytes]) -> tuple[int, str, HeaderPairs]:
    """Status, reason and fields of the last head among lines: interim answers and that of a proxy stand before it."""
    start = _start_of(lines)
    version, _, rest = lines[start].decode("latin-1").rstrip("\r\n").partition(" ")
    status, _, reason = rest.strip().partition(" ")
    if len(status) != 3 or not status.isdecimal() or not version.startswith("HTTP/"):
        raise Fault("protocol", f"not HTTP: {lines[start][:100]!r}")
    return int(status), reason, pairs_of(lines[start + 1 :])


def pairs_of(lines: list[bytes]) -> HeaderPairs:
    """What `head.fields` reads from lines, of which most are known already."""
    found: list[tuple[str, str]] = []
    known = _known.get
    for line in lines[:_FEW_FIELDS]:
        pair = known(line)
        if pair is None:
            if line == b"\r\n":
                return tuple(found)
            if not _ORDINARY(line):
                break
            pair = _learn(line)
        found.append(pair)
    rest = iter(lines)
    return tuple(fields(lambda: next(rest, b"")))


def _learn(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    pair = name.strip(), value[:-2].strip(" \t")
    if len(line) < _LONGEST_KNOWN:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[line] = pair
    return pair

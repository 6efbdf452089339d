"""robots.txt cases of google/robotstxt-spec-test: a file, a user agent and a URL, allowed or not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from crawler.robots_text import RobotsText
from tests.conformance.result import Result

_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\w+)|([:\[\]{},])|#[^\n]*|\s+', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}

# Cases that do not pass, by what they ask, and the sentence of RFC 9309, section 2.2.2, that they contradict.
_ESCAPED = (
    'contradicts RFC 9309: "Octets in the URI and robots.txt paths outside the range of the ASCII coded character set '
    '[...] MUST be percent-encoded as defined by [RFC3986] prior to comparison"'
)
_UNESCAPED = (
    'contradicts RFC 9309: "If a percent-encoded ASCII octet is encountered in the URI, it MUST be unencoded prior to '
    'comparison"; its table of examples has /foo/bar/%62%61%7A match /foo/bar/baz'
)
CONTRADICTIONS = {
    ("/foo/bar/ツ", "Allow: /foo/bar/ツ"): _ESCAPED,
    ("/foo/bar/ツ", "Allow: /foo/bar/%E3%83%84"): _ESCAPED,
    ("/foo/bar/baz", "Allow: /foo/bar/%62%61%7A"): _UNESCAPED,
}


class Case(NamedTuple):
    name: str
    body: bytes
    url: str
    agent: str
    allowed: bool


def results(data: Path) -> list[Result]:
    """All cases. One that contradicts the RFC has not passed, and its reason says so."""
    return [_result(case) for case in cases(data)]


def cases(data: Path) -> Iterator[Case]:
    for path in sorted((data / "robots/correctness").glob("*.textproto")):
        for number, (body, fields) in enumerate(_expectations(path.read_bytes()), 1):
            yield Case(
                f"{path.stem} {number}",
                body,
                fields["testurl"].decode(),
                fields["useragent"].decode(),
                fields["expected_outcome"] == b"ALLOWED",
            )


def _result(case: Case) -> Result:
    given = RobotsText(case.body, 512_000).allows(case.url, case.agent)
    if given == case.allowed:
        return Result(case.name, True)
    text = case.body.decode("utf-8", "replace")
    for (path, line), sentence in CONTRADICTIONS.items():
        if case.url.endswith(path) and line in text:
            return Result(case.name, False, sentence)
    said = "allowed" if given else "disallowed"
    return Result(case.name, False, f"{case.url} is {said} for {case.agent}, in {text!r}")


def _expectations(source: bytes) -> Iterator[tuple[bytes, dict[str, bytes]]]:
    """Each expectation of a file in the text form of protocol buffers, with the robots.txt it is about."""
    body, fields, key, before = b"", {}, "", ""
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise ValueError(f"no token at {source[at : at + 40]!r}")
        at = match.end()
        text, word, mark = match.groups()
        if text is not None or (word is not None and before == ":"):
            value = _unescaped(text) if text is not None else word
            if before == "text":  # strings side by side are one
                value = (body if key == "robotstxt" else fields[key]) + value
            if key == "robotstxt":
                body = value
            else:
                fields[key] = value
            before = "text" if text is not None else "word"
        elif word is not None:
            key, before = word.decode(), "word"
        elif mark is not None:
            before = mark.decode()
            if mark == b"}" and "expected_outcome" in fields:
                yield body, fields
                fields = {}


def _unescaped(text: bytes) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        in_hex, octal, letter = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        return bytes([int(in_hex, 16) if in_hex is not None else int(octal, 8)])

    return _ESCAPE.sub(byte, text)

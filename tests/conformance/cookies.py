"""The http-state suite (RFC 6265): Set-Cookie fields in, a Cookie field out, all in one session.

The host `home.example.org` answers to `/cookie-parser` with the fields of a case, and the browser goes on to
`/cookie-parser-result`, or to where a Location says. The cases are older than some of the dates in them, so they are
run in the year of the RFC.
"""

from pathlib import Path

from crawler.request import Request
from crawler.response import Response
from crawler.rules.cookies import Cookies
from crawler.url import join
from tests.conformance.result import Result

_URL = "http://home.example.org:8888/cookie-parser"
_APRIL_2011 = 1_303_900_000.0

# Cases that the suite itself has switched off, and why we do not pass them.
REASONS = {
    "disabled-chromium0023": "a control character refuses the cookie (rfc6265bis, 5.6) instead of ending it",
    "disabled-path0029": "paths are compared as they are written, /f%6Fo is not /foo (RFC 6265, 5.1.4)",
}


def results(data: Path) -> list[Result]:
    """All cases below `data`/cookies."""
    return [_result(path) for path in sorted((data / "cookies").glob("*-test"))]


def _result(path: Path) -> Result:
    name = path.name.removesuffix("-test")
    url = f"{_URL}?{name}"
    pairs = _fields(path)
    rule = Cookies(now=lambda: _APRIL_2011)
    rule.after(Request(url), Response(url, 302, tuple(pairs)))
    location = next((value for field, value in pairs if field == "Location"), f"/cookie-parser-result?{name}")
    verdict = rule.before(Request(join(url, location)))
    sent = [value for _, value in verdict.header_pairs]
    expected = [value for field, value in _fields(path.with_name(f"{name}-expected")) if field == "Cookie"]
    if sent == expected:
        return Result(name, True)
    return Result(name, False, REASONS.get(name, f"sent {sent}, expected {expected}"))


def _fields(path: Path) -> list[tuple[str, str]]:
    """The header fields of a file, as they come from a connection: bytes read as Latin-1."""
    lines = path.read_bytes().decode("latin-1").split("\n")
    return [(name, value.strip(" \t")) for name, colon, value in (line.partition(":") for line in lines) if colon]

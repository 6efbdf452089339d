"""What a robots.txt says (RFC 9309): may this URL be fetched, how far apart, and where the sitemaps are.

The groups are found here, byte by byte as the RFC has them, and only those of one crawler are handed to `protego`,
which matches paths. So a file of ten thousand groups costs no more than it is long, and what a library would make of
odd line ends, broken UTF-8 or a product token with spaces does not matter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote_from_bytes

import msgspec
from protego import Protego

# How people spell the fields. The wrong ones are those that other crawlers forgive as well.
_FIELDS = {
    **dict.fromkeys([b"user-agent", b"useragent", b"user agent"], "agent"),
    **dict.fromkeys([b"disallow", b"dissallow", b"dissalow", b"disalow", b"diasllow", b"disallaw"], "Disallow"),
    b"allow": "Allow",
    **dict.fromkeys([b"crawl-delay", b"crawldelay", b"crawl delay"], "delay"),
    **dict.fromkeys([b"sitemap", b"sitemaps", b"site-map"], "sitemap"),
}
_LONGEST_FIELD = max(map(len, _FIELDS))
_TOKEN = re.compile(rb"[\w-]+", re.ASCII)
_BOMS = (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef")  # cut ones are seen, too
_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F))
_MOST_WILDCARDS = 2_000  # `*` in rules that are matched in full: each costs time for every URL of its host
_MOST_OF_A_LINE = 100  # that count
_MOST_TOKENS = 16  # crawlers (product tokens) whose rules are kept ready


class _Group(msgspec.Struct):
    """Whom it is for (lower case), its rules as lines, and its Crawl-delay in seconds."""

    tokens: set[str]
    rules: list[str]
    delay: float | None = None


class RobotsText:
    """One robots.txt. Of `body` the first `max_size` bytes count. Nothing in it can raise an error.

    `token` is always a product token such as "crawler": the part of the user agent before its version (`token_of`).
    """

    def __init__(self, body: bytes, max_size: int) -> None:
        self._groups: list[_Group] = []
        self._rules: dict[str, Protego | None] = {}
        found: list[str] = []
        self._parse(_lines(body[:max_size]), found)
        self.sitemaps: tuple[str, ...] = tuple(dict.fromkeys(found))

    def allows(self, url: str, token: str) -> bool:
        """Whether the crawler may fetch `url`, an absolute one. /robots.txt itself always may be."""
        rules = self._rules[token] if token in self._rules else self._rules_for(token)
        return rules is None or rules.can_fetch(url, "*")

    def crawl_delay(self, token: str) -> float | None:
        """Seconds between two requests, the longest if there are several; None if nothing is said."""
        return max((group.delay for group in self._groups_for(token) if group.delay is not None), default=None)

    def _rules_for(self, token: str) -> Protego | None:
        lines = dict.fromkeys(line for group in self._groups_for(token) for line in group.rules)
        if len(self._rules) >= _MOST_TOKENS:
            self._rules.clear()
        rules = Protego.parse("\n".join(["User-agent: *", *_bounded(lines)])) if lines else None
        self._rules[token] = rules
        return rules

    def _groups_for(self, token: str) -> list[_Group]:
        """All groups that name the crawler count as one, and those for everybody only if there is none (2.2.1)."""
        wanted = token.lower()
        return [group for group in self._groups if wanted in group.tokens] or [
            group for group in self._groups if "*" in group.tokens
        ]

    def _parse(self, lines: list[bytes], sitemaps: list[str]) -> None:
        group = _Group(set(), [])  # rules before the first User-agent line are nobody's
        is_open = False  # the last line was a User-agent line, and the next one joins its group
        for line in lines:
            field, value = _split(line)
            if field == "agent":
                if not is_open:
                    group = _Group(set(), [])
                    self._groups.append(group)
                group.tokens.add(_token(value))
                is_open = True
            elif field == "delay":
                group.delay = _seconds(value, group.delay)
            elif field == "sitemap" and value:
                sitemaps.append(value.decode("utf-8", "replace"))
            elif field in ("Allow", "Disallow"):
                # A rule without a path says nothing, but it ends the list of user agents.
                is_open = False
                if value:
                    group.rules.append(f"{field}: {quote_from_bytes(value, _AS_IT_IS)}")


def token_of(user_agent: str) -> str:
    """The product token of a user agent: "mybot" of "mybot/1.0 (+https://example.org/bot)"."""
    match = _TOKEN.match(user_agent.strip().encode())
    return match[0].decode() if match else user_agent


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """The rules; from the wildcards that are too many only what stands before the `*`, if it forbids.

    So a file made to be slow forbids more than it says, and never less.
    """
    left = _MOST_WILDCARDS
    for line in lines:
        if "*" in line:
            left -= min(line.count("*"), _MOST_OF_A_LINE)
            if left < 0:
                if line.startswith("Disallow"):
                    yield line.partition("*")[0]
                continue
        yield line


def _lines(body: bytes) -> list[bytes]:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        # The RFC wants UTF-8; whoever saves it as UTF-16 means what it says all the same.
        body = body.decode("utf-16", "replace").encode()
    for bom in _BOMS:
        if body.startswith(bom):
            body = body[len(bom) :]
            break
    return body.splitlines()  # of bytes: CR, LF, CR LF and nothing else


def _split(line: bytes) -> tuple[str, bytes]:
    """The field, as `_FIELDS` calls it ("" = unknown), and its value without comment and blanks around."""
    line = line.partition(b"#")[0].strip()
    name, colon, value = line.partition(b":")
    if not colon:
        name, _, value = line.partition(b" ") if b" " in line else line.partition(b"\t")
        if len(value.split()) != 1:
            return "", b""
    elif len(name) > _LONGEST_FIELD + 8:
        return "", b""
    return _FIELDS.get(name.strip().lower(), ""), value.strip()


def _token(value: bytes) -> str:
    if value[:1] == b"*" and not value[1:2].strip():
        return "*"
    match = _TOKEN.match(value)
    return match[0].decode().lower() if match else ""


def _seconds(value: bytes, before: float | None) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return before
    if not math.isfinite(seconds) or seconds < 0:
        return before
    return seconds if before is None else max(before, seconds)

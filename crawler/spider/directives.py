"""What a page asks of robots: `<meta name=robots>` and the header field `X-Robots-Tag`.

There is no standard but the documentation of search engines: words separated by commas, for everybody or for one
robot that is named. What is said to everybody and what is said to one counts together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile(r"[\s,]+")
_ROBOT = re.compile(r"[\w-]+|\*", re.ASCII)
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def directives(metas: Iterable[tuple[str, str, str]], fields: Iterable[str], token: str) -> frozenset[str]:
    """The words that apply to the robot `token`, lower case, "none" as the two that it stands for.

    `metas` are those of `links.metas_in`, `fields` the values of X-Robots-Tag.
    """
    token = token.lower()
    words: set[str] = set()
    for attribute, name, content in metas:
        if attribute == "name" and (name == "robots" or (token and name == token)):
            words.update(_BETWEEN.split(content.lower()))
    for field in fields:
        words.update(_said_in(field.lower(), token))
    if "none" in words:
        words |= {"noindex", "nofollow"}
    return frozenset(words)


def _said_in(field: str, token: str) -> Iterable[str]:
    """The words of one field. "otherbot: noindex, nofollow": a name is meant for all that follows it."""
    robot = ""
    for part in field.split(","):
        name, colon, word = part.strip().partition(":")
        if not colon:
            word = name
        elif name in _WITH_VALUE or not _ROBOT.fullmatch(name):  # the time in a date has colons, too
            continue
        else:
            robot = name
        if robot in ("", "*", "robots", token):
            yield word.strip()

"""Text from a page as part of a program: it stays text, whatever it is."""

from __future__ import annotations

from typing import Any

import msgspec

from crawler.observe.plain import plain

_LONGEST = 100  # characters of a page's title in a comment


def literal(value: Any) -> str:
    """A value of JSON as Python writes it. Nothing in it can end the literal, or turn text around on a screen."""
    if isinstance(value, str):
        if plain(value) != value:
            return ascii(value)
        return msgspec.json.encode(value).decode()  # the same in Python, and in double quotes
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def quoted(text: str) -> str:
    """A selector or pattern of ours as Python writes it, without backslashes before its quotes."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def comment(text: str) -> str:
    """Text that stays on its line, and that cannot end a docstring."""
    text = plain(" ".join(text.split()))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return text.replace("\\", "/").replace('"', "'")


def class_name(name: str) -> str:
    """`film_board` as a class is called: `FilmBoard`."""
    made = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    return f"{made}Spider" if made in ("Spider", "SitemapSpider", "FeedSpider") or not made.isidentifier() else made


def method(lines: list[str], head: str = "parse(self, page)") -> list[str]:
    """The lines of a method of a spider around those of its body."""
    return ["", f"    def {head}:", *(f"        {line}" if line else "" for line in lines)]

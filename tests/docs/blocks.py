"""The fenced code blocks of a Markdown page, and what each of them is for.

A block is one of these, by its language and by the line before it:

- a file, where the line before it ends with its name and a colon: "Save this as `films.py`:". With the word `add` in
  its info the text goes to the end of that file.
- a command line session (`console`): `$ ` before each command, what it prints below it. With the word `background` its
  one command goes on running until the page is over.
- a script (`bash`, `sh`, `python`, `pycon`), `toml` settings, or lines of a `crontab`.
- `text` right after a `python` block: what that prints.

Not executed is only what says so and why: ```console not-run="asks a site on the internet"
"""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

LANGUAGES = {
    "bash",
    "console",
    "crontab",
    "csv",
    "html",
    "json",
    "jsonl",
    "pycon",
    "python",
    "sh",
    "text",
    "toml",
    "xml",
}
WORDS = {"add", "background"}
_CONTENTS = "{toctree}"  # no code, but how Sphinx is told which pages there are
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_NAMED = re.compile(r"`(?P<name>[\w./-]+\.\w+)`[^`]*:$")
_REASON = re.compile(r'not-run="(?P<reason>[^"]{10,})"')


class BadBlock(Exception):
    """A block nobody could tell what to do with."""


@dataclass(frozen=True)
class Block:
    page: Path
    line: int  # of its fence, from 1
    language: str
    text: str
    file: str = ""  # the name of the file it is
    words: frozenset[str] = frozenset()
    not_run: str = ""  # why

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(text: str, page: Path) -> list[Block]:
    """The blocks of a page in order. Raises `BadBlock` for an unknown language or word, and a fence without an end."""
    found: list[Block] = []
    lines = text.splitlines()
    before, number = "", 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            before = lines[number].strip() or before
            number += 1
            continue
        start = number + 1
        number = start
        while number < len(lines) and lines[number].strip() != opening["fence"]:
            number += 1
        if number == len(lines):
            raise BadBlock(f"{page}:{start}: the block has no end")
        body = dedent("\n".join(lines[start:number]))
        if opening["info"].strip() != _CONTENTS:
            found.append(_block(page, start, opening["info"].strip(), body + "\n", before))
        before = ""
        number += 1
    return found


def _block(page: Path, line: int, info: str, text: str, before: str) -> Block:
    reason = _REASON.search(info)
    language, *words = _REASON.sub("", info).split() or [""]
    if language not in LANGUAGES:
        raise BadBlock(f"{page}:{line}: nobody knows how to run a block of language {language!r}")
    if unknown := set(words) - WORDS:
        raise BadBlock(f"{page}:{line}: {' '.join(sorted(unknown))!r} says nothing about a block")
    named = _NAMED.search(before) if language not in ("console", "crontab", "pycon") else None
    return Block(
        page, line, language, text, named["name"] if named else "", frozenset(words), reason["reason"] if reason else ""
    )

"""`Alarm`: pages are not as they were."""

from __future__ import annotations

from typing import Literal

import msgspec

What = Literal[
    "no items",
    "few items",
    "no links",
    "same page",
    "empty field",
    "other form",
    "other language",
    "expected",
    "blocked",
]


class Alarm(msgspec.Struct, frozen=True):
    """What is not as it was, on pages of one callback.

    - `what`: in which way; `field`: of the items, "" where it is about no single one. `message` says it for people.
    - `pages`: bad pages in all. `after`: the alarm came with so many pages of the kind, from the first bad one on.
    - `good_url`, `bad_url`: the last good and the first bad page; `good_file`, `bad_file`: where they are kept, ""
      where there is none, or nothing is kept.
    - `where`: "file:line" of the spider that is to blame, "" if that could not be told; `selector`: what stands there.
    - `hint`: what else was noticed of the bad page, such as its title.
    """

    spider: str
    callback: str
    what: What
    field: str
    message: str
    pages: int = 1
    after: int = 1
    good_url: str = ""
    good_file: str = ""
    bad_url: str = ""
    bad_file: str = ""
    where: str = ""
    selector: str = ""
    hint: str = ""

    def lines(self) -> list[str]:
        """The alarm for people: what, and below it the line to blame and the two pages."""
        pages = "1 page" if self.pages == 1 else f"{self.pages:,} pages"
        lines = [f"{self.callback}: {self.message} ({pages})"]
        if self.where:
            lines.append(f"  {self.where}{': ' if self.selector else ''}{self.selector}")
        if self.hint:
            lines.append(f"  {self.hint}")
        for label, url, file in (
            ("last good", self.good_url, self.good_file),
            ("first bad", self.bad_url, self.bad_file),
        ):
            lines += [f"  {label}  {url}"] if url else []
            lines += [f"             {file}"] if file else []
        return lines

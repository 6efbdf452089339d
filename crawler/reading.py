"""What reading one page gave: items, requests, and the error that made it give nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from crawler.request import Request

NOT_PAGES = frozenset({"start", "blocked", "closing", "state"})  # what else of a spider may raise


class PageError(msgspec.Struct, frozen=True):
    """An exception of the user's code, told so that they can find it.

    `where` is `file:line` of the deepest frame in the user's files, `trace` the traceback from there on.
    """

    url: str
    callback: str
    kind: str
    message: str
    where: str = ""
    trace: str = ""

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        return f"{self.kind}: {self.message}{place}" if self.message else f"{self.kind}{place}"


class Reading(msgspec.Struct, frozen=True):
    """All that a callback yielded for one page. With an `error`, both lists are empty: half a page is no page."""

    items: list[Any] = []
    requests: list[Request] = []
    error: PageError | None = None

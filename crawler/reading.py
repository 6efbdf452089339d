"""What reading one page gave: items, requests, and the error that made it give nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from crawler.request import Request

NOT_PAGES = frozenset({"start", "blocked", "closing", "close", "state"})  # what else of a spider may raise


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


class ItemError(msgspec.Struct, frozen=True):
    """Why an item is not stored. `what` is the item or its field ("Movie.score"), `value` what stands there, if it is
    at fault ("'n/a'").

    `where` and `trace` as in `PageError`; where no code of the user raised, `where` is the line that yielded the item.
    """

    what: str
    callback: str
    message: str
    where: str = ""
    trace: str = ""
    value: str = ""

    def __str__(self) -> str:
        what = f"{self.what} = {self.value}" if self.value else self.what
        return f"{what} from {self.callback}: {self.message}{f' at {self.where}' if self.where else ''}"


class Reading(msgspec.Struct, frozen=True):
    """All that a callback yielded for one page. With an `error`, all lists are empty: half a page is no page.

    `keys` are those of each item that must not be stored twice, or empty where nothing of the kind is asked for;
    `dropped` are the reasons of items that were not wanted; `are_links` says of the requests that each `is_link`.
    """

    items: list[Any] = []
    requests: Sequence[Request] = []
    error: PageError | None = None
    keys: list[tuple[int, ...]] = []
    item_errors: list[ItemError] = []
    dropped: list[str] = []
    are_links: bool = False

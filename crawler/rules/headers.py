"""The header fields every request carries: who we are, and what we accept."""

from __future__ import annotations

from collections.abc import Mapping

from crawler.request import Request
from crawler.verdict import Before, Go


class HeaderFields:
    """Sends `User-Agent` and the fields of `fetch.headers`, unless the request sets them itself."""

    name = "headers"

    def __init__(self, user_agent: str, fields: Mapping[str, str]) -> None:
        self._go = Go((("User-Agent", user_agent), *fields.items()))

    def before(self, request: Request) -> Before:
        return self._go

"""How far from a start URL links are followed."""

from __future__ import annotations

from crawler.request import Request
from crawler.verdict import GO, Drop, Found


class Depth:
    """`max_depth` 0 fetches start URLs only."""

    name = "depth"

    def __init__(self, max_depth: int) -> None:
        self._max = max_depth

    def found(self, request: Request) -> Found:
        if request.depth > self._max:
            return Drop(f"depth: {request.depth} is more than limits.max_depth = {self._max}")
        return GO

"""Takes the requests that spiders start with, as they are needed: a `start()` of millions does not fill the memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from crawler.frontier.ledger import Ledger
from crawler.reading import PageError
from crawler.request import Request
from crawler.spider.base import Spider
from crawler.spider.read import read_start

BATCH = 256  # start requests taken at once,
_TURN = 0.1  # and the seconds after which no further one is asked for


class Starts:
    """The `start()` of each spider that has not come to its end yet; false when all have.

    A resumed run asks `start()` again from its beginning. What it gave before is known by its URL; a request that
    insists on being fetched (`again`) is known by its place, up to which the ledger says it was taken.
    """

    def __init__(self, spiders: Sequence[Spider], ledger: Ledger) -> None:
        self._spiders = spiders
        self._ledger = ledger
        self._open: list[tuple[int, Iterator[tuple[int, Request | PageError]]]] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def open(self) -> None:
        """Begin, or begin again, with each `start()` that was not exhausted."""
        self._open = [
            (number, self._new_ones(number, spider))
            for number, spider in enumerate(self._spiders)
            if not self._ledger.get(f"started {number}")
        ]

    def take(self, reading: Callable[[str], None]) -> list[Request | PageError]:
        """Some more of them. `reading` is told what is being asked, and "" after each."""
        number, starts = self._open[0]
        told = f"start() of {self._spiders[number].name}"
        batch: list[Request | PageError] = []
        until = time.monotonic() + _TURN
        taken = 0
        while len(batch) < BATCH and time.monotonic() < until:
            reading(told)
            start = next(starts, None)
            reading("")
            if start is None:
                self._open.pop(0)
                self._ledger.set(f"started {number}", True)
                break
            taken = start[0]
            batch.append(start[1])
        if taken:  # not before: what the second Ctrl-C interrupts was not taken
            self._ledger.set(f"taken {number}", taken)
        return batch

    def _new_ones(self, number: int, spider: Spider) -> Iterator[tuple[int, Request | PageError]]:
        taken = self._ledger.get(f"taken {number}", 0)
        for position, start in enumerate(read_start(spider, number), 1):
            if position > taken or not (isinstance(start, Request) and start.again):
                yield max(position, taken), start

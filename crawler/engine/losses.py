"""Workers that are lost: what becomes of the requests they had, and when it is hopeless to start another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from crawler.engine.departures import Departures
from crawler.engine.lanes import Lanes
from crawler.errors import CrawlError
from crawler.frontier.ledger import Ledger
from crawler.observe import events
from crawler.pool.lane import Lane
from crawler.request import Request
from crawler.response import Failure

_HOPELESS = 5  # so many more than there are workers may be lost in a row before they began with anything


class Losses:
    """`in_a_row` counts those before anything was begun; whoever sees something land sets it to 0."""

    def __init__(self, lanes: Lanes, departures: Departures, ledger: Ledger, emit: Callable[[Any], None]) -> None:
        self.in_a_row = 0
        self._lanes = lanes
        self._departures = departures
        self._ledger = ledger
        self._emit = emit

    def take(self, lane: Lane, reason: str, to_wall: float) -> list[tuple[Request, Failure]]:
        """Put a faulty worker's requests back and start another worker; those that are to blame, with their failures.

        `to_wall` is what makes a time of day of one of the monotonic clock. Nothing happens for a worker that was
        replaced already. Raises `CrawlError` when too many in a row never began.
        """
        if lane.is_gone:
            return []
        loss = self._lanes.lose(lane)
        # Deaths with a request that was begun lead somewhere, if only to a verdict. Those before never would.
        self.in_a_row += bool(loss.requests) and not loss.begun
        if self.in_a_row > _HOPELESS + self._lanes.workers:
            raise CrawlError(
                f"{self.in_a_row} workers in a row were lost before they began, the last one: {reason}",
                hint="see the log above; `--pool thread` runs without worker processes",
            )
        self._emit(events.WorkerLost(lane.number, reason, len(loss.requests)))
        for request, since in loss.begun:
            self._ledger.attempt(request, since + to_wall, time.monotonic() - since, f"worker: {reason}")
        for request in loss.requests:
            self._departures.leave(request, None)
        for request in loss.back:
            self._departures.put_back(request)
        return [(request, guilty(request, reason)) for request in loss.guilty]


def guilty(request: Request, reason: str) -> Failure:
    """What a request comes to that is convicted of the deaths of its workers."""
    return Failure(request.url, "worker", f"killed its worker, three times alone: {reason}")

"""What others may see of a crawl while it runs: the live view, `crawl status`. Any thread may ask, nothing changes."""

from __future__ import annotations

import time
from typing import Any, Protocol

from crawler.control.switch import Level, Switch
from crawler.engine.ending import Ending
from crawler.engine.starts import Starts
from crawler.observe.live import Extra
from crawler.protocols import Frontier


class Visible(Protocol):
    """The parts of a running crawl that are looked at.

    `reading` is the page being read and since when, `next_time` when the next request may go (both monotonic).
    """

    frontier: Frontier
    ending: Ending
    switch: Switch
    starts: Starts
    concurrency: int
    reading: tuple[str, float] | None
    next_time: float | None

    @property
    def in_flight(self) -> int: ...


def idle_reason(crawl: Visible) -> str:
    """Why nothing more is in flight, in a few words; "" while there is plenty."""
    if crawl.switch.level == Level.PAUSE:
        return "paused"
    if crawl.ending.reason:
        return "stopping: waiting for what is in flight"
    reading = crawl.reading
    if reading is not None and time.monotonic() - reading[1] > 2:
        return f"reading {reading[0]} for {time.monotonic() - reading[1]:.0f} s"
    if not len(crawl.frontier):
        return "" if crawl.starts else "waiting for the last answers"
    if crawl.in_flight >= crawl.concurrency:
        return ""
    next_time = crawl.next_time
    rest = next_time - time.monotonic() if next_time is not None and not crawl.in_flight else 0.0
    if rest >= 1:
        return f"politeness and pauses after failures: the next request may go in {rest:.0f} s"
    return "politeness: hosts rest between requests"


def numbers(crawl: Visible) -> dict[str, Any]:
    """The live numbers, as `crawl status` shows them."""
    reading = crawl.reading
    seconds = time.monotonic() - reading[1] if reading is not None else 0.0
    return {
        "pages": crawl.ending.pages,
        "items": crawl.ending.items,
        "errors": crawl.ending.errors,
        "waiting": len(crawl.frontier),
        "in_flight": crawl.in_flight,
        "seconds": round(time.monotonic() - crawl.ending.began, 1),
        **({"reading": f"{reading[0]} for {seconds:.0f} s"} if reading is not None and seconds >= 1 else {}),
    }


def extra_of(crawl: Visible) -> Extra:
    """What the live view shows of the crawl at this moment."""
    reading = crawl.reading
    url, since = reading if reading is not None else ("", 0.0)
    return Extra(
        queue=len(crawl.frontier),
        in_flight=crawl.in_flight,
        idle=idle_reason(crawl),
        parsing=url,
        parsing_seconds=time.monotonic() - since if url else 0.0,
    )

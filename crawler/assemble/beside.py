"""What goes on beside the loop: signals are heard, workers and the control room are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from crawler.assemble.workshop import Workshop
from crawler.control.signals import Signals
from crawler.control.switch import Level
from crawler.engine.lanes import Lanes
from crawler.engine.loop import Engine
from crawler.engine.outlook import numbers
from crawler.engine.watch import Noticeboard, Ticker, Watchdog
from crawler.items.chain import Chain
from crawler.observe.live import LiveView
from crawler.pool.lane import Inbox

_WATCH = 0.25  # seconds between two looks at the workers,
_PUBLISH = 0.5  # and at the control room


def steer(signals: Signals, shop: Workshop, engine: Engine, chain: Chain, inbox: Inbox, view: LiveView) -> None:
    """Let signals turn the switch, and wake the loop so that it sees that."""

    def leave_now(code: int) -> None:
        # The main thread is somewhere in a C library. Outputs are only touched if it is in the user's code,
        # where nobody else is writing to them.
        if engine.reading is not None:
            with suppress(Exception):
                chain.close()
        shop.tidy()
        os._exit(code)

    signals.steer(shop.switch, lambda: inbox.put(None), lambda: engine.reading is not None, leave_now, view.say)


@contextmanager
def watched(engine: Engine, lanes: Lanes, inbox: Inbox, shop: Workshop, signals: Signals) -> Iterator[None]:
    """Until the block ends, threads look for workers that fail, for `crawl stop --now`, and for what others want."""

    def leave_if_told() -> None:
        if shop.switch.level == Level.STOP_NOW:
            signals.leave()

    board = Noticeboard(shop.room, partial(numbers, engine), inbox)
    tickers = [
        Ticker("watchdog", _WATCH, Watchdog(lanes, inbox, _WATCH).look),
        Ticker("leave", _WATCH, leave_if_told),
        Ticker("numbers", _PUBLISH, board.look),
    ]
    for ticker in tickers:
        ticker.start()
    try:
        yield
    finally:
        for ticker in tickers:
            ticker.stop()

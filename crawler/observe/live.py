"""What is going on, while it goes on: redrawn in place on a terminal, one line every 10 s anywhere else.

The view has a thread of its own, so it also tells of a page that takes long to parse.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from crawler.observe.plain import plain
from crawler.observe.report import by_count, duration, size
from crawler.observe.stats import Snapshot, Stats

if TYPE_CHECKING:
    from crawler.observe.screen import Screen

ON_TERMINAL = 0.25  # seconds between two pictures
ELSEWHERE = 10.0  # seconds between two lines
LONG_PARSE = 1.0  # seconds after which a page that is being parsed is named


class Extra(msgspec.Struct, frozen=True):
    """What the engine knows at one moment and no event tells.

    `queue`: requests that wait; `in_flight`: requests at the workers; `idle`: why nothing departs, or "";
    `parsing`: the page that is being read, or "", and for how many seconds.
    """

    queue: int = 0
    in_flight: int = 0
    idle: str = ""
    parsing: str = ""
    parsing_seconds: float = 0.0


class LiveView:
    """Shows `stats`, and what `extra` tells, on standard error between `start` and `stop`.

    `extra` is called from the view's thread. `quiet` shows nothing. The terminal is never left without its
    cursor. A terminal view should be `quiet` too when standard output is the same terminal and carries items.
    """

    def __init__(self, stats: Stats, extra: Callable[[], Extra], quiet: bool = False) -> None:
        self._stats = stats
        self._extra = extra
        self._quiet = quiet
        self._screen: Screen | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to show; returns at once."""
        if self._quiet or sys.stderr is None or self._thread is not None:
            return
        if _on_terminal():
            from crawler.observe.screen import Screen

            self._screen = Screen(sys.stderr)
        atexit.register(self.stop)  # for the ways out on which nobody calls it
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="live view", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Remove what was drawn and stop. May be called twice, and without `start`."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.stop)
        self._over.set()
        thread.join(timeout=1.0)  # a terminal that is held (Ctrl-S) must not hold the end of the run
        self._leave_screen()

    def tick(self) -> None:
        """Show the numbers of this moment once."""
        snapshot, extra = self._stats.snapshot(), self._extra()
        if self._screen is not None:
            self._screen.draw(picture(snapshot, extra))
        else:
            sys.stderr.write(line(snapshot, extra) + "\n")
            sys.stderr.flush()

    def say(self) -> None:
        """Write a line on standard error now, whatever is shown: above the picture, and also if the view is quiet."""
        if sys.stderr is not None:
            sys.stderr.write(f"crawl: {line(self._stats.snapshot(), self._extra(), long_parse=0.0)}\n")
            sys.stderr.flush()

    def _run(self) -> None:
        pause = ON_TERMINAL if self._screen is not None else ELSEWHERE
        while not self._over.wait(pause):
            try:
                self.tick()
            except Exception as error:  # the view is a convenience; a crawl does not end because of it
                self._leave_screen()
                logging.getLogger("crawler").warning("the live view has ended: %r", error)
                return

    def _leave_screen(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                screen.close()


def picture(snapshot: Snapshot, extra: Extra) -> list[str]:
    """The lines for a terminal."""
    lines = [
        f"{plain(', '.join(snapshot.spiders)) or 'crawl'}  {duration(snapshot.seconds)}   {_pages(snapshot)}",
        f"  items {snapshot.items:,}   errors {snapshot.errors:,}   retried {snapshot.retried:,}   "
        f"blocked {snapshot.blocked:,}   queue {extra.queue:,}   in flight {extra.in_flight:,}",
    ]
    if snapshot.dropped:
        lines.append(f"  dropped {by_count(snapshot.dropped)}")
    if snapshot.slowest:
        hosts = (f"{plain(times.host)} {times.mean:.2f} s" for times in snapshot.slowest[:3])
        lines.append(f"  slowest hosts: {', '.join(hosts)}")
    return lines + [f"  {note}" for note in _notes(extra)]


def line(snapshot: Snapshot, extra: Extra, long_parse: float = LONG_PARSE) -> str:
    """One line, for files and pipes. A page that is being parsed is named after `long_parse` seconds."""
    parts = [
        _pages(snapshot),
        f"items {snapshot.items:,}",
        f"errors {snapshot.errors:,}",
        f"queue {extra.queue:,}",
        f"in flight {extra.in_flight:,}",
        *_notes(extra, long_parse),
    ]
    return f"{duration(snapshot.seconds)}: {', '.join(parts)}"


def _pages(snapshot: Snapshot) -> str:
    rates = f"{snapshot.rate:,.1f}/s now, {snapshot.average:,.1f}/s on average"
    return f"pages {snapshot.pages:,} ({rates}, {size(snapshot.bytes)})"


def _notes(extra: Extra, long_parse: float = LONG_PARSE) -> list[str]:
    notes = []
    if extra.idle:
        notes.append(f"idle: {plain(extra.idle)}")
    if extra.parsing and extra.parsing_seconds >= long_parse:
        notes.append(f"parsing {plain(extra.parsing)} for {duration(extra.parsing_seconds)}")
    return notes


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

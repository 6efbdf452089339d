"""The switch of a run: run, pause, stop, stop now.

The level is one integer in shared memory and the truth for everyone, read without a lock. The two
Events only wake sleepers: whoever changes the level writes it first and touches the Event after.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from typing import Any

_PATIENCE = 0.5  # seconds for an Event to be touched


class Level(enum.IntEnum):
    """How far the traffic light has turned. A crawl that stops never runs again, so levels from STOP on only rise."""

    RUN = 0
    PAUSE = 1
    STOP = 2
    STOP_NOW = 3


class Switch:
    """One switch, as seen from one process. `running` and `stop_event` are `Event`s (process or thread ones)."""

    def __init__(self, cell: Any, running: Any, stop_event: Any) -> None:
        self._cell = cell
        self._running = running
        self._stop = stop_event
        self._wake: Callable[[], None] | None = None

    @property
    def level(self) -> Level:
        return Level(self._cell.value)

    def pause(self) -> bool:
        """Start nothing from now on. False if the run is stopping already."""
        if self.level >= Level.STOP:
            return False
        self._cell.value = Level.PAUSE
        _touch(self._running.clear)
        return True

    def go(self) -> bool:
        """Go on after a pause. False if the run is stopping already."""
        if self.level >= Level.STOP:
            return False
        self._cell.value = Level.RUN
        _touch(self._running.set)
        return True

    def stop(self, now: bool = False) -> None:
        """End the run: let flying requests land, or with `now` leave them."""
        self.raise_level(Level.STOP_NOW if now else Level.STOP)
        _touch(self._stop.set)

    def raise_level(self, level: Level) -> None:
        """Only the level, no Event: safe inside a signal handler."""
        if level > self._cell.value:
            self._cell.value = level

    def on_change(self, wake: Callable[[], None]) -> None:
        """Call `wake` from a helper thread when the run is stopped from elsewhere.

        The thread waits on the Event without a limit: a process killed while it held the Event's lock
        then costs this thread and nobody else.
        """
        self._wake = wake
        stop = self._stop

        def wait() -> None:
            stop.wait()
            wake()

        threading.Thread(target=wait, name="switch", daemon=True).start()

    def renew(self, running: Any, stop_event: Any) -> None:
        """Use other Events from now on: the locks of the old ones may have died with the room."""
        old, self._running, self._stop = self._stop, running, stop_event
        _touch(old.set)  # lets the thread that waits for it go
        if self.level != Level.PAUSE:
            _touch(running.set)
        if self._wake is not None:
            self.on_change(self._wake)


def _touch(act: Callable[[], None]) -> None:
    """Set or clear an Event, from a helper thread: its lock may have died with another process."""
    helper = threading.Thread(target=act, name="switch", daemon=True)
    helper.start()
    helper.join(_PATIENCE)

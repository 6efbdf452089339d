"""Keeps a control room open for a run: starts it, and another one if it is killed, stopped, or does not answer."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.context import BaseContext

from crawler.control.gauges import Gauges
from crawler.control.room import RoomProcess, RoomProxy
from crawler.control.switch import Switch
from crawler.errors import RoomLost


class RoomKeeper:
    """`announce(process)` is called with each room that is opened. Raises `RoomLost` if none can be started."""

    def __init__(self, context: BaseContext, gauges: Gauges, announce: Callable[[RoomProcess], None]) -> None:
        self._context = context
        self._gauges = gauges
        self._announce = announce
        running, stop = context.Event(), context.Event()
        running.set()
        self.switch = Switch(gauges.level, running, stop)
        self.process = self._open(running, stop)

    @property
    def room(self) -> RoomProxy:
        """The room of this moment."""
        return self.process.room

    def renew(self) -> None:
        """Throw the room away, in whatever state it is, and open an empty one. The level of the switch stays."""
        self.process.close()
        running, stop = self._context.Event(), self._context.Event()
        self.switch.renew(running, stop)
        self.process = self._open(running, stop)

    def close(self) -> None:
        self.process.close()

    def _open(self, running: object, stop: object) -> RoomProcess:
        try:
            process = RoomProcess(self._context, self._gauges, running, stop)
        except RoomLost:  # killed as it started
            process = RoomProcess(self._context, self._gauges, running, stop)
        try:
            self._announce(process)
        except BaseException:
            process.close()
            raise
        return process

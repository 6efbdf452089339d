"""From the engine to the listeners: each event goes to those who want its type, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from crawler.observe.events import Event, Fact
from crawler.protocols import Listener


class Emitter:
    """A table of listeners by type of event, so that nobody is called for what it does not hear."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.wants_bodies = any(getattr(listener, "wants_bodies", False) for listener in listeners)
        self.wants_samples = any(getattr(listener, "wants_samples", False) for listener in listeners)
        self._table: dict[type, list[Callable[[Any], None]]] = {}
        for listener in listeners:
            for kind in listener.hears or get_args(Event):
                self._table.setdefault(kind, []).append(listener.hear)

    def hears(self, kind: type) -> bool:
        """Whether anybody listens to this type."""
        return kind in self._table

    def emit(self, event: Fact) -> None:
        for hear in self._table.get(type(event), ()):
            hear(event)

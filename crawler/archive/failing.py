"""Records only what went wrong: answers wait here until it is known what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crawler.archive.recorder import Recorder
from crawler.request import Request
from crawler.response import HeaderPairs, Outcome

_MOST = 2000  # answers that wait


class FailingOnly:
    """A recorder and a listener. Of the events `bad` say that a page failed, `over` that no page comes of an answer,
    and `read` that it was read: once its items are stored, it is good.

    Events have a `url`, or an `error` with one; those that have an `error` which is false mean a page that is no error.
    """

    def __init__(self, recorder: Recorder, bad: Sequence[type], over: Sequence[type], read: type) -> None:
        self.path = recorder.path
        self.hears: tuple[type, ...] | None = (*bad, *over, read)
        self.open = recorder.open
        self.resume = recorder.resume
        self.write = recorder.write
        self.flush = recorder.flush
        self.close = recorder.close
        self.notes = recorder.notes
        self._recorder = recorder
        self._bad = frozenset(bad)
        self._read = read
        self._good: list[str] = []
        self._waiting: dict[str, tuple[Request, HeaderPairs, Outcome]] = {}

    @property
    def has_failed(self) -> bool:
        return self._recorder.has_failed

    def take(self, request: Request, sent: HeaderPairs, outcome: Outcome) -> None:
        if request.purpose:
            return
        self._waiting.pop(request.url, None)
        self._waiting[request.url] = (request, sent, outcome)
        if len(self._waiting) > _MOST:
            del self._waiting[next(iter(self._waiting))]

    def hear(self, event: Any) -> None:
        error = getattr(event, "error", True)
        url: str = getattr(event, "url", "") or getattr(error, "url", "")
        if type(event) is self._read:
            self._good.append(url)
        elif type(event) not in self._bad:
            self._waiting.pop(url, None)
        elif error and (known := self._waiting.pop(url, None)) is not None:
            self._recorder.take(*known)

    def mark(self) -> tuple[dict[str, Any], int]:
        for url in self._good:
            self._waiting.pop(url, None)
        self._good.clear()
        return self._recorder.mark()

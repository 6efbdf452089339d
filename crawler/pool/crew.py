"""`multiprocessing.Pool` for a few calls that somebody waits for: `map`, and an error instead of a wait without end.

A stock Pool replaces a worker that dies and never finishes its call. Here a death ends the map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from multiprocessing import TimeoutError as NotYet
from multiprocessing.context import BaseContext
from multiprocessing.pool import Pool as StockPool
from multiprocessing.pool import ThreadPool as StockThreads
from types import TracebackType
from typing import Any, TypeVar

from crawler.errors import CrawlError
from crawler.pool.context import begin_child

_LOOK = 0.2  # seconds between two looks at the workers

Given = TypeVar("Given")
Result = TypeVar("Result")


class _FixedPool(StockPool):
    """A Pool whose workers are those it began with, in `workers`."""

    workers: list[Any]

    def _repopulate_pool(self) -> None:
        super()._repopulate_pool()  # type: ignore[misc]
        self.workers = list(self._pool)  # type: ignore[attr-defined]
        self._processes = 0  # as many are started again when one has died


class Crew:
    """`size` processes that run `initializer(*initargs)` first, or threads of this one if there is no context.

    A context manager: at its end no process is left, whatever they were doing.
    """

    def __init__(
        self, context: BaseContext | None, size: int, initializer: Callable[..., None], initargs: tuple[Any, ...]
    ) -> None:
        self._processes: list[Any] = []
        self._pool: StockPool
        if context is None:
            self._pool = StockThreads(size)
        else:
            pool = _FixedPool(size, initializer=_begin, initargs=(initializer, initargs), context=context)
            self._pool, self._processes = pool, pool.workers

    def map(self, function: Callable[[Given], Result], given: Iterable[Given]) -> list[Result]:
        """What the function gives for each, in their order. Raises `CrawlError` if a worker dies meanwhile."""
        waiting = self._pool.map_async(function, given, chunksize=1)
        while True:
            try:
                return waiting.get(_LOOK)
            except NotYet:
                if codes := [code for worker in self._processes if (code := worker.exitcode) is not None]:
                    raise CrawlError(
                        f"a worker process died (exit code {codes[0]}), and with it what it was fetching",
                        hint="-s crawl.pool=inline fetches without worker processes",
                    ) from None

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._pool.terminate()
            self._pool.join()
            return
        # `terminate` waits for locks that a worker may have taken along.
        pool: Any = self._pool
        pool._terminate.cancel()
        for worker in self._processes:
            worker.kill()


def _begin(initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    begin_child()
    initializer(*initargs)

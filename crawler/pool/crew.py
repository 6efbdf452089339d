"""`map` for a few calls that somebody waits for: in the processes of a `multiprocessing.Pool`, or in threads.

A stock Pool replaces a worker that dies and never finishes its call, and its threads take a tenth of a second to leave.
Here a death is an error, and a Ctrl-C ends the waiting at once, whatever the workers are doing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import TimeoutError as NotYet
from multiprocessing.context import BaseContext
from multiprocessing.pool import Pool as StockPool
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from crawler.errors import CrawlError
from crawler.pool.context import begin_child

_LOOK = 0.2  # seconds between two looks at the workers
_FAREWELL = 1.0  # seconds they may take to leave by themselves

Given = TypeVar("Given")
Result = TypeVar("Result")


class _FixedPool(StockPool):
    """A Pool whose workers are those it began with, in `workers`."""

    workers: list[Any]

    def _repopulate_pool(self) -> None:
        super()._repopulate_pool()  # type: ignore[misc]
        self.workers = list(self._pool)  # type: ignore[attr-defined]
        self._processes = 0  # as many are started again when one has died


def map_in_processes(
    context: BaseContext,
    size: int,
    function: Callable[[Given], Result],
    given: Sequence[Given],
    initializer: Callable[..., None],
    initargs: tuple[Any, ...] = (),
) -> list[Result]:
    """What the function gives for each, in their order, from `size` processes that run `initializer(*initargs)` first.

    No process is left when it returns or raises. Raises `CrawlError` if a worker dies meanwhile, and what the function
    raises.
    """
    pool: Any = _FixedPool(size, initializer=_begin, initargs=(initializer, initargs), context=context)
    workers = pool.workers
    patience = 0.0
    try:
        waiting = pool.map_async(function, given, chunksize=1)
        while True:
            try:
                result: list[Result] = waiting.get(_LOOK)
                patience = _FAREWELL
                return result
            except NotYet:
                if codes := [code for worker in workers if (code := worker.exitcode) is not None]:
                    raise CrawlError(
                        f"a worker process died (exit code {codes[0]}), and with it what it was fetching",
                        hint="-s crawl.pool=inline fetches without worker processes",
                    ) from None
    finally:
        # `terminate` would wait for locks that a worker may have taken along, and for workers that are deaf to SIGTERM.
        pool._terminate.cancel()
        pool.close()
        deadline = time.monotonic() + patience
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.kill()
            worker.join(_FAREWELL)


def map_in_threads(size: int, function: Callable[[Given], Result], given: Sequence[Given]) -> list[Result]:
    """What the function, which must not raise, gives for each, in their order, from `size` threads.

    The caller's thread only waits. If that is interrupted, the threads are left to what they are doing.
    """
    tasks: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, Result]] = SimpleQueue()
    for number in range(len(given)):
        tasks.put(number)

    def work() -> None:
        while True:
            try:
                number = tasks.get_nowait()
            except Empty:
                return
            done.put((number, function(given[number])))

    for _ in range(min(size, len(given))):
        threading.Thread(target=work, name="crew", daemon=True).start()
    results = dict(done.get() for _ in given)
    return [results[number] for number in range(len(given))]


def _begin(initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    begin_child()
    initializer(*initargs)

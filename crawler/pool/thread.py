"""`multiprocessing.pool.ThreadPool(1)` as a lane's pool: for offline tests and for debugging without processes."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.pool import ThreadPool as StockThreadPool
from typing import Any


class ThreadPool:
    """One worker thread. It cannot die and cannot be killed; `finalizer` makes its fetcher give up."""

    pid = 0

    def __init__(
        self, initializer: Callable[..., None], initargs: tuple[Any, ...], finalizer: Callable[[], None]
    ) -> None:
        self._pool: Any = StockThreadPool(1, initializer=initializer, initargs=initargs)
        self._finalizer = finalizer

    def apply_async(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        callback: Callable[[Any], None],
        error_callback: Callable[[BaseException], None],
    ) -> None:
        self._pool.apply_async(func, args, callback=callback, error_callback=error_callback)

    def death(self) -> str:
        return ""

    def close(self, timeout: float) -> None:
        self.abandon()

    def abandon(self) -> None:
        self._finalizer()
        self._pool.terminate()
        self._pool.join()
        for end in (self._pool._change_notifier._reader, self._pool._change_notifier._writer):
            end.close()  # the Pool leaves them to the garbage

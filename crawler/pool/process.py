"""`multiprocessing.Pool(1)` as a lane's pool: one worker process, and a way to throw it away whole."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from multiprocessing.context import BaseContext
from multiprocessing.pool import TERMINATE
from multiprocessing.pool import Pool as StockPool
from typing import Any

from crawler.pool.context import begin_child

_JOIN = 1.0  # seconds a helper thread of the Pool gets to leave
_LOCK = 0.1  # seconds one of them may hold a lock; longer, and it was a worker that died with it

# The ends of pipes that belong to the worker of each pool. A forked worker inherits those of the others, too, and
# would keep their pipes open after their end.
_ends: dict[int, tuple[Any, Any]] = {}
_numbers = count()


class _QuietPool(StockPool):
    def _get_sentinels(self) -> list[Any]:
        """What the thread that looks after workers waits for, besides their deaths.

        The stock Pool lets it wait for results as well: it then spins for as long as a large report is being read.
        Only a Pool closed with calls outstanding needs that, and no lane does it.
        """
        return [self._change_notifier._reader]  # type: ignore[attr-defined]


class ProcessPool:
    """One worker process. `initializer(*initargs)` runs in it first and must not raise: a Pool would try for ever."""

    def __init__(self, context: BaseContext, initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
        self._number = next(_numbers)
        pool: Any = _QuietPool(1, initializer=_begin, initargs=(self._number, initializer, initargs), context=context)
        self._pool = pool
        _ends[self._number] = (pool._outqueue._writer, pool._inqueue._reader)
        # The Pool forgets a dead worker as it puts a new one in its place; holding the object keeps the exit code.
        self._process = pool._pool[0]
        _widen(pool._outqueue._reader.fileno())
        self.pid: int = self._process.pid
        self._abandoned = False

    def apply_async(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        callback: Callable[[Any], None],
        error_callback: Callable[[BaseException], None],
    ) -> None:
        self._pool.apply_async(func, args, callback=callback, error_callback=error_callback)

    def death(self) -> str:
        try:
            code = None if self._abandoned else self._process.exitcode
        except ValueError:  # abandoned between the two looks; another thread may ask
            code = None
        if code is None:
            return ""
        return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"

    def close(self, timeout: float) -> None:
        """Ask the worker to leave, wait for it at most `timeout` seconds, then free everything."""
        if not self._abandoned:
            self._pool.close()
            self._process.join(timeout)
            self.abandon()

    def abandon(self) -> None:
        """Kill the worker and free threads, pipes and descriptors, whatever locks it died with.

        `Pool.terminate` is not used: it waits for locks that a killed worker may have taken along.
        """
        if self._abandoned:
            return
        self._abandoned = True
        pool = self._pool
        pool._terminate.cancel()
        pool._state = pool._worker_handler._state = TERMINATE
        pool._change_notifier.put(None)
        pool._worker_handler.join(_JOIN)  # from here on nothing is started again
        for process in {self._process, *pool._pool}:
            process.kill()
            process.join(_JOIN)
        # A worker killed in the middle of a report still holds this lock, and the Pool's own threads want it.
        results, orders = pool._outqueue, pool._inqueue
        results._wlock.acquire(timeout=_LOCK)
        results._wlock.release()
        for end in _ends.pop(self._number):
            end.close()
        deadline = time.monotonic() + _JOIN
        threads = (pool._task_handler, pool._result_handler)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            return  # they own what is left; closing it under them could hit a descriptor used anew
        results._reader.close()
        orders._writer.close()
        pool._change_notifier._reader.close()
        pool._change_notifier._writer.close()
        for process in {self._process, *pool._pool}:
            with suppress(ValueError):
                process.close()


def _widen(pipe: int) -> None:
    """Let a whole report fit into the pipe: fewer turns between worker and parent, a third less CPU for both."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with suppress(OSError):  # the limit of this user may be lower
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _begin(number: int, initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    begin_child()
    for others, ends in _ends.items():
        if others != number:
            for end in ends:
                end.close()
    initializer(*initargs)

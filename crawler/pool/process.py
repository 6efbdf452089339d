"""`multiprocessing.Pool(1)` as a lane's pool: one worker process, and a way to throw it away whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from multiprocessing.context import BaseContext
from multiprocessing.pool import TERMINATE
from multiprocessing.pool import Pool as StockPool
from typing import Any

from crawler.errors import CrawlError
from crawler.pool.context import begin_child

_JOIN = 1.0  # seconds a helper thread of the Pool gets to leave
_TRIES = 3  # to start a worker
_NICE = 3  # a core goes to the main process first: while that waits for one, it has no work for anybody
_LOCK = 0.1  # seconds one of them may hold a lock; longer, and it was a worker that died with it

# The ends of pipes that belong to the worker of each pool. A forked worker inherits those of the others, too, and
# would keep their pipes open after their end.
_ends: dict[int, tuple[Any, Any]] = {}
_numbers = count()


class _QuietPool(StockPool):
    """A Pool that never starts a second worker: a lane that lost its worker is replaced whole."""

    worker: Any

    def _repopulate_pool(self) -> None:
        super()._repopulate_pool()  # type: ignore[misc]
        # Here no thread runs yet. Later one takes dead workers out of the list; holding the object keeps the exit code.
        self.worker = self._pool[0]  # type: ignore[attr-defined]
        self._processes = 0  # as many are started again when one has died

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
        pool: Any = _started(context, (self._number, initializer, initargs))
        self._pool = pool
        _ends[self._number] = (pool._outqueue._writer, pool._inqueue._reader)
        self._process = pool.worker
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


def _started(context: BaseContext, initargs: tuple[Any, ...]) -> _QuietPool:
    """A Pool with its worker. One that is killed while it is given what it starts with has a successor."""
    for _ in range(_TRIES - 1):
        with suppress(OSError, EOFError):
            return _QuietPool(1, initializer=_begin, initargs=initargs, context=context)
    try:
        return _QuietPool(1, initializer=_begin, initargs=initargs, context=context)
    except (OSError, EOFError) as error:
        raise CrawlError(
            f"no worker process could be started: {type(error).__name__}: {error}",
            hint="the system may be out of processes, files or memory; fewer workers: --workers 1",
        ) from error


def _widen(pipe: int) -> None:
    """Let a whole report fit into the pipe: fewer turns between worker and parent, a third less CPU for both."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
        with suppress(OSError):  # the limit of this user may be lower
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _begin(number: int, initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    begin_child()
    os.nice(_NICE)
    for others, ends in _ends.items():
        if others != number:
            for end in ends:
                end.close()
    initializer(*initargs)

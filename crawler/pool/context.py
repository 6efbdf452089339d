"""The `multiprocessing` context for every child of a crawl, and what a child does first.

Children never import the user's `__main__`: what they run is named by module, and spider files are
loaded by path. So a script needs no `if __name__ == "__main__"` guard, whatever the start method.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import (
    connection,
    forkserver,
    popen_fork,
    popen_forkserver,
    popen_spawn_posix,
    resource_tracker,
    spawn,
)
from multiprocessing.context import BaseContext, ForkContext, ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any

from crawler.errors import UsageError
from crawler.pool.temporary import temporary_folder

# Ended only by the parent; a Ctrl-C in a terminal reaches the whole process group. SIGUSR1 is a question to the parent.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)

# What the fork server imports once, so that each worker starts with it in place: for all, for each client, and for
# workers that read pages.
_PRELOAD = ("crawler.worker", "crawler.control.room")
_CLIENTS = {"requests": "crawler.fetch.requests_fetcher", "curl": "crawler.fetch.curl_fetcher"}
_READER = ("crawler.reader", "crawler.spider.links", "crawler.spider.tree", "crawler.observe.samples")

# Of each size each thread keeps so many pieces of memory ready in them, instead of 7: the tree of a page has thousands
# of a few sizes, and is made and thrown away a sixth faster so. glibc looks at this as a program starts; others never.
MEMORY = "GLIBC_TUNABLES", "glibc.malloc.tcache_count=500"

_FAREWELL = 1.0  # seconds

_polling = threading.Lock()

_launching = threading.local()
_stock_preparation_data = spawn.get_preparation_data


def _preparation_data(name: str) -> dict[str, Any]:
    """As the library's, but without the way to `__main__` while one of our own processes starts."""
    data = _stock_preparation_data(name)
    if getattr(_launching, "ours", False):
        data.pop("init_main_from_name", None)
        data.pop("init_main_from_path", None)
    return data


spawn.get_preparation_data = _preparation_data


@contextmanager
def _launch_of_ours() -> Iterator[None]:
    # Signals stay blocked until the child has set its own handlers: a mask is inherited, a handler is not.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    _launching.ours = True
    try:
        yield
    finally:
        _launching.ours = False
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _much_memory_ready() -> Iterator[None]:
    name, value = MEMORY
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


class _ForkPopen(popen_fork.Popen):
    def _launch(self, process_obj: Any) -> None:
        with _launch_of_ours():
            super()._launch(process_obj)  # type: ignore[misc]


class _SpawnPopen(popen_spawn_posix.Popen):
    def _launch(self, process_obj: Any) -> None:
        with _launch_of_ours():
            super()._launch(process_obj)  # type: ignore[misc]


class _ForkServerPopen(popen_forkserver.Popen):
    def _launch(self, process_obj: Any) -> None:
        with _launch_of_ours():
            super()._launch(process_obj)  # type: ignore[misc]

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """As the library's, in one thread at a time: it reads the exit code from a pipe, and of two threads that do so
        at once (the Pool's and ours) one would find it empty and believe in a code of 255.
        """
        if self.returncode is None and flag != os.WNOHANG:
            connection.wait([self.sentinel])
        with _polling:
            return super().poll()


class _Process(BaseProcess):
    def run(self) -> None:
        """As the library's. What fails because the parent was killed meanwhile is told to nobody."""
        try:
            super().run()
        except (OSError, EOFError):
            parent = multiprocessing.parent_process()
            if parent is None or not connection.wait([parent.sentinel], _FAREWELL):
                raise
            threading.Event().wait(_FAREWELL)  # the thread that waits for that, too, has something to do before
            os._exit(1)


class _ForkProcess(_Process):
    _start_method = "fork"
    _Popen = staticmethod(_ForkPopen)


class _SpawnProcess(_Process):
    _start_method = "spawn"
    _Popen = staticmethod(_SpawnPopen)


class _ForkServerProcess(_Process):
    _start_method = "forkserver"
    _Popen = staticmethod(_ForkServerPopen)


class _Fork(ForkContext):
    Process = _ForkProcess  # type: ignore[assignment]


class _Spawn(SpawnContext):
    Process = _SpawnProcess  # type: ignore[assignment]


class _ForkServer(ForkServerContext):
    Process = _ForkServerProcess  # type: ignore[assignment]


def context_for(start_method: str, client: str = "requests", reads: bool = False) -> BaseContext:
    """The context of "fork", "spawn", "forkserver", or "auto" (forkserver where there is one, else spawn).

    A fork server is started at once, in the background: it imports what workers with that client need, or such as read
    pages, while the caller goes on. One that runs already goes on as it is.
    """
    if multiprocessing.current_process().daemon:
        raise UsageError(
            "this is a daemonic process (a worker of multiprocessing.Pool?), which cannot start worker processes",
            hint='let it fetch in threads: settings={"crawl.pool": "thread"}',
        )
    if start_method == "auto":
        start_method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    temporary_folder()
    context: BaseContext = {"fork": _Fork, "spawn": _Spawn, "forkserver": _ForkServer}[start_method]()
    if start_method != "fork":
        with _launch_of_ours():
            _start_tracker()
    if start_method == "forkserver":
        is_tuned = reads and MEMORY[0] not in os.environ  # or somebody has other wishes
        preload = [*(["crawler.pool.served"] if is_tuned else ()), *_PRELOAD, _CLIENTS[client]]
        context.set_forkserver_preload([*preload, *(_READER if reads else ())])
        with _launch_of_ours(), _much_memory_ready() if is_tuned else nullcontext():
            forkserver.ensure_running()
    return context


def _start_tracker() -> None:
    """Start the library's resource tracker now. Left to itself it would start in the middle of a launch, lift the
    mask there, and die of a SIGHUP.

    It cleans up after a killed crawl, and shall not warn of each lock as it does. It takes its filters of warnings from
    this process at its start; there is no other way to tell it.
    """
    sys.warnoptions.append("ignore:resource_tracker")
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove("ignore:resource_tracker")


def begin_child(last: Callable[[], None] | None = None) -> None:
    """The first call in a child: deaf to the signals of the terminal, and gone when the parent is gone.

    `last` is called before that.
    """
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
    signal.set_wakeup_fd(-1)
    tune_garbage_collector()
    threading.Thread(target=_leave_with_parent, args=(last,), name="leave-with-parent", daemon=True).start()


def tune_garbage_collector() -> None:
    """Look for cycles less often. Only for a process of our own: a page makes hundreds of objects, none of them cyclic.

    What was loaded at the start is not looked through again.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _leave_with_parent(last: Callable[[], None] | None) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        with suppress(OSError):
            connection.wait([parent.sentinel])
        # The other threads may stumble over what is gone now; nobody wants to know.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        if last is not None:
            with suppress(Exception):
                last()
        os._exit(1)

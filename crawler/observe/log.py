"""The log: where lines go (standard error, a file), how they look, and which events become lines.

One line per message, and nothing of foreign origin raw in it (`plain`). A traceback follows its message,
indented, so that no page can forge a line of its own.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from crawler.errors import OutputError
from crawler.observe.events import (
    Blocked,
    Drifted,
    Dropped,
    Event,
    Fetched,
    FetchFailed,
    Finished,
    ItemDropped,
    ItemFailed,
    PageRead,
    ReadFailed,
    Redirected,
    Retried,
    RoomRenewed,
    Started,
    Stopping,
    WorkerLost,
)
from crawler.observe.plain import plain
from crawler.url import host_of

NAME = "crawler"

_MOST_HOSTS = 10_000  # that were said to have failed
_TRACES = 3  # tracebacks that are shown of one kind of exception at one line
_WARNINGS = "py.warnings"  # the logger of the library's `warnings`
_CHATTY = ("urllib3", "charset_normalizer", "asyncio")  # libraries whose notes are about themselves


def setup(
    level: Literal["debug", "info", "warning", "error"], file: str = "", quiet: bool = False
) -> Callable[[], None]:
    """Send the log to standard error, and to `file` (appended) if one is named; the function that undoes it.

    All loggers are heard, so a spider may use `logging.getLogger("maoyan")`. `quiet` leaves only errors on
    standard error; the file gets everything from `level` up. Raises `OutputError` if the file cannot be opened.
    """
    lowest = logging.getLevelName(level.upper())
    to_stderr = StandardError(max(lowest, logging.ERROR) if quiet else lowest)
    to_stderr.setFormatter(LineFormatter("%H:%M:%S"))
    handlers: list[logging.Handler] = [to_stderr]
    if file:
        try:
            to_file = LogFile(file, encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"cannot write the log {file}: {error.strerror}", hint="see the setting log.file"
            ) from error
        to_file.setFormatter(LineFormatter("%Y-%m-%d %H:%M:%S"))
        handlers.append(to_file)

    root = logging.getLogger()
    levels = {logger: logger.level for logger in (root, logging.getLogger(NAME), *map(logging.getLogger, _CHATTY))}
    for logger in levels:
        logger.setLevel(logging.ERROR if logger.name in _CHATTY else lowest)
    for handler in handlers:
        root.addHandler(handler)
    # What Python would write to standard error as it is.
    logging.captureWarnings(True)
    threads_before, threading.excepthook = threading.excepthook, _thread_failed

    def undo() -> None:
        threading.excepthook = threads_before
        logging.captureWarnings(False)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        for logger, before in levels.items():
            logger.setLevel(before)

    return undo


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """A thread of a spider, or of a library it uses, has ended with an exception."""
    if failed.exc_type is not SystemExit and failed.exc_value is not None:
        name = failed.thread.name if failed.thread is not None else "unknown"
        exception = (failed.exc_type, failed.exc_value, failed.exc_traceback)
        logging.getLogger(NAME).error("the thread %s failed", name, exc_info=exception)


class LineFormatter(logging.Formatter):
    """`12:34:56 warning  message`; messages of other loggers than the crawler's begin with their name."""

    def __init__(self, time_format: str) -> None:
        super().__init__(datefmt=time_format)

    def format(self, record: logging.LogRecord) -> str:
        origin = "" if record.name.partition(".")[0] == NAME else f"{record.name}: "
        head = f"{self.formatTime(record, self.datefmt)} {record.levelname.lower():<8} "
        message, *more = [record.getMessage()] if record.name != _WARNINGS else record.getMessage().splitlines()
        line = head + plain(origin + message)
        trace = getattr(record, "trace", "") or (self.formatException(record.exc_info) if record.exc_info else "")
        return "\n".join([line, *(f"    {plain(part)}" for part in (*more, *trace.splitlines()))])


class StandardError(logging.Handler):
    """Writes to whatever `sys.stderr` is at that moment, as the live view changes it while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)  # tells of wrong arguments, keeps still where nobody reads standard error any more


class LogFile(logging.FileHandler):
    """A log file. If it cannot be written any more, that is said once on standard error and the crawl goes on."""

    def __init__(self, path: str, encoding: str) -> None:
        super().__init__(path, encoding=encoding)
        self._told = False

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written has been told
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            sys.stderr.write(f"cannot write the log {plain(self.baseFilename)} any more: {error.strerror}\n")


class LogListener:
    """Turns events into log lines. `hears` leaves out the events that the level of `logger` would not show."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger(NAME)
        handlers: dict[type[Any], tuple[int, Callable[[Any], None]]] = {
            Started: (logging.INFO, self._on_started),
            Fetched: (logging.DEBUG, self._on_fetched),
            PageRead: (logging.DEBUG, self._on_page_read),
            FetchFailed: (logging.INFO, self._on_fetch_failed),
            Retried: (logging.INFO, self._on_retried),
            Redirected: (logging.DEBUG, self._on_redirected),
            Dropped: (logging.DEBUG, self._on_dropped),
            Blocked: (logging.WARNING, self._on_blocked),
            Drifted: (logging.ERROR, self._on_drifted),
            ReadFailed: (logging.ERROR, self._on_read_failed),
            ItemFailed: (logging.ERROR, self._on_item_failed),
            ItemDropped: (logging.DEBUG, self._on_item_dropped),
            WorkerLost: (logging.WARNING, self._on_worker_lost),
            RoomRenewed: (logging.WARNING, self._on_room_renewed),
            Stopping: (logging.INFO, self._on_stopping),
            Finished: (logging.INFO, self._on_finished),
        }
        self._handlers = {kind: act for kind, (level, act) in handlers.items() if self._logger.isEnabledFor(level)}
        self._read_failed: dict[tuple[str, str], int] = {}
        self._item_failed: dict[str, int] = {}
        self._hosts_failed: set[tuple[str, str]] = set()
        # An error at WARNING is shown where notes at INFO are not.
        if self._logger.isEnabledFor(logging.WARNING):
            self._handlers[FetchFailed] = self._on_fetch_failed
        self.hears: tuple[type[Any], ...] | None = tuple(self._handlers)

    def hear(self, event: Event) -> None:
        """Log one event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _on_started(self, event: Started) -> None:
        workers = "1 worker" if event.workers == 1 else f"{event.workers} workers"
        self._logger.info("%s: started, %s (%s)", ", ".join(event.spiders), workers, event.pool)

    def _on_fetched(self, event: Fetched) -> None:
        self._logger.debug("%s answered %d, %d bytes in %.3f s", event.url, event.status, event.size, event.seconds)

    def _on_page_read(self, event: PageRead) -> None:
        self._logger.debug("%s read %s: items %d, requests %d", event.callback, event.url, event.items, event.requests)

    def _on_fetch_failed(self, event: FetchFailed) -> None:
        level = logging.WARNING if event.error else logging.INFO
        if event.kind == "host":  # said of all its requests, and once is enough
            what = (host_of(event.url), event.detail)
            if what in self._hosts_failed:
                level = logging.DEBUG
            elif len(self._hosts_failed) < _MOST_HOSTS:
                self._hosts_failed.add(what)
        self._logger.log(level, "failed: %s: %s: %s", event.url, event.kind, event.detail)

    def _on_retried(self, event: Retried) -> None:
        self._logger.info("again in %.1f s: %s: %s", event.delay, event.url, event.reason)

    def _on_redirected(self, event: Redirected) -> None:
        self._logger.debug("followed: %s: %s", event.url, event.reason)

    def _on_dropped(self, event: Dropped) -> None:
        self._logger.debug("dropped: %s: %s", event.url, event.reason)

    def _on_blocked(self, event: Blocked) -> None:
        self._logger.warning("blocked: %s: %s", event.url, event.reason)

    def _on_drifted(self, event: Drifted) -> None:
        alarm = event.alarm
        if alarm.what != "blocked":  # that is said already
            where = f" at {alarm.where}" if alarm.where else ""
            self._logger.error("drift: %s: %s%s: %s", alarm.callback, alarm.message, where, alarm.bad_url)

    def _on_read_failed(self, event: ReadFailed) -> None:
        error = event.error
        what = f"{error.callback} failed on {error.url}" if error.url else f"{error.callback} failed"
        place = (error.where, error.kind)
        count = self._read_failed[place] = self._read_failed.get(place, 0) + 1
        # A line of code that fails on one page fails on thousands.
        self._logger.error("%s: %s", what, error, extra={"trace": error.trace if count <= _TRACES else ""})

    def _on_item_failed(self, event: ItemFailed) -> None:
        trace = ""
        if event.trace:
            count = self._item_failed[event.where] = self._item_failed.get(event.where, 0) + 1
            trace = event.trace if count <= _TRACES else ""
        self._logger.error("item not stored: %s: %s", event.url, event.reason, extra={"trace": trace})

    def _on_item_dropped(self, event: ItemDropped) -> None:
        self._logger.debug("item dropped: %s: %s", event.url, event.reason)

    def _on_worker_lost(self, event: WorkerLost) -> None:
        requests = "1 request goes" if event.requests == 1 else f"{event.requests} requests go"
        self._logger.warning("worker %d is gone (%s); %s back to the frontier", event.lane, event.reason, requests)

    def _on_room_renewed(self, event: RoomRenewed) -> None:
        self._logger.warning("the control room was lost; another one is open")

    def _on_stopping(self, event: Stopping) -> None:
        if event.grace:
            self._logger.info(
                "stopping: requests in flight may land for %g s; a second Ctrl-C leaves at once", event.grace
            )

    def _on_finished(self, event: Finished) -> None:
        self._logger.info("ended: %s", event.reason)

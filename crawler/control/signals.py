"""Ctrl-C, SIGTERM and SIGHUP while a crawl runs: the first one drains, the second one leaves at once. SIGUSR1 asks how
it is doing.

Python runs signal handlers in the main thread and only between its own instructions, so a long call
into a C library (an XPath over a huge page) holds them up. The operating system's byte in the wake-up
pipe is not held up: a thread reads it and, a moment after the second signal, ends the process itself.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from crawler.control.switch import Level, Switch
from crawler.errors import StopNow
from crawler.spider.time_limit import is_of_limit

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STATUS = signal.SIGUSR1
_PATIENCE = 0.8  # seconds the main thread has to leave after the second signal
_STANDING = 0.5  # seconds it stands still at most, so that the status can be told
_MOMENT = 0.01


class Signals:
    """A context in which the signals of the terminal end a crawl. Does nothing outside the main thread.

    What comes before `steer` says what to do is kept and takes effect then; a question for the status is not.
    `ended_by` is the name of the first signal that ends it, "stop" for `leave`, or "".
    """

    def __init__(self) -> None:
        self.ended_by = ""
        self._switch: Switch | None = None
        self._wake: Callable[[], None] = _nothing
        self._in_user_code: Callable[[], bool] = bool
        self._emergency: Callable[[int], None] = os._exit
        self._status: Callable[[], None] = _nothing
        self._is_leaving = False
        self._is_asked = False
        self._telling = threading.Lock()
        self._is_standing = False
        self._left = threading.Event()
        self._active = threading.current_thread() is threading.main_thread()
        self._handled = 0
        self._read_bytes = 0
        self._handlers: dict[int, Any] = {}
        self._old_wakeup = -1

    def steer(
        self,
        switch: Switch,
        wake: Callable[[], None],
        in_user_code: Callable[[], bool],
        emergency: Callable[[int], None],
        status: Callable[[], None],
    ) -> None:
        """Turn `switch` at each signal from now on, and for those that came already.

        `wake` makes the engine look at the switch; `in_user_code` says whether an exception may be raised where the
        main thread is; `emergency` ends the process at once and is given the exit code; `status` tells how the crawl is
        doing, from a thread.
        """
        self._status = status
        self._wake = wake
        self._in_user_code = in_user_code
        self._emergency = emergency
        self._switch = switch
        self._turn(max(self._handled, self._read_bytes))

    def __enter__(self) -> Signals:
        if self._active:
            self._read_end, self._write_end = os.pipe()
            os.set_blocking(self._write_end, False)
            self._old_wakeup = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
            for number in WATCHED:
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue  # by nohup, or by a script's `&`: it stays so
                self._handlers[number] = signal.signal(number, self._handle)
            self._handlers[STATUS] = signal.signal(STATUS, self._stand)
            self._thread = threading.Thread(target=self._read, name="signals", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._active:
            for number, handler in self._handlers.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
            signal.set_wakeup_fd(self._old_wakeup)
            self._left.set()
            os.close(self._write_end)  # the reader sees the end
            self._thread.join()
            os.close(self._read_end)

    def leave(self) -> None:
        """As a second signal, for a stop that came from another terminal. May be called again and again."""
        if not self._active or self._left.is_set() or self._is_leaving or max(self._handled, self._read_bytes) > 1:
            return
        self._is_leaving = True
        self.ended_by = self.ended_by or "stop"
        threading.Thread(target=self._watch_leaving, name="leave-now", daemon=True).start()
        main = threading.main_thread().ident
        if main is not None and signal.SIGTERM in self._handlers:
            signal.pthread_kill(main, signal.SIGTERM)  # its handler raises `StopNow` where the user's code is

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # The thread counts as well, but a regular expression that never ends runs handlers and no other thread.
        self._handled += 1
        self._note(number)
        self._turn(self._handled)
        is_now = self._switch is not None and self._switch.level == Level.STOP_NOW
        if is_now and self._in_user_code() and not is_of_limit(frame):
            raise StopNow

    def _stand(self, _number: int, _frame: FrameType | None) -> None:
        # A thread tells, as it can do so while the main thread is inside a library. But a regular expression that never
        # ends lets no other thread run, except here.
        if self._is_standing:
            return
        self._is_standing = True
        try:
            latest = time.monotonic() + _STANDING
            time.sleep(_MOMENT)
            while (self._is_asked or self._telling.locked()) and time.monotonic() < latest:
                time.sleep(_MOMENT)
        finally:
            self._is_standing = False

    def _tell(self) -> None:
        with self._telling, suppress(Exception):  # standard error is gone, or a number is just changing
            self._is_asked = False
            self._status()

    def _turn(self, signals: int) -> None:
        if self._switch is not None and signals:
            self._switch.raise_level(Level.STOP if signals == 1 else Level.STOP_NOW)
            self._wake()

    def _note(self, number: int) -> None:
        """Record a signal; the handler and the thread may both do it, in any order."""
        if not self.ended_by:
            self.ended_by = signal.Signals(number).name

    def _read(self) -> None:
        """Runs in the thread: one byte per signal, in the order they came."""
        while numbers := os.read(self._read_end, 64):
            for number in numbers:
                if number == STATUS and not self._is_asked:
                    self._is_asked = True
                    # In a thread of its own: a terminal that is held (Ctrl-S) must not hold up this one.
                    threading.Thread(target=self._tell, name="status", daemon=True).start()
                if number not in WATCHED:
                    continue
                self._note(number)
                self._read_bytes += 1
                self._turn(self._read_bytes)
                if self._read_bytes == 2:
                    threading.Thread(target=self._watch_leaving, name="leave-now", daemon=True).start()

    def _watch_leaving(self) -> None:
        if not self._left.wait(_PATIENCE):
            self._emergency(130 if self.ended_by == "SIGINT" else 143)


def _nothing() -> None: ...

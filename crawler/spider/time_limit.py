"""A limit on the time that user code may take: what runs longer is cut by an exception raised into it.

In the main thread a timer's signal does it, in loops, `time.sleep`, patterns that never end. A long call into a C
library (an XPath) is cut when it returns. Other threads get no signals: what took too long there is only logged.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` without enums, which take 5 us a page
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType

from crawler.spider.trace import is_users, place

# A pattern that never ends lets no other thread run, except while Python handles a signal. So every half second it is
# held up for a moment, in which the live view, `crawl status` and the watchdog have their turn.
_TURN = 0.5
_MOMENT = 0.02
_AGAIN = 0.1  # seconds until it is raised again, as user code may have caught it
# Who caught it so many times does so in a loop, and gets out of that only by one that comes while it handles another.
# How many microseconds later that is nobody knows, so all are tried, one after the other.
_PATIENCE = 5
_TRIED = 50
_MISSED = 1e-3  # seconds until the next try, if one came too early to be raised

_ALARM = int(signal.SIGALRM)

_HERE = __file__
_SIGNALS = str(Path(__file__).parent.parent / "control" / "signals.py")


class TimeLimitExceeded(BaseException):
    """Raised into user code that takes too long. `where` is "file:line" of the user's, or ""."""

    passes_user_code = True

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.message = message
        self.where = where

    def told(self) -> TimeoutError:
        """As an error for people: the traceback ends with the code that was cut."""
        step = self.__traceback__
        while step is not None:
            if step.tb_next is not None and is_of_limit(step.tb_next.tb_frame):
                step.tb_next = None
            step = step.tb_next
        return TimeoutError(self.message).with_traceback(self.__traceback__)


class TimeLimit:
    """A context for calls of user code. Raises `TimeLimitExceeded` if they take more than `seconds`; 0 = no limit.

    ```python
    with TimeLimit(120, "parse", page.url):
        items = list(spider.parse(page))
    ```

    Whatever is called inside may be cut anywhere, so nothing of it may count once this is raised; the frame that
    entered is not hit. An alarm of somebody else (SIGALRM, its timer) goes on afterwards, late if it was due meanwhile.
    """

    def __init__(self, seconds: float, what: str, url: str = "") -> None:
        self._seconds = seconds
        self._what = what
        self._url = url
        self._start = 0.0
        self._entered_by: FrameType | None = None  # None: nothing is raised
        self._is_armed = False
        self._raised = 0
        self._where = ""

    def __enter__(self) -> TimeLimit:
        if not self._seconds:
            return self
        self._start = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._entered_by = sys._getframe(1)
            # In this order no alarm meets the wrong handler: `signal.signal` has those that came already handled first.
            self._timer_before = signal.setitimer(signal.ITIMER_REAL, 0)
            self._handler_before = _signal.signal(_ALARM, self._alarm)
            signal.setitimer(signal.ITIMER_REAL, min(self._seconds, _TURN), _AGAIN)
            self._is_armed = True
        return self

    def renew(self) -> None:
        """What comes now has all of the time again. A tenth of what another context costs.

        Raises `TimeLimitExceeded` if what came before took too long.
        """
        if not self._seconds:
            return
        now = time.monotonic()
        taken, self._start = now - self._start, now
        if taken > self._seconds:
            if self._is_armed:
                raise self._exceeded()
            self._log(taken)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._seconds:
            return
        taken = time.monotonic() - self._start
        if self._is_armed:
            self._disarm(taken)
        if taken <= self._seconds:
            return
        if not self._is_armed:
            self._log(taken)
        elif error is None:  # it was caught, or came too late
            raise self._exceeded()

    def _disarm(self, taken: float) -> None:
        self._entered_by = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        before = self._handler_before
        _signal.signal(_ALARM, before if before is not None else signal.SIG_DFL)
        left, interval = self._timer_before
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - taken, 1e-6), interval)

    def _log(self, taken: float) -> None:
        what = f"{self._what} of {self._url}" if self._url else self._what
        logging.getLogger("crawler").warning(
            "%s took %.1f s, longer than %g s (crawl.parse_timeout); only the main thread can cut it",
            what, taken, self._seconds,
        )  # fmt: skip

    def _exceeded(self) -> TimeLimitExceeded:
        return TimeLimitExceeded(
            f"{self._what} took longer than {self._seconds:g} s (crawl.parse_timeout)", self._where
        )

    def _alarm(self, _number: int, frame: FrameType | None) -> None:
        """Python calls this between two steps of whatever the main thread does."""
        if not self._may_cut(frame):
            return
        if (left := self._seconds - (time.monotonic() - self._start)) > 0:
            signal.setitimer(signal.ITIMER_REAL, min(max(left - _MOMENT, 1e-3), _TURN), _AGAIN)
            time.sleep(_MOMENT)
            return
        self._where = self._where or self._line_of_user(frame)
        self._raised += 1
        if self._raised > _PATIENCE:
            signal.setitimer(signal.ITIMER_REAL, (1 + self._raised % _TRIED) * 1e-6, _MISSED)
        raise self._exceeded()

    def _may_cut(self, frame: FrameType | None) -> bool:
        """Whether a frame was called inside the context, and is none in which an exception would do harm."""
        if self._entered_by is None or frame is self._entered_by:
            return False
        while frame is not None and frame is not self._entered_by:
            if is_of_limit(frame) or frame.f_code.co_filename == _SIGNALS:
                return False
            frame = frame.f_back
        return frame is not None

    def _line_of_user(self, frame: FrameType | None) -> str:
        while frame is not None and frame is not self._entered_by:
            if is_users(frame.f_code.co_filename):
                return place(frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return ""


def is_of_limit(frame: FrameType | None) -> bool:
    """Whether a limit itself is at work there. An exception raised there would leave its timer running."""
    return frame is not None and frame.f_code.co_filename == _HERE

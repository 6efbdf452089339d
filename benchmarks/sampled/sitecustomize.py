"""Imported by every Python that starts with this folder in PYTHONPATH: notes where the CPU time of its process goes.

Every millisecond of CPU that the process has used, each of its threads is asked how much of it was its own, and the
time is put down to the innermost function of the crawler on its stack: what libraries take counts for who called them.
The figures of a process go into a file of the folder CPU_FIGURES, now and then and when it ends.
"""

import atexit
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import util
from types import FrameType

_EVERY = 0.001  # seconds of CPU between two samples
_WRITE = 50  # samples between two writings: a worker may be killed at the end
_INSIDE = os.sep + "crawler" + os.sep
_HERE = os.environ.get("CPU_FIGURES", "")

_seconds: dict[str, float] = {}
_clocks: dict[int, float] = {}
_samples = 0


def _sample(_number: int, interrupted: FrameType | None) -> None:
    global _samples
    _samples += 1
    frames = sys._current_frames()
    frames[threading.get_ident()] = interrupted  # type: ignore[assignment]
    for ident, frame in frames.items():
        try:
            used = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except (OSError, OverflowError):
            continue
        more = used - _clocks.get(ident, 0.0)
        _clocks[ident] = used
        if more > 0:
            place = _place(frame)
            _seconds[place] = _seconds.get(place, 0.0) + more
    if _samples % _WRITE == 0:
        _write()


def _place(frame: FrameType | None) -> str:
    """ "spider/links.py hrefs_in", "user" for the spider of the benchmark, or what library works by itself."""
    innermost = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.endswith("bench/spider.py"):
            return f"user {frame.f_code.co_name}"
        if _INSIDE in file:
            return f"{file.rpartition(_INSIDE)[2]} {frame.f_code.co_name}"
        innermost = innermost or f"python {os.path.basename(file)} {frame.f_code.co_name}"
        frame = frame.f_back
    return innermost


def _write() -> None:
    with suppress(FileNotFoundError), open(os.path.join(_HERE, str(os.getpid())), "w") as file:  # the run is over
        json.dump({"seconds": _seconds}, file)


def _end() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0.0)  # Python lets go of its handlers before it ends
    _write()


def _begin() -> None:
    global _samples
    _samples = 0
    _seconds.clear()
    _clocks.clear()
    signal.signal(signal.SIGPROF, _sample)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    atexit.register(_end)
    util.Finalize(None, _end, exitpriority=100)


if _HERE:
    os.register_at_fork(after_in_child=_begin)
    _begin()

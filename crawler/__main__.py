"""The console script, and `python -m crawler`: what a process has to settle before the rest is imported.

Imports little, as a Ctrl-C before `main` has begun shows a traceback of Python's.
"""

import atexit
import gc
import os
import signal
import sys
import time
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 1.0  # seconds the process may take to end before a signal ends it at once


class _Ended(BaseException):
    """SIGTERM or SIGHUP outside of a crawl: like Ctrl-C it passes what handles errors, and temporary files go."""


def main() -> None:
    """Run the command. Exit codes are in the README."""
    atexit.register(_ignore)  # the first to be registered is the last to be called
    gc.set_threshold(50_000, 20, 20)  # what is imported is not thrown away: 10 ms of a start
    try:
        if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
            # It asks a crawl for its status. To the very end of the process it shall not kill one that is over.
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        _handle(_end)
        _open_standard_streams()
        _leave(_run())
    except KeyboardInterrupt:
        _leave(130)
    except _Ended:
        _leave(143)


def _run() -> object:
    try:
        from crawler.cli import main as command

        command()
    except SystemExit as left:
        return left.code
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    code = 130 if number == signal.SIGINT else 143
    _handle(_patient(code))  # what follows changes nothing about how it ends
    raise KeyboardInterrupt if number == signal.SIGINT else _Ended


def _leave(code: object) -> None:
    _handle(_patient(code if isinstance(code, int) else 1))
    sys.exit(code)  # type: ignore[arg-type]


def _handle(handler: object) -> None:
    """What is ignored (by nohup, or by a script's `&`) stays ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type]


def _patient(code: int) -> object:
    """A handler for the end of the process. It takes long only where a thread of the spider's does not end."""
    since = time.monotonic()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if time.monotonic() - since > _PATIENCE:
            os._exit(code)

    return handle


def _ignore() -> None:
    # From here on Python takes its handlers away, and the exit code is not to become that of a signal.
    _handle(signal.SIG_IGN)


def _open_standard_streams() -> None:
    """Let no file of the crawl become the standard output that was closed (`>&-`), and characters be shown somehow."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)  # takes the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and getattr(stream, "errors", "") == "strict":
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()

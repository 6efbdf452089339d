"""A few lines at the bottom of a terminal, redrawn in place, with everything else that is written above them.

The door to `rich`. It is imported only where there is a terminal, as it takes its time.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text


class Screen:
    """Shows lines on the terminal behind `stream` until `close`, which removes them.

    While it is open, `sys.stderr` (and `sys.stdout`, if that is a terminal too) write above the lines.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = _Terminal(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._streams = sys.stdout, sys.stderr
        sys.stderr = _Above(self._console, sys.stderr)
        if sys.stdout is not None and sys.stdout.isatty():
            sys.stdout = _Above(self._console, sys.stdout)

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the lines; one that is too long for the terminal is cut."""
        # Room for the "^C" that a terminal prints at the cursor: in a full line it would move everything by one.
        width = max(self._console.width - 4, 1)
        texts = [Text(line, no_wrap=True) for line in lines]
        for text in texts:
            text.truncate(width, overflow="ellipsis")
        self._live.update(Group(*texts), refresh=True)

    def close(self) -> None:
        """Remove the lines and give the streams back."""
        written_above = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._streams
        for stream in written_above:
            if isinstance(stream, _Above):
                stream.finish()
        self._live.stop()


class _Terminal(Console):
    """A console that never hides the cursor, so that no way of dying can leave a terminal without one."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class _Above(io.TextIOBase):
    """A stand-in for a standard stream that prints whole lines above the live lines."""

    def __init__(self, console: Console, original: TextIO) -> None:
        self._console = console
        self._original = original
        self._rest = ""
        self._process = os.getpid()
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        if os.getpid() != self._process:  # a forked child: the screen is not its own, and locks may be held for ever
            return self._original.write(text)
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            if lines:
                self._print("\n".join(lines))
        return len(text)

    def finish(self) -> None:
        """Print a last line that had no end."""
        with self._lock:
            if self._rest:
                self._print(self._rest)
                self._rest = ""

    def _print(self, text: str) -> None:
        # soft_wrap leaves long lines whole, so that a URL can be copied from the terminal.
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._original.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._original.encoding

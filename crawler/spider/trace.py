"""What to tell a user about an exception in their code: the message, the place, the traceback from their file on.

Shared by the loading of spiders and the reading of pages. Never raises, whatever the exception is.
"""

from __future__ import annotations

import os
import traceback
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from crawler.errors import CrawlError
from crawler.shut_network import NetworkIsShut

_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_SPIDER = str(Path(__file__).parent) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_LONGEST_MESSAGE = 2000
_LONGEST_TRACE = 20_000
_LONGEST_CHAIN = 20  # exceptions that came of one another


class Told(NamedTuple):
    """`where` is "file:line", or "" if no line of the user's took part."""

    message: str
    where: str
    trace: str


def tell(error: BaseException, home: str = "") -> Told:
    """The parts of an error report. `home` is a file that counts as the user's wherever it lies."""
    first: TracebackType | None = None
    where = ""
    steps = frames = 0  # from the user's first frame on: all, and up to the user's last one
    step = error.__traceback__
    while step is not None:
        filename = step.tb_frame.f_code.co_filename
        steps += first is not None
        if filename == home or is_users(filename):
            first = first or step
            steps = steps or 1
            frames = steps
            where = place(filename, step.tb_lineno)
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        where = place(error.filename, error.lineno or 1)
    # How the crawler found out that it was asked for something impossible is nothing to look at, nor what libraries
    # made of it.
    is_shut = _is_network_shut(error)
    limit = frames if is_shut or isinstance(error, CrawlError) else None
    return Told(message_of(error), where, _formatted(error, first, limit, chain=not is_shut))


def message_of(error: BaseException) -> str:
    """`str(error)`, even if that raises or is endless."""
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        return _shortened(str(message), _LONGEST_MESSAGE)
    except BaseException as raised:
        if passes(raised):
            raise
        return "(its message cannot be shown: __str__ raised)"


def passes(error: BaseException) -> bool:
    """Whether an exception is the crawler's own and not to be held up by whatever catches those of user code."""
    return bool(getattr(type(error), "passes_user_code", False))


def place(filename: str, line: int) -> str:
    """`file:line`, the file as seen from the current folder if it lies in it."""
    return f"{shown(filename)}:{line}"


def shown(filename: str) -> str:
    """A path as people type it: relative if it lies in the current folder."""
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return filename


def is_ours(filename: str) -> bool:
    """Whether a function of that file is what a spider inherits, and nothing that a user has written."""
    return filename.startswith(_SPIDER)


@lru_cache(maxsize=1024)
def is_users(filename: str) -> bool:
    """Whether a file is the user's own: not the crawler's, not the standard library's, not an installed package's."""
    if filename.startswith((_PACKAGE, _LIBRARY, "<")) or filename.endswith((".pyx", ".pxi")):  # Cython has no paths
        return False
    return not {"site-packages", "dist-packages"}.intersection(Path(filename).parts)


def _is_network_shut(error: BaseException | None) -> bool:
    """Whether an exception is `NetworkIsShut`, or is about it."""
    for _ in range(_LONGEST_CHAIN):
        if error is None or isinstance(error, NetworkIsShut):
            break
        error = error.__cause__ or error.__context__
    return isinstance(error, NetworkIsShut)


def _formatted(error: BaseException, first: TracebackType | None, limit: int | None, chain: bool) -> str:
    try:
        lines = traceback.format_exception(type(error), error, first, limit=limit, chain=chain)
        return _shortened("".join(lines), _LONGEST_TRACE)
    except Exception:  # an exception class that breaks its own formatting
        return f"{type(error).__name__}: {message_of(error)}\n"


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"

"""A pool without a worker: everything happens in the calling thread, inside `apply_async`.

For `breakpoint()` in a fetch or a rule, and for tests that want one thing after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class InlinePool:
    pid = 0

    def __init__(
        self, initializer: Callable[..., None], initargs: tuple[Any, ...], finalizer: Callable[[], None]
    ) -> None:
        initializer(*initargs)
        self._finalizer = finalizer

    def apply_async(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        callback: Callable[[Any], None],
        error_callback: Callable[[BaseException], None],
    ) -> None:
        try:
            result = func(*args)
        except Exception as error:
            error_callback(error)
        else:
            callback(result)

    def death(self) -> str:
        return ""

    def close(self, timeout: float) -> None:
        self.abandon()

    def abandon(self) -> None:
        self._finalizer()

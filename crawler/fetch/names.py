"""Names that are resolved in threads, for a client that waits in one thread for everything.

A resolver cannot be told when to give up. So each question has a thread until it is answered, and whoever asked may
have gone meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

_MOST = 256  # threads; those that hang in the system are among them


class Names:
    """Answers questions in threads. `wake` is called when there is an answer."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._questions: SimpleQueue[tuple[Any, Callable[[], Any]] | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[Any, Any]] = SimpleQueue()
        self._threads = 0
        self._open = 0  # questions without an answer
        self._lock = Lock()

    def ask(self, key: Any, question: Callable[[], Any]) -> None:
        """Call `question` in another thread; what it returns or raises is among the `answers`.

        Raises `RuntimeError` if no thread is to be had.
        """
        with self._lock:
            if self._open >= self._threads and self._threads < _MOST:
                try:
                    Thread(target=self._work, name="resolve", daemon=True).start()
                    self._threads += 1
                except RuntimeError:  # no thread is to be had
                    if not self._threads:
                        raise
            self._open += 1
        self._questions.put((key, question))

    def answers(self) -> list[tuple[Any, Any]]:
        """(key, what was returned, or the exception) of the questions that were answered since the last time."""
        found = []
        while not self._answers.empty():  # nobody else takes them
            found.append(self._answers.get())
        return found

    def close(self) -> None:
        """Let the threads go, each when it has its answer."""
        for _ in range(self._threads):
            self._questions.put(None)

    def _work(self) -> None:
        while (asked := self._questions.get()) is not None:
            key, question = asked
            try:
                answer = question()
            except BaseException as error:  # told to whoever waits
                answer = error
            with self._lock:
                self._open -= 1
            self._answers.put((key, answer))
            self._wake()

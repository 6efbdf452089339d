"""Records a crawl: each fetch becomes records of an archive, which grows with the ledger and is cut with it.

To the chain of items a recorder looks like an output without items, so its mark is committed in one transaction with
what it holds: a run that was killed goes on where ledger and archive agree.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from crawler.archive.identity import key_of, try_of
from crawler.archive.masking import masked_fields
from crawler.archive.records import Pieces, exchange, warcinfo
from crawler.archive.writer import WarcFile
from crawler.errors import OutputError
from crawler.request import Request
from crawler.response import HeaderPairs, Outcome, Response


class Recorder:
    """Implements `protocols.Exporter`, and `take` for the rule. `run` tells the run from all others."""

    def __init__(self, path: str, run: str, software: str, robots: str = "classic") -> None:
        self.path = path
        self._run = run
        self._first = (os.path.basename(path), software, run, robots)
        self._file = WarcFile(path)
        self._size = 0
        self._is_over = False
        # Of a report from a worker all is taken before it is stored; who goes on counts from another number.
        self._report = time.time_ns() // 1_000_000 % 500_000_000 + 1

    @property
    def has_failed(self) -> bool:
        """Whether fetches are missing in the archive, so that the ledger must not say they are done."""
        return self._file.failed is not None

    def take(self, request: Request, sent: HeaderPairs, outcome: Outcome) -> None:
        """What came of a request that was sent with these fields.

        An answer whose file was saved by an earlier one is in the archive already. Raises `OutputError`.
        """
        at = time.time() - outcome.seconds
        key, try_ = key_of(request), try_of(self._run, request)
        sent = masked_fields(sent)
        opened: int | None = None
        if isinstance(outcome, Response):
            if outcome.file is not None:
                return
            if outcome.part is not None:  # now: it gets another name in a moment
                try:
                    opened = os.open(outcome.part.path, os.O_RDONLY | os.O_CLOEXEC)
                except OSError as error:
                    raise OutputError(f"cannot record {request.url}: {error.strerror}") from error
        self._file.put(partial(_records, request, sent, outcome, at, key, try_, self._report, opened))

    def open(self) -> None:
        self._file.create(warcinfo(*self._first), self._run.encode())

    def resume(self, mark: dict[str, Any]) -> bool:
        self._file.go_on(mark["base"])
        return True

    def write(self, lines: Sequence[bytes]) -> None:
        """Nothing: items are in no archive."""

    def mark(self) -> tuple[dict[str, Any], int]:
        # Called "base", as what of an output is not made of items: it stays when items are taken back.
        if not self._is_over:
            try:
                size = self._file.size
                self._report += size != self._size
                self._size = size
            except OutputError:
                self._is_over = True  # it is told once; from then on the mark stays where it is good
                raise
        return {"base": self._size}, 0

    def flush(self, sync: bool) -> None:
        if sync:
            self._file.sync()

    def close(self) -> None:
        if not self._is_over:
            self.mark()
            self._is_over = True
        self._file.close()

    def notes(self) -> list[str]:
        return []


def _records(
    request: Request,
    sent: HeaderPairs,
    outcome: Outcome,
    at: float,
    key: int,
    try_: str,
    report: int,
    opened: int | None,
) -> Iterable[Pieces]:
    """The records of a fetch; `opened` is the file that has its body."""
    if opened is None:
        yield from exchange(request, sent, outcome, at, key, try_, report)
        return
    try:
        size = os.fstat(opened).st_size
        with mmap.mmap(opened, size, access=mmap.ACCESS_READ) if size else memoryview(b"") as body:
            yield from exchange(request, sent, outcome, at, key, try_, report, body)
    finally:
        os.close(opened)

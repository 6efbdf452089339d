"""What workers that read pages have to say, said here: where log lines go is settled in the main process."""

from __future__ import annotations

import logging

from crawler.observe.log import NAME
from crawler.packed import Record, Told


class FromWorkers:
    """Passes on what was logged there, and each note once: all workers have the same ones."""

    def __init__(self) -> None:
        self._notes: set[str] = set()

    def hear(self, told: Told) -> None:
        for record in told.records:
            _log(record)
        for note in told.notes:
            if note not in self._notes:
                self._notes.add(note)
                logging.getLogger(NAME).warning("%s", note)


def _log(record: Record) -> None:
    logger = logging.getLogger(record.name)
    if not logger.isEnabledFor(record.level):
        return
    # As a logger makes them, so that whatever the user has set up finds all it expects.
    made = logger.makeRecord(
        record.name,
        record.level,
        record.path,
        record.line,
        "%s",
        (record.message,),
        None,
        extra={"trace": record.trace},
    )
    made.created = record.created
    logger.handle(made)

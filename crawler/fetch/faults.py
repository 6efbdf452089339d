"""The exception of this room: a failure whose kind and words are known where it is raised."""

from __future__ import annotations

from crawler.response import FailureKind


class Fault(Exception):
    """Becomes a `Failure` of this kind with this detail, whatever a library wraps around it."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

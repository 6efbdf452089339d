"""The exception of this room: a failure whose kind and words are known where it is raised."""

from __future__ import annotations

import re

from crawler.response import FailureKind

_USERINFO = re.compile(r"//[^/\s@]*@")


class Fault(Exception):
    """Becomes a `Failure` of this kind with this detail, whatever a library wraps around it."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def clean(text: str) -> str:
    """One short line without users and passwords; what hosts and proxies say may hold anything."""
    line = " ".join(_USERINFO.sub("//***@", text).split())
    return "".join(c if c.isprintable() else "?" for c in line)[:300]

"""What a run was started with, kept in its ledger: all that `crawl resume` needs to go on under the same settings."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True):
    """`targets`, `arguments` and `outputs` as on the command line, with absolute paths; `settings` one per spider.

    `digests` are those of the spider files; `started` is a UTC time; `since` is the folder of the run that this one is
    compared with, "" = none.
    """

    spiders: list[str]
    targets: list[str]
    arguments: dict[str, str]
    outputs: list[str]
    settings: list[dict[str, Any]]
    digests: list[str]
    started: str
    since: str = ""


class End(msgspec.Struct, frozen=True):
    """How the last part of a run ended."""

    reason: str
    exit_code: int
    resumable: bool


def digest(target: str) -> str:
    """What tells whether a spider file has changed since."""
    path = Path(target.rpartition(":")[0] if target.rpartition(":")[2].isidentifier() else target)
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""

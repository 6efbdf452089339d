"""Runs as they are kept: begin one, reopen one, list them. Joins the folders of runs and their ledgers."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from crawler.control.room import RoomLost, RoomProxy, attach
from crawler.errors import CrawlError, UsageError
from crawler.frontier.ledger import Ledger
from crawler.runs import folder as folders
from crawler.runs.folder import RunFolder
from crawler.runs.record import End, Record, digest
from crawler.settings import Settings
from crawler.spider.base import Spider

State = Literal["running", "finished", "stopped", "unfinished", "broken"]


class Entry(msgspec.Struct, frozen=True):
    """A line of `crawl runs`. `broken` is a ledger that cannot be read, `unfinished` one that nobody ended."""

    path: str
    spider: str
    started: str
    state: State
    pages: int = 0
    items: int = 0


def begin(
    spiders: Sequence[Spider],
    targets: Sequence[str],
    arguments: Mapping[str, str],
    outputs: Sequence[str],
    settings: Sequence[Settings],
    path: Path | None = None,
) -> RunFolder:
    """A new run's folder, locked, with its record in the ledger; the oldest finished runs make room for it."""
    name = "+".join(spider.name for spider in spiders)
    folder = folders.create(name, path=path)
    absolute = [_absolute(target) for target in targets]
    record = Record(
        spiders=[spider.name for spider in spiders],
        targets=absolute,
        arguments=dict(arguments),
        outputs=[output if output == "-" else os.path.abspath(output) for output in outputs],
        settings=[msgspec.to_builtins(one) for one in settings],
        digests=[digest(target) for target in absolute],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with closing(Ledger(folder.ledger, settings[0].run.durability)) as ledger:
        ledger.set("record", record)
        ledger.commit()
    keep = settings[0].run.keep
    if path is None and keep:
        own = [run for run in folders.all_runs() if run.path.parent.name == name]
        if len(own) > keep:  # else there is nothing to look into
            folders.prune(name, _finished(own), keep)
    return folder


def reopen(folder: RunFolder, retry_failed: bool) -> tuple[Record, list[Settings], list[str] | None]:
    """What a run needs to go on, and which of its spider files have changed since; None if it is finished.

    With `retry_failed` the failed requests wait again. Raises `UsageError` for a ledger that holds no run.
    """
    with closing(Ledger(folder.ledger)) as ledger:
        stored = ledger.get("record")
        if stored is None:
            raise UsageError(
                f"{folder.path} holds no run that was started",
                hint=f"rm -r {shlex.quote(str(folder.path))}, then crawl run starts one",
            )
        record = msgspec.convert(stored, Record)
        retried = ledger.retry_failed() if retry_failed else 0
        end = ledger.get("end")
        is_finished = end is not None and not msgspec.convert(end, End).resumable and not retried
    settings = [msgspec.convert(one, Settings) for one in record.settings]
    if is_finished:
        return record, settings, None
    changed = [
        target for target, old in zip(record.targets, record.digests, strict=True) if old and digest(target) != old
    ]
    return record, settings, changed


def entries(root: Path = folders.ROOT) -> list[Entry]:
    """All runs below `root`, oldest first."""
    return [entry(folder) for folder in folders.all_runs(root)]


def entry(folder: RunFolder) -> Entry:
    """What is known of one run."""
    spider = folder.path.parent.name
    try:
        with closing(Ledger(folder.ledger)) as ledger:
            record, end = ledger.get("record", {}), ledger.get("end")
            pages, items = ledger.count().get("done", 0), ledger.last_item
    except CrawlError:
        return Entry(str(folder.path), spider, "", "broken")
    state: State = "unfinished"
    if folder.owner() is not None:
        state = "running"
    elif end is not None:
        state = "stopped" if end["resumable"] else "finished"
    return Entry(str(folder.path), spider, record.get("started", ""), state, pages, items)


def room_of(name: str | None) -> tuple[RoomProxy, RunFolder]:
    """The control room of a running crawl. Raises `UsageError` if that run does not run."""
    folder = folders.find(name) if name else _latest_running() or folders.find(None)
    try:
        where = msgspec.json.decode(folder.control.read_bytes())
        return attach(where["address"], bytes.fromhex(where["key"])), folder
    except (OSError, KeyError, ValueError, RoomLost):
        raise UsageError(
            f"the run {folder.path} is not running, or has no worker processes", hint="crawl runs lists the runs"
        ) from None


def _latest_running() -> RunFolder | None:
    running = [folder for folder in folders.all_runs() if folder.control.exists()]
    return running[-1] if running else None


def prune(keep: int, root: Path = folders.ROOT) -> list[RunFolder]:
    """Delete all finished runs but the last `keep` of each spider; those that were deleted."""
    finished = _finished(folders.all_runs(root))
    spiders = dict.fromkeys(folder.path.parent.name for folder in finished)
    return [gone for spider in spiders for gone in folders.prune(spider, finished, keep)]


def _finished(runs: Sequence[RunFolder]) -> list[RunFolder]:
    return [folder for folder in runs if entry(folder).state == "finished"]


def _absolute(target: str) -> str:
    """A target that means the same from another folder; a bare name stays what it is."""
    path, colon, name = target.rpartition(":")
    if colon and name.isidentifier():
        return f"{os.path.abspath(path)}:{name}"
    return os.path.abspath(target) if os.path.exists(target) else target

"""Runs as they are kept: begin one, reopen one, list them. Joins the folders of runs and their ledgers."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from crawler.control.room import RoomLost, RoomProxy, attach
from crawler.errors import CrawlError, UsageError
from crawler.frontier.ledger import Ledger
from crawler.frontier.lookup import wanted_callbacks
from crawler.output_name import place_of
from crawler.politeness.in_force import FOREVER, Change, OwnRules, Part
from crawler.rules.robots import tokens_of
from crawler.runs import folder as folders
from crawler.runs.folder import RunFolder
from crawler.runs.record import End, Record, digest
from crawler.settings import Layer, Limits, Settings, flat, merge
from crawler.spider.base import Spider

Answer = TypeVar("Answer")
# Why a run ended that has done what it was asked for, though it could go on.
_LIMITS = [f"{name} reached" for name in ("max_pages", "max_items", "max_time", "stop_after_errors")]
_BROKEN = 5  # exit codes from here on: its outputs may not be whole, or somebody wants to go on
_TABLES = (".sqlite", ".db")  # outputs that keep the rows of each run apart
_PATIENCE = 8.0  # seconds a room may be missing; a lost one is replaced within its deadline of 5

State = Literal["running", "finished", "stopped", "unfinished", "broken"]


class Entry(msgspec.Struct, frozen=True):
    """A line of `crawl runs`. `broken` is a ledger that cannot be read (`reason` says why), `unfinished` one that
    nobody ended. Where somebody did, `reason` and `exit_code` are those of the report.
    """

    path: str
    spider: str
    started: str
    state: State
    pages: int = 0
    items: int = 0
    reason: str = ""
    exit_code: int | None = None


def begin(
    spiders: Sequence[Spider],
    targets: Sequence[str],
    arguments: Mapping[str, str],
    outputs: Sequence[str],
    settings: Sequence[Settings],
    path: Path | None = None,
    since: RunFolder | None = None,
) -> RunFolder:
    """A new run's folder, locked, with its record in the ledger; the oldest finished runs make room for it.

    `since` is the run that this one is compared with; it stays.
    """
    name = "+".join(spider.name for spider in spiders)
    folder = folders.create(name, path=path)
    absolute = [_absolute(target) for target in targets]
    record = Record(
        spiders=[spider.name for spider in spiders],
        targets=absolute,
        arguments=dict(arguments),
        outputs=[place_of(output) for output in outputs],
        settings=[msgspec.to_builtins(one) for one in settings],
        digests=[digest(target) for target in absolute],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        since=os.path.abspath(since.path) if since is not None else "",
    )
    with closing(Ledger(folder.ledger, settings[0].run.durability)) as ledger:
        ledger.set("record", record)
        ledger.commit()
    keep = settings[0].run.keep
    if path is None and keep:
        own_folder = folders.folder_of(name)
        own = [run for run in folders.all_runs() if run.path.parent.name == own_folder]
        if len(own) > keep:  # else there is nothing to look into
            folders.prune(own_folder, _finished(own), keep, spared=since)
    return folder


def to_compare_with(name: str, spiders: Sequence[str]) -> RunFolder:
    """The run that `--since` means: as all commands take runs, or "last" for the latest one of these spiders.

    Raises `UsageError` for a run of other spiders, for one that goes on at this moment, and for what is no run.
    """
    folder = folders.find("+".join(spiders) if name == "last" else name)
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        of: list[str] = ledger.get("record", {}).get("spiders", [])
    if of != list(spiders):
        raise UsageError(
            f"--since {name}: {folder.path} is a run of {'+'.join(of) or 'nothing'}, not of {'+'.join(spiders)}",
            hint="an earlier run of the same spider is meant; crawl runs lists them",
        )
    if folder.owner() is not None:
        raise UsageError(
            f"--since {name}: the run {folder.path} is still running", hint="wait for its end: crawl status"
        )
    return folder


def compared_with(record: Record) -> RunFolder | None:
    """The run that a stored run is compared with. Raises `UsageError` if that is gone."""
    if not record.since:
        return None
    folder = RunFolder(Path(record.since))
    if not folder.ledger.is_file():
        raise UsageError(
            f"the run {folder.path}, which this one is to tell the changes since, is gone", hint="crawl run starts anew"
        )
    return folder


def changed_since(folder: RunFolder, targets: Sequence[str], arguments: Mapping[str, str]) -> list[str]:
    """What is not as it was when a run was started: spider files, and "the arguments"."""
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        old = msgspec.convert(ledger.get("record"), Record)
    known = zip(targets, old.digests, strict=False)
    changed = [target for target, before in known if before and digest(_absolute(target)) != before]
    return changed if old.arguments == dict(arguments) else [*changed, "the arguments (-a)"]


class Reopened(msgspec.Struct, frozen=True):
    """What a run needs to go on. `changed` are its spider files that have changed since."""

    record: Record
    settings: list[Settings]
    changed: list[str]
    is_finished: bool
    is_paused: bool


def reopen(folder: RunFolder, retry_failed: bool) -> Reopened:
    """Look into a run that is to go on.

    With `retry_failed` the failed requests wait again. Raises `UsageError` for a ledger that holds no run, and for one
    that is damaged: what is missing in it would be fetched again, or never.
    """
    with closing(Ledger(folder.ledger)) as ledger:
        ledger.check()
        stored = ledger.get("record")
        if stored is None:
            raise UsageError(
                f"{folder.path} holds no run that was started",
                hint=f"rm -r {shlex.quote(str(folder.path))}, then crawl run starts one",
            )
        record = msgspec.convert(stored, Record)
        if retry_failed and ledger.retry_failed():
            ledger.set("end", None)
            # What failed has another chance; it counts as an error again when it fails again.
            ledger.set("carried", {**ledger.get("carried", {}), "failed": 0, "page_error_count": 0})
            ledger.commit()
        end = ledger.get("end")
        is_finished = end is not None and not msgspec.convert(end, End).resumable
    settings = [msgspec.convert(one, Settings) for one in record.settings]
    changed = [
        target for target, old in zip(record.targets, record.digests, strict=True) if old and digest(target) != old
    ]
    return Reopened(record, settings, changed, is_finished, folder.is_paused)


def amend(folder: RunFolder, run: Reopened, layers: Sequence[Layer]) -> list[Settings]:
    """The settings of a run with some of them changed, also for later resumes; they win over earlier `crawl set`s."""
    settings = [merge([flat(own, "settings of the run"), *layers]) for own in run.record.settings]
    changed = {key for layer in layers for key in layer.values}
    with closing(Ledger(folder.ledger)) as ledger:
        record = msgspec.structs.replace(run.record, settings=[msgspec.to_builtins(one) for one in settings])
        ledger.set("record", record)
        changes = ledger.get("changes", [])
        ledger.set("former", [*ledger.get("former", []), _part(run.settings[0], changes, time.time())])
        ledger.set("changes", [change for change in changes if change[2] or change[0] not in changed])
        ledger.commit()
    return settings


def limit_reached(folder: RunFolder, limits: Limits) -> str:
    """The limit that a run has reached before it goes on, so that it would end at once ("limits.max_pages = 3"), or "".

    The other limits count anew in every part of a run.
    """
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        most = {"limits.max_pages": limits.max_pages, "limits.max_items": limits.max_items}
        most |= {key: value for key, value, *_ in ledger.get("changes", []) if key in most}
        reached = {"limits.max_pages": ledger.count_pages(), "limits.max_items": ledger.count_items()}
    return next((f"{key} = {most[key]}" for key in most if most[key] and reached[key] >= most[key]), "")


def written_since(folder: RunFolder, record: Record) -> tuple[str, str] | None:
    """An output of the run that a later one has written to, and the path of that, of the runs in `.crawl`.

    Only files that are there count: databases keep the rows of each run apart.
    """
    files = {place for place in record.outputs if os.path.isfile(place) and not place.endswith(_TABLES)}
    for other in reversed(folders.all_runs()) if files else ():
        if other.ledger == folder.ledger:
            continue
        try:
            with closing(Ledger(other.ledger, read_only=True)) as ledger:
                stored = ledger.get("record")
        except CrawlError:  # it is told where somebody asks for it
            continue
        if stored is not None and (stored["started"], other.name) > (record.started, folder.name):
            for place in stored["outputs"]:
                if place in files:
                    return os.path.relpath(place), str(other.path)
    return None


def promised(folder: RunFolder, ledger: Ledger) -> list[Part]:
    """The settings of a run that are about politeness, part by part. Raises `UsageError` if it was never started."""
    record = ledger.get("record")
    if record is None:
        raise UsageError(f"{folder.path} holds no run that was started", hint="crawl runs lists the runs")
    settings = msgspec.convert(record["settings"][0], Settings)
    former = msgspec.convert(ledger.get("former", []), list[Part])
    return [*former, _part(settings, ledger.get("changes", []), FOREVER)]


def robots_tokens(ledger: Ledger) -> tuple[list[str], float]:
    """The product tokens of the spiders that obey robots.txt, and the longest Crawl-delay that they honour."""
    settings = [msgspec.convert(one, Settings) for one in ledger.get("record")["settings"]]
    return tokens_of(settings), settings[0].robots.max_crawl_delay or FOREVER


def is_by_address(ledger: Ledger) -> bool:
    """Whether hosts of one address shared their permits."""
    return bool(ledger.get("record")["settings"][0]["politeness"]["host_key"] == "address")


def _part(settings: Settings, changes: Sequence[Sequence[Any]], until: float) -> Part:
    politeness = settings.politeness
    own = [OwnRules(one.match, one.per_host, one.delay) for one in settings.host]
    kept = [Change(*change) for change in changes if change[0] in ("politeness.per_host", "politeness.delay")]
    return Part(until, politeness.per_host, politeness.delay, politeness.jitter, own, kept)


def check_callbacks(folder: RunFolder, spiders: Sequence[Spider]) -> None:
    """Raise `UsageError` if waiting requests want a callback that their spider does not have any more."""
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        wanted = wanted_callbacks(ledger)
    missing = [
        f"spider {spiders[number].name} has no callback {name!r}, and {_requests(count)} it"
        for (number, name), count in wanted.items()
        if not _has_callback(spiders[number], name)
    ]
    if missing:
        raise UsageError("; ".join(missing), hint="give it its old name again, or start a new run: crawl run")


def _has_callback(spider: Spider, name: str) -> bool:
    try:
        spider.callback(name)
    except UsageError:
        return False
    return name != "parse" or spider.has_parse


def _requests(number: int) -> str:
    return "1 waiting request wants" if number == 1 else f"{number:,} waiting requests want"


def entries(root: Path = folders.ROOT) -> list[Entry]:
    """All runs below `root`, oldest first."""
    return [entry(folder) for folder in folders.all_runs(root)]


def entry(folder: RunFolder) -> Entry:
    """What is known of one run."""
    spider = folder.path.parent.name
    try:
        with closing(Ledger(folder.ledger, read_only=True)) as ledger:
            record, end = ledger.get("record", {}), ledger.get("end")
            pages, items = ledger.count_pages(), ledger.count_items()
    except CrawlError as error:
        return Entry(str(folder.path), spider, "", "broken", reason=error.message)
    known = Entry(str(folder.path), spider, record.get("started", ""), "unfinished", pages, items)
    if folder.owner() is not None:
        return msgspec.structs.replace(known, state="running")
    if end is None:
        return known
    state: State = "stopped" if end["resumable"] else "finished"
    return msgspec.structs.replace(known, state=state, reason=end["reason"], exit_code=end["exit_code"])


def to_look_at(name: str | None) -> RunFolder:
    """The run a name means; without one the latest that runs, or the latest of all."""
    return folders.find(name) if name else _latest_running() or folders.find(None)


def ask_room(folder: RunFolder, question: Callable[[RoomProxy], Answer]) -> Answer:
    """What the control room of a running crawl answers. A room that was lost is being replaced: it is asked again.

    Raises `UsageError` if that run does not run, or has no room.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            where = msgspec.json.decode(folder.control.read_bytes())
            return question(attach(where["address"], bytes.fromhex(where["key"])))
        except (OSError, KeyError, ValueError, RoomLost) as error:
            owner = folder.owner()
            if owner is None:
                raise UsageError(f"the run {folder.path} is not running", hint="crawl runs lists the runs") from None
            if isinstance(error, FileNotFoundError):
                until -= _PATIENCE / 10  # it is about to open its room, or will never have one
            if time.monotonic() > until:
                raise UsageError(
                    f"the run {folder.path} is in use by process {owner}, and no control room answers",
                    hint="a crawl without worker processes (--pool thread, inline) has none; else try again",
                ) from None
        time.sleep(0.1)


def _latest_running() -> RunFolder | None:
    # Killed, a run leaves its control.json behind.
    running = [folder for folder in folders.all_runs() if folder.control.exists() and folder.owner() is not None]
    return running[-1] if running else None


def prune(keep: int, root: Path = folders.ROOT) -> list[RunFolder]:
    """Delete all finished runs but the last `keep` of each spider; those that were deleted. A limit is an end too."""
    finished = _finished(folders.all_runs(root))
    spiders = dict.fromkeys(folder.path.parent.name for folder in finished)
    return [gone for spider in spiders for gone in folders.prune(spider, finished, keep)]


def _finished(runs: Sequence[RunFolder]) -> list[RunFolder]:
    return [folder for folder in runs if _is_over(entry(folder))]


def _is_over(run: Entry) -> bool:
    if run.state == "finished":
        return True
    return run.state == "stopped" and run.reason in _LIMITS and run.exit_code is not None and run.exit_code < _BROKEN


def _absolute(target: str) -> str:
    """A target that means the same from another folder; a bare name stays what it is."""
    path, colon, name = target.rpartition(":")
    if colon and name.isidentifier():
        return f"{os.path.abspath(path)}:{name}"
    return os.path.abspath(target) if os.path.exists(target) else target

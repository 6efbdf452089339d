"""The pages of an old run, read again by today's spider, and what has become of their items. No request is sent.

Pages are read in the order in which they came; settings are those of the run, the spider's file is the one of today.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from crawler.archive.archive import Archive
from crawler.archive.places import places_of
from crawler.assemble.items import open_stages, output_options
from crawler.assemble.readers import page_options
from crawler.digest import digest_of
from crawler.errors import UsageError
from crawler.export.outputs import exporters
from crawler.frontier.ledger import Ledger, Row
from crawler.item_pairs import pairs_of
from crawler.items.chain import Chain
from crawler.reading import PageError, Reading
from crawler.request import Request
from crawler.response import Failure, FailureKind, Outcome, Response
from crawler.runs.folder import RunFolder
from crawler.runs.record import Record
from crawler.settings import Settings
from crawler.shut_network import Door
from crawler.spider.base import Spider
from crawler.spider.load import build_all
from crawler.spider.read import read_failure, read_page
from crawler.spider.url_file import give

_CHUNK = 500  # requests that are looked up at once
_META = ("_url", "_fetched")

# Pages that were read, or that were to be read; by the order in which their last answer came.
_READ = """
SELECT request FROM (SELECT request, max(rowid) AS last FROM attempts GROUP BY request)
JOIN requests ON requests.id = request
WHERE state = 1 AND reason IS NULL OR state IN (2, 3) ORDER BY last
"""


class PageChange(NamedTuple):
    """What is different on one page. Items are lines of JSON; `changed` are pairs of the old and the new one."""

    url: str
    callback: str
    added: list[bytes]
    removed: list[bytes]
    changed: list[tuple[bytes, bytes]]


class Counts(msgspec.Struct):
    """`pages` were read again, `differ` of them give other items; `without` are those whose bodies are not there."""

    pages: int = 0
    differ: int = 0
    without: int = 0
    items: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    errors: int = 0


class Reparse:
    """`folder` is the run; its pages are looked for in its folder, and in what it was recorded in or replayed from.

    Iterating gives the pages that changed, and the errors of those that could not be read; `counts` and `notes` are
    whole afterwards. What changed goes to `outputs`. Raises `UsageError` for a run without pages, and `OutputError`.
    """

    def __init__(self, folder: RunFolder, outputs: Sequence[str] = ()) -> None:
        self.counts = Counts()
        self._stack = ExitStack()
        try:
            self._ledger = self._stack.enter_context(closing(Ledger(folder.ledger, read_only=True)))
            stored = self._ledger.get("record")
            if stored is None:
                raise UsageError(f"{folder.path} holds no run that was started", hint="crawl runs lists the runs")
            self._record = msgspec.convert(stored, Record)
            self.settings = [msgspec.convert(one, Settings) for one in self._record.settings]
            self._run = str(self._ledger.get("id"))
            place = _pages_of(folder, self.settings[0])
            self._is_replay = place != folder.pages and bool(self.settings[0].run.replay)  # of another run's pages
            self.spiders: list[Spider] = build_all(self._record.targets, self._record.arguments)
            give(folder.path, self.spiders)
            self._archive = self._stack.enter_context(closing(Archive(str(place))))
            self._keys: set[int] = set()
            for spider, own in zip(self.spiders, self.settings, strict=True):
                spider.page_options = page_options(own)
            self._stages = open_stages(self.spiders, self.settings, self._keys.__contains__, self._stack)
            options = output_options([spider.name for spider in self.spiders], self.settings[0], self._run)
            written = exporters(outputs, options, lambda _: iter(()))
            door = Door("crawl reparse has no network")
            for spider in self.spiders:
                if spider.item_stages is not None:
                    spider.item_stages = door.at_large(spider.item_stages, "process")
            self._chain = Chain(
                [door.at_large(one, "write", "mark", "flush") for one in written], meta=self.settings[0].output.meta
            )
            self._chain.open()
            self._shut = self._stack.enter_context(ExitStack())
            self._shut.enter_context(door.shut())
        except BaseException:
            self._stack.close()
            raise

    @property
    def notes(self) -> list[str]:
        return [*self._archive.notes, *self._chain.notes()]

    def close(self) -> None:
        """Complete the outputs. May be called twice. Raises `OutputError`."""
        self._shut.close()
        try:
            self._chain.close()
        finally:
            self._stack.close()

    def __iter__(self) -> Iterator[PageChange | PageError]:
        self._ledger.select("CREATE TEMP TABLE items_of AS SELECT request, id FROM items")
        self._ledger.select("CREATE INDEX temp.by_request ON items_of (request, id)")
        rows: list[int] = []
        for (row,) in self._ledger.stream(_READ):
            rows.append(row)
            if len(rows) == _CHUNK:
                yield from self._some(rows)
                rows = []
        yield from self._some(rows)

    def _some(self, rows: Sequence[int]) -> Iterator[PageChange | PageError]:
        numbers = ",".join(map(str, rows))
        found = {row[0].row: row for row in self._ledger.find(f"id IN ({numbers})")}
        old: dict[int, list[bytes]] = {}
        query = (
            f"SELECT request, json FROM items WHERE id IN (SELECT id FROM temp.items_of WHERE request IN ({numbers}))"
        )
        for request, line in self._ledger.select(f"{query} ORDER BY id"):
            old.setdefault(request, []).append(line)
        known: dict[int, frozenset[int]] = {}
        if self._record.since:  # there items are left out that the run before has
            query = f"SELECT request, items FROM pages WHERE request IN ({numbers})"
            for request, digests in self._ledger.select(query):
                known[request] = frozenset(number for (number,) in struct.iter_unpack("<q", digests))
        for row in rows:
            change = self._page(found[row], old.get(row, []), known.get(row, frozenset()))
            if change is not None:
                yield change

    def _page(self, row: Row, old: list[bytes], known: frozenset[int]) -> PageChange | PageError | None:
        """Read a page again, or a failure."""
        request, _, state, reason = row
        callback = str(request.callback or "parse")
        is_page = state == "done" or reason.startswith(f"{callback}: ")
        if request.save is not None or not (is_page or request.on_failure):
            return None
        outcome = self._archive.next(request) if self._is_replay else self._archive.of_try(self._run, request)
        if outcome is None:
            self.counts.without += 1
            return None
        reading = self._reading(request, outcome, is_page, reason)
        self.counts.pages += 1
        if reading.error is not None:
            self.counts.errors += 1
            return reading.error
        new = self._new_lines(request, reading, known)
        if self.settings[0].output.meta:
            old = [_without_meta(line) for line in old]
        self.counts.items += len(new)
        change = _compared(request.url, callback if is_page else str(request.on_failure), old, new)
        if change is None:
            return None
        self.counts.differ += 1
        self.counts.added += len(change.added)
        self.counts.removed += len(change.removed)
        self.counts.changed += len(change.changed)
        lines = [*(line for _, line in change.changed), *change.added]
        self._chain.write(lines, self.counts.added + self.counts.changed)
        return change

    def _reading(self, request: Request, outcome: Outcome, is_page: bool, reason: str) -> Reading:
        spider, seconds = self.spiders[request.spider], self.settings[request.spider].crawl.parse_timeout
        if is_page and isinstance(outcome, Response):
            return read_page(spider, outcome, request, seconds=seconds)
        if isinstance(outcome, Response):
            kind, _, detail = reason.partition(": ")
            told: FailureKind = "redirect" if kind == "redirect" else "status"
            outcome = Failure(request.url, told, detail if kind != "blocked" else reason)
        return read_failure(spider, outcome, request, seconds=seconds)

    def _new_lines(self, request: Request, reading: Reading, known: frozenset[int]) -> list[bytes]:
        self.counts.errors += len(reading.item_errors)
        stored = Chain((), meta=False).store(reading.items, request, request.url, "", (), reading.keys)
        self.counts.errors += len(stored.errors)
        self._keys.update(stored.keys)
        stages = self.spiders[request.spider].item_stages
        if stages is not None and reading.keys:
            stages.forget(reading.keys)
        return [line for line in stored.lines if not known or digest_of(line) not in known]


def _pages_of(folder: RunFolder, settings: Settings) -> Path:
    """The archive that has the pages of a run. Raises `UsageError` if there is none."""
    places = places_of(folder.pages, settings)
    if settings.run.keep_pages == "failed":  # others have all
        places.sort(key=folder.pages.__eq__)
    if places:
        return places[0]
    raise UsageError(
        f"the run {folder.path} has no pages that could be read again",
        hint="they are kept by crawl run … -s run.keep_pages=all, or --record FILE.warc.gz",
    )


def _compared(url: str, callback: str, old: list[bytes], new: list[bytes]) -> PageChange | None:
    """What is different, None if nothing is. Items that are not the same are compared with those most like them."""
    if old == new:
        return None
    gone, come = Counter(old), Counter(new)
    removed = _surplus(old, gone - come)
    added = _surplus(new, come - gone)
    if not removed and not added:
        return None  # in another order
    changed = pairs_of(removed, added)
    for before, after in changed:
        removed.remove(before)
        added.remove(after)
    return PageChange(url, callback, added, removed, changed)


def _surplus(lines: list[bytes], surplus: Counter[bytes]) -> list[bytes]:
    """The lines that are in `surplus`, each as often as there, in their order."""
    found = []
    for line in lines:
        if surplus[line]:
            surplus[line] -= 1
            found.append(line)
    return found


def _without_meta(line: bytes) -> bytes:
    fields: dict[str, Any] = msgspec.json.decode(line)
    return msgspec.json.encode({name: value for name, value in fields.items() if name not in _META})

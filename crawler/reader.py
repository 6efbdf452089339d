"""Reads pages in the worker that fetched them (`crawl.parse_in = pool`).

It asks the rules that look at an outcome alone, as the parent will. What they keep is read by the spider's callback;
what they do not keep goes to the parent as it came. So does a page whose `blocked` raised, which the parent tells.
The parent has the last word: what it does not keep after all, as it is what it was in an earlier run, it throws away.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from inspect import isroutine
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.digest import digest_of
from crawler.download_folder import DownloadFolders
from crawler.errors import UsageError
from crawler.memory import LARGE, give_back
from crawler.packed import NOTHING, Record, Told, pack
from crawler.protocols import Rule
from crawler.request import Request
from crawler.response import Gist, Landing, Response, ToRead
from crawler.rules import ORDER
from crawler.rules.after_fetch import after_fetch
from crawler.rules.base import Rules
from crawler.rules.blocked import Blocked
from crawler.saved import Save, SavedFile
from crawler.settings import Settings
from crawler.spider.base import Spider
from crawler.spider.page_options import PageOptions
from crawler.spider.read import read_blocked, read_page
from crawler.spider.recipe import Recipe, made
from crawler.spider.unshared import Unshared
from crawler.url import host_of
from crawler.verdict import Keep

if TYPE_CHECKING:
    from crawler.observe.samples import Samples

_MOST_RECORDS = 1000  # of one page; who logs more than that has a loop


class ReaderSetup(msgspec.Struct, frozen=True):
    """What a worker has to know to read pages. Settings, options and recipes: one for each spider.

    - `bodies`: whether they cross to the parent all the same, as somebody there wants them.
    - `samples`: whether those do of pages that are unlike most, and now and then of one as always.
    - `plain`: whether an item that cannot cross may go as what would be written of it.
    - `elsewhere`: whether the worker is another process; then it is given the `folder`, `environment` and import `path`
      of the parent, and `stderr_only` says that what spiders print does not belong to standard output.
    - `run`, `sync`, `places`: as `DownloadFolders` has them. `log_levels` by the name of the logger.
    """

    recipes: tuple[Recipe, ...]
    settings: tuple[Settings, ...]
    options: tuple[PageOptions, ...]
    bodies: bool
    samples: bool
    plain: bool
    elsewhere: bool
    folder: str
    environment: dict[str, str]
    path: tuple[str, ...]
    stderr_only: bool
    run: str
    sync: bool
    places: dict[str, str]
    log_levels: dict[str, int]


class Reader:
    """The spiders of a run, in a worker. Raises `SpiderLoadError` where one cannot be made.

    `busy(seconds)` is told before each page for how long it may take.
    """

    def __init__(self, setup: ReaderSetup, busy: Callable[[float], None]) -> None:
        self._setup = setup
        self._busy = busy
        self._records: list[Record] = []
        if setup.elsewhere:
            self._move_in()
        self._files = DownloadFolders(setup.run, setup.sync, setup.places)
        self._readings = [self._reading(number) for number in range(len(setup.recipes))]

    def read(self, to_read: ToRead, landing: Landing) -> Landing:
        """The landing with what its page gave, if it is one."""
        outcome = landing.outcome
        if type(outcome) is not Response or outcome.part is not None:
            return landing
        request = to_read.request
        reading = self._readings[request.spider]
        self._busy(2 * reading.seconds if reading.seconds else 1e9)  # for `blocked`, and for the callback
        if not reading.is_page(request, outcome):
            return landing
        packed, gist = reading.read(request, outcome, to_read.sitemaps, self._told)
        body = outcome.body if self._setup.bodies or reading.is_sample else b""
        if gist.size > LARGE:
            give_back()
        # Made and not replaced, as that takes half of the time, for every page.
        kept = Response(
            outcome.url, outcome.status, outcome.header_pairs, body, outcome.seconds, outcome.truncated,
            outcome.cached, None, None, gist,
        )  # fmt: skip
        return Landing(landing.token, landing.started, kept, packed)

    def close(self) -> None:
        self._files.close()

    def _reading(self, number: int) -> _Reading:
        setup = self._setup
        spider = made(setup.recipes[number], setup.elsewhere)
        settings = setup.settings[number]
        options = setup.options[number]
        folder = self._files.of(settings.download.folder)

        def save(body: bytes, save: Save, url: str, first_url: str, content_type: str, disposition: str) -> SavedFile:
            try:
                return folder.save(body, save, url, first_url, content_type, disposition)
            finally:
                folder.tidy()

        spider.page_options = msgspec.structs.replace(options, save=save)
        if spider.item is not None or spider.processors:
            from crawler.items.stages import ItemStages  # most spiders have none

            spider.item_stages = ItemStages(
                spider.name,
                declared=_unless_callback(spider.item),
                processors=_unless_callback(spider.processors) or {},
            )
        return _Reading(spider, settings, setup.plain, setup.samples and not setup.bodies)

    def _told(self) -> tuple[Record, ...]:
        records, self._records[:] = tuple(self._records), []
        return records

    def _move_in(self) -> None:
        """Make this process one in which code of the user finds what it finds in the parent."""
        setup = self._setup
        with suppress(OSError):
            os.chdir(setup.folder)
        os.environ.clear()
        os.environ.update(setup.environment)
        sys.path[:] = setup.path
        if setup.stderr_only:
            sys.stdout = sys.stderr
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, or none
                stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        root = logging.getLogger()
        for handler in list(root.handlers):
            root.removeHandler(handler)  # a forked worker has those of the parent, with its files
        root.addHandler(_Collector(self._records))
        logging.captureWarnings(True)  # Python would write them to standard error as they are
        for name, level in setup.log_levels.items():
            logging.getLogger(name).setLevel(level)


class _Reading:
    """One spider, and the rules that say whether it has a page before it."""

    def __init__(self, spider: Spider, settings: Settings, plain: bool, samples: bool) -> None:
        self.spider = spider
        self.seconds = settings.crawl.parse_timeout
        self._plain = plain
        self.is_sample = False  # whether somebody may want to see the last page
        self._samples: Samples | None = None
        if samples:
            from crawler.observe.samples import Samples

            self._samples = Samples(None if isroutine(spider.expect) else spider.expect)
        own = self._own_signature if _has_own_signature(spider) else None
        rules: list[Rule] = [Blocked(own), *after_fetch(settings)]
        self._rules = Rules(rules, ORDER)
        self._unshared = Unshared(spider)
        self._sitemaps: tuple[str, tuple[str, ...]] = "", ()
        spider.sitemaps_of = self._sitemaps_of

    def is_page(self, request: Request, response: Response) -> bool:
        return type(self._rules.after(request, response)) is Keep

    def read(
        self, request: Request, response: Response, sitemaps: tuple[str, ...], records: Callable[[], tuple[Record, ...]]
    ) -> tuple[bytes, Gist]:
        """What the page gave, and what is to be known of its body."""
        self._sitemaps = host_of(request.url), sitemaps
        unshared = self._unshared
        told_already = unshared.note
        unshared.begin(str(request.callback or "parse"))
        reading = read_page(self.spider, response, request, seconds=self.seconds)
        unshared.end()
        logged = records()
        notes = (unshared.note,) if unshared.note != told_already else ()
        gist = Gist(len(response.body), digest_of(response.body))
        if self._samples is not None:
            self.is_sample, language = self._samples.look(request, response, reading, gist)
            if language:
                gist = Gist(gist.size, gist.digest, language)
        return pack(reading, Told(logged, notes) if logged or notes else NOTHING, self._plain), gist

    def _own_signature(self, request: Request, response: Response) -> bool | str:
        answer = read_blocked(self.spider, response, request, self.seconds)
        return answer if isinstance(answer, bool | str) else True  # the parent asks again, and tells the error

    def _sitemaps_of(self, url: str) -> tuple[str, ...]:
        host, sitemaps = self._sitemaps
        if host_of(url) != host:
            raise UsageError(
                f"with parse_in = pool a callback knows the sitemaps of the host of its page only, not of {url}",
                hint="crawl.parse_in = main knows those of all",
            )
        return sitemaps


class _Collector(logging.Handler):
    """Keeps log records until there is a page they can go with."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__()
        self._records = records
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._records) >= _MOST_RECORDS:
            return
        try:
            trace = self._formatter.formatException(record.exc_info) if record.exc_info else ""
            message = record.getMessage()
        except Exception:
            self.handleError(record)
            return
        self._records.append(
            Record(record.name, record.levelno, message, trace, record.pathname, record.lineno, record.created)
        )


def _has_own_signature(spider: Spider) -> bool:
    return type(spider).blocked is not Spider.blocked


def _unless_callback(value: Any) -> Any:
    """A name that says something about items may be that of a callback, and says nothing then."""
    return None if isroutine(value) else value

"""What `--record` and `--replay` make of the settings of a run."""

from __future__ import annotations

import shlex

import msgspec

from crawler.errors import UsageError
from crawler.settings import Settings

_NO_TIME = 1e-9  # seconds; 0 would mean "however long", or that it is no retry


def unhurried(settings: Settings) -> Settings:
    """The settings of a replay: nobody is asked, so nobody has to be spared, and there is nothing to wait for."""
    change = msgspec.structs.replace
    return change(
        settings,
        host=[change(one, delay=None) for one in settings.host],
        crawl=change(settings.crawl, pool="inline", parse_in="main"),
        politeness=change(
            settings.politeness, delay=0.0, jitter=0.0, adaptive=False, host_key="name", max_retry_after=_NO_TIME
        ),
        breaker=change(settings.breaker, failures=0),
        robots=change(settings.robots, pause=_NO_TIME),
        retry=change(settings.retry, pause=0.0, jitter=0.0),
        cache=change(settings.cache, mode="off"),
    )


def check_archives(settings: Settings, is_compared: bool, has_folder: bool) -> None:
    """Whether a run can be recorded and replayed as it is wanted. Raises `UsageError`."""
    own = settings.run
    if own.record and own.replay:
        raise UsageError("--record would record what --replay has from an archive", hint="leave one of them out")
    if own.record and not own.record.endswith(".warc.gz"):
        raise UsageError(
            f"{own.record}: what --record writes is compressed, and called .warc.gz",
            hint=f"--record {shlex.quote(own.record.removesuffix('.gz').removesuffix('.warc'))}.warc.gz",
        )
    if is_compared and (own.record or own.replay):
        flag = "--record" if own.record else "--replay"
        raise UsageError(
            f"{flag} wants all pages whole, and with --since those that have not changed are not sent again",
            hint="leave one of them out",
        )
    if own.keep_pages != "no" and not has_folder:
        raise UsageError(
            f"run.keep_pages = {own.keep_pages}: the pages are kept in the folder of the run, and this one has none",
            hint="crawl run keeps its runs; settings={'run.record': 'site.warc.gz'} records one without",
        )

"""Drift: what is watched of each spider, how the line to blame is found, and what a good run leaves for later ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crawler.digest import digest_of
from crawler.good_runs import RunPages, recall
from crawler.observe.alarm import Alarm
from crawler.observe.drift import Drift, Visit, Watched
from crawler.observe.report import Report
from crawler.settings import Settings
from crawler.spider.base import Spider
from crawler.spider.blame import blame

_LONGEST_READING = 10.0  # seconds, of a page that is read again to find the line to blame


def drift_of(
    spiders: Sequence[Spider], settings: Settings, pages: RunPages, state: Any, alarmed: Callable[[Alarm], None]
) -> Drift:
    def line(spider: int, callback: str, good: Visit | None, bad: Visit, field: str, is_fewer: bool) -> tuple[str, str]:
        if not settings.drift.reread:
            return "", ""
        seconds = min(settings.crawl.parse_timeout or _LONGEST_READING, _LONGEST_READING)
        return blame(spiders[spider], callback, good, bad, field, is_fewer, seconds)

    watched = [
        Watched(
            spider.name,
            spider.expect,
            () if settings.drift.accept else pages.history(spider.name),
            str(digest_of(repr([getattr(spider, name, None) for name in sorted(spider.arguments())]).encode())),
        )
        for spider in spiders
    ]
    return Drift(watched, state, keep=pages.keep, recall=recall, blame=line, alarmed=alarmed)


def leave_profiles(drift: Drift | None, pages: RunPages, report: Report, settings: Settings) -> None:
    """Of a run that fetched all it wanted without an error, what later runs are compared with; of others nothing."""
    is_good = report.exit_code == 0 and not report.page_error_count + report.item_errors
    if drift is not None and not settings.run.replay and is_good:
        pages.keep_profiles(drift.profiles(), is_first=settings.drift.accept)
    else:
        pages.forget_profiles()

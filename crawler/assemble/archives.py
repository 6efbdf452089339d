"""Archives that a run writes, and the one that answers it instead of hosts. Most runs want, and import, neither."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from crawler.frontier.ledger import Ledger
from crawler.frontier.window import Window
from crawler.observe import events
from crawler.protocols import Frontier
from crawler.runs.folder import RunFolder
from crawler.settings import Settings, version

if TYPE_CHECKING:
    from crawler.archive.archive import Archive
    from crawler.archive.failing import FailingOnly
    from crawler.archive.recorder import Recorder


def recorders_of(
    settings: Settings, run: str, folder: RunFolder | None
) -> tuple[list[Recorder | FailingOnly], list[FailingOnly]]:
    """Who keeps what is fetched: for --record, and in the run's folder; and those of them that listen."""
    own = settings.run
    if not own.record and (folder is None or own.keep_pages == "no"):
        return [], []
    from crawler.archive.failing import FailingOnly
    from crawler.archive.recorder import Recorder

    software, robots = f"crawler/{version()}", "classic" if settings.robots.obey else "ignore"
    site = [Recorder(own.record, run, software, robots)] if own.record else []
    if folder is None or own.keep_pages == "no":
        return [*site], []
    pages = Recorder(str(folder.pages), run, software, robots)
    if own.keep_pages == "all":
        return [*site, pages], []
    bad = (events.ReadFailed, events.FetchFailed, events.Blocked, events.ItemFailed)
    over = (events.Redirected, events.Retried, events.Dropped)
    failing = FailingOnly(pages, bad, over, events.PageRead)
    return [*site, failing], [failing]


def replayed_by(settings: Settings, stack: ExitStack) -> Archive | None:
    """The archive that answers, instead of hosts."""
    if not settings.run.replay:
        return None
    from crawler.archive.archive import Archive

    return stack.enter_context(closing(Archive(settings.run.replay)))


def frontier_of(ledger: Ledger, replayed: Archive | None) -> Frontier:
    if replayed is None:
        return Window(ledger)
    from crawler.archive.frontier import RecordedOrder

    return RecordedOrder(replayed, ledger)

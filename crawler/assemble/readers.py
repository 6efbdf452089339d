"""What reading pages takes: the options of a page, and what workers have to know to read them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from crawler.download_folder import DownloadFolders
from crawler.robots_text import token_of
from crawler.settings import Settings
from crawler.spider.base import Spider
from crawler.spider.page_options import PageOptions

_LOGGERS = ("", "crawler", "urllib3", "charset_normalizer", "asyncio")  # whose levels count in workers, too


def reader_setup(
    spiders: Sequence[Spider],
    settings: Sequence[Settings],
    files: DownloadFolders,
    bodies: bool,
    samples: bool = False,
) -> Any:
    """What workers have to know to read pages. Raises `UsageError` for a spider that they could not have."""
    from crawler.reader import ReaderSetup  # and the pickling of spiders, for those who want it
    from crawler.spider.recipe import recipe_of

    stages = [spider.item_stages for spider in spiders if spider.item_stages is not None]
    levels = {name: level for name in _LOGGERS if (level := logging.getLogger(name or None).level)}
    return ReaderSetup(
        recipes=tuple(map(recipe_of, spiders)),
        settings=tuple(settings),
        options=tuple(map(page_options, settings)),
        bodies=bodies or any(one.wants_page for one in stages),
        samples=samples,
        plain=not any(one.runs_user_code for one in stages),
        elsewhere=settings[0].crawl.pool == "process",
        folder=os.getcwd(),
        environment=dict(os.environ),
        path=tuple(sys.path),
        stderr_only=sys.stdout is sys.stderr,
        run=files.run,
        sync=files.sync,
        places=files.places,
        log_levels=levels,
    )


def page_options(settings: Settings) -> PageOptions:
    scope = settings.scope
    return PageOptions(
        skip_extensions=frozenset(extension.lower().removeprefix(".") for extension in scope.skip_extensions),
        nofollow=scope.nofollow,
        token=token_of(settings.fetch.user_agent),
        max_links=settings.limits.max_links,
        max_tags=settings.limits.max_tags,
    )

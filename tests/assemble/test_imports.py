"""What putting a crawl together imports: nothing that only some crawls want, and for its settings no crawl at all."""

import subprocess
import sys

import pytest

RARE = (
    "click",
    "crawler.archive.archive",
    "crawler.archive.recorder",
    "crawler.items.stages",
    "crawler.reader",
    "crawler.rules.record",
    "crawler.rules.replay",
    "crawler.spider.recipe",
    "hishel",
    "lxml",
    "requests",
    "rich",
)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("run", RARE),
        (
            "spider_settings",
            (*RARE, "crawler.assemble.run", "crawler.engine", "crawler.pool", "crawler.worker", "sqlite3"),
        ),
        ("rules", (*RARE, "crawler.assemble.run", "crawler.engine", "crawler.pool", "crawler.worker")),
    ],
)
def test_nothing_is_imported_that_is_not_needed(module, unwanted):
    code = f"import sys, crawler.assemble.{module}\nprint(*sorted(set(sys.modules) & set({unwanted!r})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == []

"""The pytest plugin (entry point `pytest11`): the fixture `crawl_offline`. It imports the crawler when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.testing.offline import OfflineReport


@pytest.fixture
def crawl_offline(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., OfflineReport]:
    """A crawl in this process, on the pages of the test, with the network shut; its report.

    `crawl_offline(Films, pages={"https://films.example/": "<h1>Films</h1>"}, year=1994)`: the pages by URL, then the
    arguments of the spider. The report has `items`, `requests` and `failures`, and is shown where the test fails.
    """
    from msgspec.structs import replace

    try:
        from crawler.testing.offline import crawl_offline as crawl
    except ModuleNotFoundError as error:
        if error.name != "responses":
            raise
        pytest.fail("crawl_offline needs the library responses: pip install responses", pytrace=False)

    def run(spider: Any, /, *positional: Any, **given: Any) -> OfflineReport:
        given.setdefault("downloads", tmp_path / "downloads")
        report = crawl(spider, *positional, **given)
        # What was turned off for the test, and what to type for more, is no news here.
        told = replace(report, manners=[], verbose=True)
        request.node.add_report_section("call", "crawl", told.summary())
        return report

    return run

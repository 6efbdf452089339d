"""The one crawl that all tests here look at, and its table in docs/conformance.md (`make hostile`)."""

import os
from pathlib import Path

import pytest

from tests.conformance.document import write_section
from tests.hostile.crawl import crawl

TABLE = os.environ.get("TABLE", "")

_crawled = []


@pytest.fixture(scope="session")
def crawled(tmp_path_factory):
    """The crawl over all behaviours, which has ended."""
    _crawled.append(crawl(tmp_path_factory.mktemp("hostile")))
    return _crawled[0]


def pytest_terminal_summary(terminalreporter):
    if TABLE and _crawled:
        terminalreporter.write_line(_crawled[0].table())


def pytest_sessionfinish(exitstatus):
    if TABLE and _crawled and not exitstatus:
        write_section(Path(TABLE), "hostile", _crawled[0].account())

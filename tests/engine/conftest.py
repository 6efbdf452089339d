from contextlib import suppress

import pytest

from crawler.errors import UsageError
from tests.engine.fake_workers import opened


@pytest.fixture(autouse=True)
def close_ledgers():
    """Those that a test still looked into after its crawl."""
    yield
    while opened:
        with suppress(UsageError):  # most have closed it themselves
            opened.pop().close()

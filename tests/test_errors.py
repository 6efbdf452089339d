"""The exceptions a user can meet: what they say, and the exit code each ends a run with."""

import pytest

from crawler.errors import CrawlError, OutputError, SettingsError, SpiderLoadError, StopNow, UsageError


@pytest.mark.parametrize(
    ("kind", "code"), [(CrawlError, 6), (UsageError, 2), (SettingsError, 2), (SpiderLoadError, 2), (OutputError, 5)]
)
def test_each_ends_a_run_with_its_exit_code(kind, code):
    error = kind("what happened", "what to type next")
    assert error.exit_code == code
    assert isinstance(error, CrawlError)
    assert str(error) == error.message == "what happened"
    assert error.hint == "what to type next"


def test_a_spider_that_does_not_load_carries_the_users_traceback():
    error = SpiderLoadError("no", trace="line 3")
    assert (error.hint, error.trace) == ("", "line 3")


def test_user_code_cannot_catch_the_end_by_accident():
    assert not issubclass(StopNow, Exception)

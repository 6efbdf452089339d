"""The plugin in somebody else's test-suite: found by itself, silent, and no burden where it is not used."""

import subprocess
import sys
from textwrap import dedent

TESTS = """
import sys

import pytest

from crawler.testing import plugin  # loaded by its entry point: pytest has it already


def test_nothing_is_imported_before_it_is_used(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("crawler")
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "crawler")
    assert ours == ["crawler", "crawler.testing", "crawler.testing.plugin"]
    assert not {"requests", "responses", "lxml", "msgspec"} & set(sys.modules)


def test_a_report_is_shown_where_a_test_fails(crawl_offline):
    from crawler import Spider

    class Films(Spider):
        start_urls = ["http://films.example/a", "http://films.example/b"]

        def parse(self, page):
            yield {"title": page.css("h1::text").get()}

    assert crawl_offline(Films, {"http://films.example/a": "<h1>A"}).exit_code == 0


def test_without_responses(crawl_offline):
    pass


@pytest.fixture(autouse=True)
def no_responses(request, monkeypatch):
    if request.node.name == "test_without_responses":
        monkeypatch.setitem(sys.modules, "responses", None)
        monkeypatch.delitem(sys.modules, "crawler.testing.offline", raising=False)
"""


def test_a_suite_of_somebody_else(tmp_path):
    (tmp_path / "test_theirs.py").write_text(dedent(TESTS))
    options = ["-q", "-p", "no:cacheprovider", "--strict-markers", "-W", "error", "-rN", "--tb=short"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 passed, 1 error in"), done
    assert done.stderr == ""
    assert "Captured crawl call" in done.stdout
    assert "pages= has no page for http://films.example/b; the nearest one is http://films.example/a" in done.stdout
    assert "robots.txt is not obeyed" not in done.stdout  # which is no news here
    assert "crawl_offline needs the library responses: pip install responses" in done.stdout

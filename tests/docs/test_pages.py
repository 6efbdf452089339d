"""Every block of every page does what the page says."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of
from tests.docs.conftest import ROOT, pages
from tests.docs.walk import SITE, Differs

# What is not executed, by page. Each has its reason in its own fence; a new one has to be entered here.
NOT_RUN = {
    "README.md": 1,
    "docs/howto/curl.md": 1,
    "docs/howto/downloads.md": 1,
    "docs/performance.md": 2,
    "docs/tutorial.md": 2,
}

PAGES = pages()


def blocks(page):
    return blocks_of((ROOT / page).read_text(encoding="utf-8"), Path(page))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_it_says(page, walked):
    error = walked[page].exception()
    if isinstance(error, Differs):
        pytest.fail(str(error), pytrace=False)
    if error is not None:
        raise error


def test_what_is_not_executed_is_known():
    counted = {page: sum(bool(block.not_run) for block in blocks(page)) for page in PAGES}
    assert {page: count for page, count in counted.items() if count} == NOT_RUN


def test_most_pages_have_blocks():
    assert sum(bool(blocks(page)) for page in PAGES) > len(PAGES) // 2
    assert sum(len(blocks(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_asks_the_built_in_site_tells_how_to_start_it(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    if SITE in text:
        assert "crawl demo --serve --port 8000" in text


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_that_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target) and "reference/" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target

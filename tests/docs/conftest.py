"""The pages of the documentation, walked two at a time: most of that is waiting for processes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from crawler.demo.site import serve
from tests.docs.blocks import blocks_of
from tests.docs.walk import walk
from tests.docs.warm import WarmCrawl

ROOT = Path(__file__).parents[2]
UNHURRIED = ("README.md",)  # what people read first: as it is, with processes and all
GENERATED = ("docs/reference/cli.md", "docs/reference/settings.md", "docs/reference/api.md")


def pages() -> list[str]:
    """Paths of all pages that somebody wrote, from the root of the project."""
    written = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", *(path for path in written if path not in GENERATED and "/_" not in path)]


@pytest.fixture(scope="session")
def walked(request, tmp_path_factory):
    """page -> a future of its walk, for the pages that are asked for."""
    wanted = [
        item.callspec.params["page"]
        for item in request.session.items
        if getattr(item, "originalname", "") == "test_a_page_is_as_it_says"
    ]
    folder = tmp_path_factory.mktemp("warm")
    with closing(WarmCrawl(folder)), serve("127.45.6.7") as site, ThreadPoolExecutor(2) as readers:
        address = site.url.removeprefix("http://")
        yield {page: readers.submit(_walk, page, tmp_path_factory.mktemp("reader"), address, folder) for page in wanted}


def _walk(page, folder, site, commands):
    blocks = blocks_of((ROOT / page).read_text(encoding="utf-8"), Path(page))
    walk(blocks, folder, site, None if page in UNHURRIED else commands)

"""The pages of the documentation, walked two at a time: most of that is waiting for processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crawler.demo.site import serve
from tests.docs.blocks import blocks_of
from tests.docs.walk import walk

ROOT = Path(__file__).parents[2]
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
    with serve("127.45.6.7") as site, ThreadPoolExecutor(2) as readers:
        address = site.url.removeprefix("http://")
        yield {
            page: readers.submit(
                walk,
                blocks_of((ROOT / page).read_text(encoding="utf-8"), Path(page)),
                tmp_path_factory.mktemp("reader"),
                address,
            )
            for page in wanted
        }

"""What the settings say about reading pages, as `Page` needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


class PageOptions(msgspec.Struct, frozen=True):
    """How a spider's pages give their links.

    - `skip_extensions`: file name extensions, lower case, of what is no page: "pdf".
    - `nofollow`: whether links are left out that pages ask not to follow.
    - `token`: the product token of the crawler, by which pages may speak to it alone; "" = they cannot.
    - `max_links`: how many links one page may have · `max_tags`: how many tags of it are read, 0 = all.
    - `save`: keeps the body of a page as a file, see `download_folder.DownloadFolder.save`; None = outside of a crawl.
    """

    skip_extensions: frozenset[str] = frozenset()
    nofollow: bool = True
    token: str = ""
    max_links: int = 50_000
    max_tags: int = 150_000
    save: Callable[..., Any] | None = None

"""A page as a file for a browser: with a `<base>`, in UTF-8, whatever it was sent in."""

from __future__ import annotations

import html
import os
import re
import tempfile
from mimetypes import guess_extension
from pathlib import Path

from crawler.errors import OutputError
from crawler.spider.page import Page

# All that may stand before the content of the head. Each part matches without a way back, so it takes linear time.
_SPACE = r"(?:\s+|<!--.*?-->|<\?[^>]*>|<!doctype[^>]*>)*+"
_UP_TO_HEAD = re.compile(
    rf"{_SPACE}(?:<html(?:\s[^>]*)?>)?+{_SPACE}(?:<head(?:\s[^>]*)?>)?+", re.IGNORECASE | re.DOTALL
)
_HTML = ("", "text/html", "application/xhtml+xml")


def write(page: Page) -> Path:
    """A new temporary file with the page, readable by its owner only; nobody removes it. Raises `OutputError`."""
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_html = kind in _HTML
    suffix = ".html" if is_html else guess_extension(kind) or ".txt"
    try:
        handle, name = tempfile.mkstemp(prefix="crawl-view-", suffix=suffix)  # 0600
        with os.fdopen(handle, "wb") as file:
            file.write(with_base(page) if is_html else page.body)
    except OSError as error:
        raise OutputError(f"cannot write the page into a temporary file: {error.strerror}") from None
    return Path(name)


def with_base(page: Page) -> bytes:
    """The page in UTF-8 with a mark that says so, and a `<base>` before all others, of which the first counts.

    (HTML Standard, 4.2.3 and 13.2.3.2: a byte order mark beats what a page says about its encoding.)
    """
    text = page.text
    head = _UP_TO_HEAD.match(text)
    place = head.end() if head is not None else 0
    base = f'<base href="{html.escape(page.base_url)}">'
    return f"{text[:place]}{base}{text[place:]}".encode("utf-8-sig", "replace")

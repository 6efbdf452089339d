"""The links of a page joined to its base, with a memory: a site repeats its links on every page.

What a link that begins with "/", "http://" or "https://" leads to depends on the origin of its page alone (URL
standard, 4.4): no path and no query of the base takes part. So it is remembered by origin.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.url import join

_WEB_SCHEMES = ("http://", "https://")
_LASTING = ("/", *_WEB_SCHEMES)
_MOST = 50_000  # links that are remembered, of all origins together
_LONGEST = 500  # characters of one that is

_Memory = dict[str, str]  # by link: the URL, "" for none
_memories: dict[tuple[str, frozenset[str]], _Memory] = {}
_count = 0


def joined(base: str, hrefs: Sequence[str], extensions: frozenset[str] = frozenset()) -> list[str]:
    """Where links on the page `base` (a canonical URL) lead to: canonical http and https URLs, each once, in order.

    What is no URL, has another scheme, or a path that ends in one of `extensions` ("pdf"), is left out, and so are
    places on the page itself (`#top`).
    """
    start = base.find("/", base.find("//") + 2)
    memory = _memories.get((base[:start], extensions))
    urls: list[str | None] = list(map(memory.get, hrefs)) if memory else [None] * len(hrefs)
    if None in urls:
        for number, href in enumerate(hrefs):
            if urls[number] is None:
                urls[number] = _one(base, href, start, extensions)
    each = dict.fromkeys(urls)
    each.pop("", None)
    return list(each)  # type: ignore[arg-type]


def is_page(url: str, extensions: frozenset[str]) -> bool:
    """Whether a canonical URL is one of http or https whose path has none of these extensions."""
    return url.startswith(_WEB_SCHEMES) and not (
        extensions and url.partition("?")[0].rpartition(".")[2].lower() in extensions
    )


def _one(base: str, href: str, start: int, extensions: frozenset[str]) -> str:
    global _count
    if href[:1] == "#":
        return ""
    try:
        url = join(base, href)
    except ValueError:
        url = ""
    if url and not is_page(url, extensions):
        url = ""
    if start > 0 and len(href) <= _LONGEST and len(url) <= 2 * _LONGEST and href.startswith(_LASTING):
        if _count >= _MOST:
            _memories.clear()
            _count = 0
        _memories.setdefault((base[:start], extensions), {})[href] = url
        _count += 1
    return url

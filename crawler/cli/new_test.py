"""What `crawl new` writes into the test of a spider: that the saved page gives what it gives now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from crawler.cli.new_text import literal
from crawler.reading import Reading
from crawler.response import Response

_LONGEST = 300  # characters of a value that is compared
_SHOWN = 3  # requests that are


def test_file(name: str, saved: str, response: Response, callback: str, reading: Reading) -> str:
    """The text of `tests/spiders/test_NAME.py`. `saved` is the page in tests/pages/NAME/."""
    kinds = response.headers.getall("content-type")
    fields = f'(("Content-Type", {literal(kinds[-1])}),)' if kinds else "()"
    given = f", callback={literal(callback)}" if callback != "parse" else ""
    lines = [
        f'"""What `spiders/{name}.py` makes of the page that is saved in tests/pages/{name}/."""',
        "",
        "from pathlib import Path",
        "",
        "from crawler import Request, Response",
        "from crawler.spider.load import load",
        "from crawler.spider.read import read_page",
        "",
        "ROOT = Path(__file__).parents[2]",
        f'PAGE = ROOT / "tests" / "pages" / {literal(name)} / {literal(saved)}',
        f"URL = {literal(response.url)}",
        "",
        "",
        "def read():",
        f'    spider = load(str(ROOT / "spiders" / {literal(name + ".py")}), {{}})',
        f"    response = Response(URL, 200, {fields}, PAGE.read_bytes())",
        f"    reading = read_page(spider, response, Request(URL{given}))",
        "    assert reading.error is None, reading.error",
        "    return reading",
        "",
        "",
        *(_requests(reading.requests) if reading.requests and not reading.items else _items(reading.items)),
    ]
    return "\n".join(lines) + "\n"


def _items(items: Sequence[Any]) -> list[str]:
    first = msgspec.to_builtins(items[0]) if items else {}
    values = {key: value for key, value in first.items() if len(literal(value)) <= _LONGEST}
    lines = [
        "def test_the_saved_page_gives_its_items():",
        "    items = read().items",
        f"    assert len(items) == {len(items)}",
    ]
    if len(values) == len(first):
        pairs = [f"        {literal(key)}: {literal(value)}," for key, value in values.items()]
        return [*lines, *(["    assert items[0] == {", *pairs, "    }"] if pairs else [])]
    return [*lines, *(f"    assert items[0][{literal(key)}] == {literal(value)}" for key, value in values.items())]


def _requests(requests: Sequence[Any]) -> list[str]:
    urls = [literal(request.url) for request in requests[:_SHOWN]]
    return [
        "def test_the_saved_page_gives_its_requests():",
        "    urls = [request.url for request in read().requests]",
        f"    assert len(urls) == {len(requests)}",
        f"    assert urls[:{len(urls)}] == [",
        *(f"        {url}," for url in urls),
        "    ]",
    ]

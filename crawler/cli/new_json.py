"""What `crawl new` makes of an answer of JSON: where its records are, and how to ask for more of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.cli.new_text import comment, literal, method

if TYPE_CHECKING:
    from crawler.spider.page import Page

_MOST_KEYS = 12
_LOOKED_AT = 1000  # values in an answer
_RECORDS = 50  # of a list that are looked at; more of them make no better list
_RICH = 20  # values in a record
_NEXT = ("next", "next_url", "next_page", "nextPage", "next_cursor", "nextCursor", "next_page_token", "nextPageToken")
_AROUND = ("links", "paging", "pagination", "meta")  # where it may stand, beside the records
_PARAMETERS = ("cursor", "after", "page_token", "pageToken", "token", "page", "offset", "start")
_TOKENS = {"next_page_token": "page_token", "nextPageToken": "pageToken"}

_Path = tuple[str, ...]


def json_lines(page: Page) -> list[str]:
    """A parse that reads the records of an API: those of the list with most in it, or else the whole answer as one."""
    value = page.json()
    path, records = _list_in(value) or ((), [value])
    whole = "page.json()" if path or isinstance(value, list) else "[page.json()]"
    return method(
        [
            f"for record in {whole}{_place(path)}:",
            *_item(records),
            "# Further pages: yield a request for each, and it is read by this method, too.",
            *_more(value, path, page.url),
        ]
    )


def _list_in(value: Any) -> tuple[_Path, list[Any]] | None:
    """Where in a value of JSON the list of its records is, and that list. Lists in records are no lists of them."""
    waiting: deque[tuple[_Path, Any]] = deque([((), value)])
    found: list[tuple[int, _Path, list[Any]]] = []
    for _ in range(_LOOKED_AT):
        if not waiting:
            break
        path, one = waiting.popleft()
        if isinstance(one, list):
            found.append((sum(_richness(record) for record in one[:_RECORDS]), path, one))
        elif isinstance(one, dict):
            waiting += [((*path, key), inner) for key, inner in one.items()]
    _, path, records = max(found, key=lambda one: one[0], default=(0, (), []))  # of equal ones the outermost
    return (path, records) if found else None


def _richness(record: Any) -> int:
    """How much is in a record: its fields, those in fields as well. What is no object is none."""
    if not isinstance(record, dict):
        return 0
    return min(sum(len(one) if isinstance(one, dict) else 1 for one in record.values()), _RICH)


def _item(records: list[Any]) -> list[str]:
    objects = [record for record in records if isinstance(record, dict)]
    if not objects:
        return ['    yield {"value": record}']
    first = objects[0]
    keys = [key for key in first if not isinstance(first[key], (dict, list))][:_MOST_KEYS] or list(first)[:_MOST_KEYS]
    left = ", ".join(key for key in first if key not in keys)
    is_mixed = len(objects) < len(records)
    return [
        *(["    if not isinstance(record, dict):  # some of them are none", "        continue"] if is_mixed else []),
        "    yield {",
        *(f"        {literal(key)}: record.get({literal(key)})," for key in keys),
        *([f"        # also there: {comment(left)}"] if left else []),
        "    }",
    ]


def _more(value: Any, path: _Path, url: str) -> list[str]:
    """Comments that show how the next answer is asked for."""
    if not isinstance(value, dict):
        ask = _question(url, "page")
        return [
            "# That the parameter is called page is a guess: a site that does not know it gives one page for ever.",
            "# Try it with --max-pages 3. The first page without records is the last one.",
            "# if page.json():",
            "#     number = (page.data or 1) + 1",
            f'#     yield page.follow(f"{ask}{{number}}", data=number)',
        ]
    found = list(_next_in(value, path))
    where, key, following = next((one for one in found if one[2] is not None), found[0] if found else ((), "next", ""))
    test = f"# if following := page.json(){_place(where)}.get({literal(key)}):"
    if following is None or (isinstance(following, str) and _is_link(following)):
        return [test, "#     yield page.follow(following)"]
    names = [name for name, _ in parse_qsl(urlsplit(url).query) if name in _PARAMETERS]
    name = names[0] if names else _TOKENS.get(key, "cursor" if isinstance(following, str) else "page")
    told = f"# It says what to ask for next; that the parameter is called {name} is a guess."
    ask = _question(url, name)
    if isinstance(following, str):
        quoting = "#     from urllib.parse import quote"
        return [told, test, quoting, f'#     yield page.follow(f"{ask}{{quote(following)}}")']
    return [told, test, f'#     yield page.follow(f"{ask}{{following}}")']


def _next_in(value: dict[str, Any], path: _Path) -> Iterator[tuple[_Path, str, Any]]:
    """What may lead to the next answer: where it stands, its key, and its value."""
    places: dict[_Path, Any] = {(): value}
    around: Any = value
    for depth, key in enumerate(path[:-1], 1):
        around = around[key]
        places[path[:depth]] = around
    places |= {(key,): value[key] for key in _AROUND if isinstance(value.get(key), dict)}
    for place, holder in places.items():
        for key in _NEXT:
            if key in holder and (holder[key] is None or type(holder[key]) in (str, int)):
                yield place, key, holder[key]


def _is_link(text: str) -> bool:
    return not text or "?" in text or text.startswith(("/", "./", "../", "http://", "https://"))


def _question(url: str, name: str) -> str:
    """The query of a URL up to the value of one parameter, as it may stand in an f-string."""
    others = urlencode([pair for pair in parse_qsl(urlsplit(url).query) if pair[0] != name])
    return f"?{others}{'&' if others else ''}{name}="


def _place(path: _Path) -> str:
    return "".join(f"[{literal(key)}]" for key in path)

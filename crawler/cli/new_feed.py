"""What `crawl new` makes of feeds: RSS, Atom, JSON Feed, and tables as JSON Lines or CSV."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from crawler.cli.new_text import comment, literal, method
from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.spider.feed import Format
    from crawler.spider.page import Page

_XML = re.compile(r"\s*+(?:<\?xml[^<>]*>\s*+)?(?:<!--.*?-->\s*+)*+<(?:rss|feed|rdf:RDF)[\s>]", re.DOTALL)
_JSON_LINES = re.compile(r"[/.+-](?:jsonl|jsonlines|ndjson|jsonl\+json)$")
_TABLES = {"text/csv": "", "application/csv": "", "text/tab-separated-values": "\t"}
_DELIMITERS = ",;\t|"
_MOST_COLUMNS = 30


def feed_lines(page: Page) -> list[str]:
    """The body of a `FeedSpider` for the page; [] if it is no feed. Raises `UsageError` for one that cannot be read."""
    if _XML.match(page.text) or _is_json_feed(page):
        return _entries()
    if is_json_lines(page):
        return _table(page, "jsonl")
    delimiter, is_sure = _delimiter(page)
    if not delimiter:
        return []
    try:
        return _table(page, "csv", delimiter)
    except UsageError:
        if is_sure:
            raise
        return []  # a text with commas in it


def is_json_lines(page: Page) -> bool:
    """Whether each line is an object: it says so, or the page is no JSON and its first two lines are."""
    path = page.url.partition("#")[0].partition("?")[0]
    if _JSON_LINES.search(_mime(page)) or path.endswith((".jsonl", ".ndjson", ".jl")):
        return _begins(page, "{")
    lines = [line for line in islice(page.text.split("\n"), 20) if line.strip()]
    return _begins(page, "{") and len(lines) > 1 and all(map(_is_object, lines[:2]))


def _is_object(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _is_json_feed(page: Page) -> bool:
    if not _begins(page, "{") or "jsonfeed.org" not in page.text:
        return False
    try:
        feed = page.json()
    except ValueError:
        return False
    return isinstance(feed, dict) and "jsonfeed.org" in str(feed.get("version")) and isinstance(feed.get("items"), list)


def _delimiter(page: Page) -> tuple[str, bool]:
    """What is between the cells of a table ("" = it is none), and whether it says that it is one."""
    mime = _mime(page)
    path = page.url.partition("#")[0].partition("?")[0].lower()
    is_sure = mime in _TABLES or path.endswith((".csv", ".tsv"))
    if not (is_sure or mime in ("", "text/plain")) or _begins(page, "<", "{", "["):
        return "", False
    lines = list(islice(page.text.lstrip("\ufeff").splitlines(), 20))
    if len(lines) < 2:
        return (_TABLES.get(mime) or ",", True) if is_sure and lines else ("", False)
    best = _TABLES.get(mime) or max(_DELIMITERS, key=lines[0].count)
    if is_sure:
        return best, True
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=best)}
    except csv.Error:
        return "", False
    return (best, False) if len(widths) == 1 and widths.pop() > 1 else ("", False)


def _table(page: Page, format: Format, delimiter: str = ",") -> list[str]:
    from crawler.spider.feed import entries_in

    try:
        first = next(iter([*entries_in(page, format, delimiter)]), None)  # all of them: each line may be wrong
    except ValueError as error:
        raise UsageError(str(error)) from None
    lines = [f"    feed_format = {literal(format)}"]
    if delimiter != ",":
        lines.append(f"    feed_delimiter = {literal(delimiter)}")
    if first is None:
        return [*lines, *method(["yield entry"], "parse_entry(self, entry, page)")]
    names = list(first)
    left = ", ".join(names[_MOST_COLUMNS:])
    value = "entry.get({})" if format == "jsonl" else "entry[{}]"  # of CSV all entries have the same
    fields = [f"    {literal(name)}: {value.format(literal(name))}," for name in names[:_MOST_COLUMNS]]
    more = [f"    # also there: {comment(left)}"] if left else []
    return [*lines, *method(["yield {", *fields, *more, "}"], "parse_entry(self, entry, page)")]


def _entries() -> list[str]:
    """A parse_entry that gives what a feed says of each entry."""
    fields = ("title", "link", "published", "summary")
    lines = [
        f"yield {{{', '.join(f'{literal(field)}: entry[{literal(field)}]' for field in fields)}}}",
        "# Also there: id, updated, content, author, categories, enclosures. What an entry does not have is None.",
        "# To read the page it leads to, write a parse_article(self, page):",
        '# yield page.follow(entry["link"], self.parse_article, data=entry)',
    ]
    return method(lines, "parse_entry(self, entry, page)")


def _mime(page: Page) -> str:
    return page.headers.get("content-type", "").partition(";")[0].strip().lower()


def _begins(page: Page, *characters: str) -> bool:
    return page.text.lstrip("\ufeff \t\r\n").startswith(characters)

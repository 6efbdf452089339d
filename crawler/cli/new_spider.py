"""What `crawl new` writes into a spider file, for each kind of page. Text only: nothing is read or written here.

What comes from a page becomes part of a program, so it goes through `literal`, or through `comment`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from crawler.cli.new_feed import feed_lines, is_json_lines
from crawler.cli.new_json import json_lines
from crawler.cli.new_text import class_name, comment, literal, method, quoted
from crawler.errors import UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.spider.outline import Records
    from crawler.spider.page import Page

_SITEMAP = re.compile(r"\s*+(?:<\?xml[^>]*>\s*+)?(?:<!--.*?-->\s*+)*+<(?:\w+:)?(?:urlset|sitemapindex)\b", re.DOTALL)
_GZIP = b"\x1f\x8b"
_TITLE = 'page.css("title::text").get("").strip()'


class Draft(NamedTuple):
    """A spider file, and the callback that reads the page it was made from."""

    text: str
    callback: str = "parse"


def draft(kind: str, name: str, page: Page, url: str) -> Draft:
    """The spider `name` that begins at `url`, whose page this is.

    `kind` is "css", "xpath", "regex", "json-api", "sitemap", or "": "css", and for a feed what reads feeds. Raises
    `UsageError` for a page of another kind.
    """
    if not kind and (feed := feed_lines(page)):
        return Draft(_file(name, page, url, feed, base="FeedSpider"))
    kind = kind or "css"
    _check_kind(kind, page)
    if kind == "sitemap":
        return _sitemap(name, page, url)
    if kind == "json-api":
        return Draft(_file(name, page, url, json_lines(page)))
    from crawler.spider.outline import records_in

    records = records_in(page)
    if kind == "regex":
        constants, lines = _regex(page, records)
        return Draft(_file(name, page, url, lines, constants))
    lines = _selectors(kind, records, page) if records is not None else _only_a_title(kind)
    return Draft(_file(name, page, url, lines))


def _check_kind(kind: str, page: Page) -> None:
    """Raise `UsageError` if the page can be seen to be of another kind."""
    begins = page.text.lstrip("\ufeff \t\r\n")[:1]
    mime = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = mime.endswith(("/json", "+json")) or begins in ("{", "[")
    if kind == "json-api":
        try:
            page.json()
        except ValueError as error:
            hint = "for a page of HTML take --css, --xpath or --regex"
            if is_json_lines(page):
                hint = "it is JSON Lines, which is read as a feed: leave out --json-api"
            raise UsageError(str(error), hint=hint) from None
    elif is_json and kind != "regex":
        raise UsageError(f"{page.url} is JSON", hint="--json-api writes a spider for that")
    elif kind in ("css", "xpath"):
        if _is_sitemap(page):
            raise UsageError(f"{page.url} is a sitemap", hint="--sitemap writes a spider for that")
        if not page.body.strip():
            raise UsageError(f"{page.url} is empty", hint="--page FILE takes a page that you have saved")
        from crawler.rules.content import found

        is_markup = mime.startswith("text/") or "xml" in mime or "html" in mime or b"<" in page.body[:1024]
        what = plain(mime) if mime and not is_markup else found(page.body)
        if what:
            raise UsageError(f"{page.url} is no page: it is {what}", hint="crawl fetch --save keeps it")


def _is_sitemap(page: Page) -> bool:
    is_list = page.text.lstrip("\ufeff \t\r\n")[:8].lower().startswith(("http://", "https://"))
    if page.body.startswith(_GZIP) or is_list or _SITEMAP.match(page.text):
        from crawler.spider.sitemap import read_sitemap

        return read_sitemap(page.body, page.url, page.truncated).kind in ("urlset", "index", "text")
    return False


def _file(
    name: str,
    page: Page,
    url: str,
    body: list[str],
    constants: Sequence[str] = (),
    base: str = "Spider",
    start: str = "start_urls",
) -> str:
    """A spider file around its `body`. Where there are `constants`, they are regular expressions."""
    imports = ["import html", "import re", ""] if constants else []
    lines = [
        f'"""{_about(page)}',
        "",
        f"    crawl run {name} -o {name}.jsonl",
        '"""',
        "",
        *imports,
        f"from crawler import {base}",
        "",
        *([*constants, ""] if constants else []),
        "",
        f"class {class_name(name)}({base}):",
        f"    {start} = [{literal(url)}]",
        *body,
    ]
    return "\n".join(lines) + "\n"


def _about(page: Page) -> str:
    title = comment(page.css("title::text").get("")) if page.text.lstrip()[:1] == "<" else ""
    where = comment(page.url)
    return f"{title} ({where})." if title else f"What is at {where}."


def _selectors(kind: str, records: Records, page: Page) -> list[str]:
    """A parse that reads a list with CSS or XPath."""
    call, query = ("xpath", records.xpath) if kind == "xpath" else ("css", records.css)
    links, fields = [], []
    for field in records.fields:
        value = f"block.{call}({quoted(field.xpath if kind == 'xpath' else field.css)})"
        if field.attribute:
            links.append(f"    {field.name} = {value}.get()")
            fields.append(f"        {literal(field.name)}: {field.name} and page.urljoin({field.name}),")
        else:
            fields.append(f'        {literal(field.name)}: {value}.get("").strip(),')
    return method(
        [
            f"# {_question(records.number)}",
            f"for block in page.{call}({quoted(query)}):",
            *links,
            "    yield {  # the names and selectors are guesses: edit them",
            *fields,
            "    }",
            *_how_to_go_on(page),
        ]
    )


def _question(count: int) -> str:
    return f"The page has this {count} times, and it looks like the records of a list."


def _how_to_go_on(page: Page) -> list[str]:
    """Comments that show how further pages are reached."""
    if page.next_url:
        return [
            "# The page names the next one. To read them all:",
            "# if page.next_url:",
            "#     yield page.follow(page.next_url)",
        ]
    by_class = next((one for one in (".next", ".pager", ".pagination", ".page") if page.links(css=one)), "")
    by_name = page.xpath('//*[contains(@class, "pager") or contains(@class, "pagination")]/@class').get("").split()
    wanted = by_class or next((f".{one}" for one in by_name if re.fullmatch(r"[A-Za-z][\w-]*", one, re.ASCII)), "")
    links, first = 'page.links(pattern="page=")', ""
    if wanted:
        pattern, first = _others(page, wanted)
        links = f"page.links(css={literal(wanted)}{pattern})"
    return [
        "# Further pages: yield a request for each, and it is read by this method, too.",
        f"# for url in {links}:{first}",
        "#     yield page.follow(url)",
    ]


def _others(page: Page, css: str) -> tuple[str, str]:
    """Which of the numbered pages are others than this one, which they may name by a number that it came without."""
    here = urlsplit(page.url)
    numbers: dict[str, dict[str, str]] = {}  # of a parameter: what its numbers are called
    for link in page.css(f"{css} a"):
        try:
            parts = urlsplit(page.urljoin(link.attrib.get("href", "")))
        except ValueError:
            continue
        for name, value in parse_qsl(parts.query):
            if parts.path == here.path and value.isdecimal() and re.fullmatch(r"[\w-]+", name, re.ASCII):
                numbers.setdefault(name, {})[value] = link.xpath("string()").get("").strip()
    name = max(numbers, key=lambda one: len(numbers[one]), default="")
    if not name or name in dict(parse_qsl(here.query)):
        return "", ""
    found = numbers[name]
    counts_from_1 = found["1"] == "1" if "1" in found else "2" in found
    first = "1" if counts_from_1 else "0"
    return rf', pattern=r"[?&]{name}=(?!{first}\b)"', f"  # {first} is this page again"


def _only_a_title(kind: str) -> list[str]:
    xpath = kind == "xpath"
    title = 'page.xpath("//title/text()").get("").strip()' if xpath else _TITLE
    block, field = ('xpath("//li")', 'xpath(".//a/text()")') if xpath else ('css("li")', 'css("a::text")')
    return method(
        [
            f'yield {{"url": page.url, "title": {title}}}',
            "# No list was found on this page. One is read like this:",
            f"# for block in page.{block}:",
            f'#     yield {{"title": block.{field}.get("").strip()}}',
        ]
    )


def _regex(page: Page, records: Records | None) -> tuple[list[str], list[str]]:
    """Constants and a parse that reads with regular expressions; of the guessed ones those that fit this page."""
    parts = re.split(records.regex, page.text)[1:] if records is not None else []
    fields = {}
    for field in records.fields if records is not None and len(parts) >= records.number else ():
        found = [match for part in parts if field.regex and (match := re.search(field.regex, part)) and match[1]]
        if 2 * len(found) >= len(parts):
            fields[field.name] = field.regex
    if records is None or not fields:
        return [r"""TITLE = re.compile(r"<title[^<>]*>([^<]*)")"""], method(
            [
                "title = TITLE.search(page.text)",
                'yield {"url": page.url, "title": html.unescape(title[1]).strip() if title else None}',
                "# No list was found on this page. To read one, split the page at the tag that begins a record, then",
                "# search each part for one field at a time, with patterns that stop at the next tag: [^<]*",
            ]
        )
    constants = [
        "# First the page is cut at the tag that begins a record, then each part is searched for one field at a time,",
        "# never further than the next tag: `.*` over a whole record can take minutes where a field is missing.",
        f"BLOCK = re.compile(r{quoted(records.regex)})",
        "FIELDS = {  # the names and patterns are guesses: edit them",
        *(f"    {literal(name)}: re.compile(r{quoted(pattern)})," for name, pattern in fields.items()),
        "}",
    ]
    return constants, method(
        [
            f"# {_question(len(parts))}",
            "for part in BLOCK.split(page.text)[1:]:",
            "    found = {name: field.search(part) for name, field in FIELDS.items()}",
            "    # Links are as the page has them: page.urljoin(...) makes one absolute.",
            "    yield {name: html.unescape(match[1]).strip() if match else None for name, match in found.items()}",
            *_how_to_go_on(page),
        ]
    )


def _sitemap(name: str, page: Page, url: str) -> Draft:
    """A spider for the pages that a site's sitemaps name. From a page of HTML only the site is taken."""
    from crawler.spider.sitemap import read_sitemap

    parts = urlsplit(page.url)
    sitemap = read_sitemap(page.body, page.url, page.truncated)
    is_sitemap = parts.path == "/robots.txt" or sitemap.kind != "refused"
    if not is_sitemap and page.text.lstrip()[:1] != "<":
        raise UsageError(f"no sitemap at {page.url}: {sitemap.reason}", hint="the URL of a robots.txt will do, too")
    begin = url if is_sitemap else f"{parts.scheme}://{parts.netloc}/robots.txt"
    folders = Counter(urlsplit(entry.loc).path.split("/")[1] for entry in sitemap.entries if sitemap.kind != "index")
    often = ", ".join(f"/{folder}/ ({count})" for folder, count in folders.most_common(5) if folder and count > 1)
    rules = [
        "    # Pairs of a pattern that is searched for in the URL and a callback. A page that none fits is left out.",
        *([f"    # Often in this sitemap: {comment(often)}"] if often else []),
        '    sitemap_rules = [("", "parse")]',
    ]
    body = [*rules, *method([f'yield {{"url": page.url, "title": {_TITLE}}}'])]
    text = _file(name, page, begin, body, base="SitemapSpider", start="sitemap_urls")
    return Draft(text, "parse_sitemap" if is_sitemap else "parse")

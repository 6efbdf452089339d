"""What `crawl new` writes into a spider file, for each kind of page. Text only: nothing is read or written here.

What comes from a page becomes part of a program, so it goes through `literal`, or through `comment`.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from crawler.errors import UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.spider.outline import Records
    from crawler.spider.page import Page

_MOST_KEYS = 12
_LOOKED_AT = 1000  # values in an answer of JSON
_LONGEST = 100  # characters of a page's title in a comment
_FEED = re.compile(r"\s*+(?:<\?xml[^<>]*>\s*+)?(?:<!--.*?-->\s*+)*+<(?:rss|feed|rdf:RDF)[\s>]", re.DOTALL)
_SITEMAP = re.compile(r"\s*+(?:<\?xml[^>]*>\s*+)?(?:<!--.*?-->\s*+)*+<(?:\w+:)?(?:urlset|sitemapindex)\b", re.DOTALL)
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
    if not kind and _FEED.match(page.text):
        return Draft(_file(name, page, url, _feed(), base="FeedSpider"))
    kind = kind or "css"
    _check_kind(kind, page)
    if kind == "sitemap":
        return _sitemap(name, page, url)
    if kind == "json-api":
        return Draft(_file(name, page, url, _json(page)))
    from crawler.spider.outline import records_in

    records = records_in(page)
    if kind == "regex":
        constants, lines = _regex(page, records)
        return Draft(_file(name, page, url, lines, constants))
    lines = _selectors(kind, records, page) if records is not None else _only_a_title(kind)
    return Draft(_file(name, page, url, lines))


def literal(value: Any) -> str:
    """A value of JSON as Python writes it. Nothing in it can end the literal, or turn text around on a screen."""
    if isinstance(value, str):
        if plain(value) != value:
            return ascii(value)
        return msgspec.json.encode(value).decode()  # the same in Python, and in double quotes
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def _query(text: str) -> str:
    """A selector or pattern of ours as Python writes it, without backslashes before its quotes."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def comment(text: str) -> str:
    """Text that stays on its line, and that cannot end a docstring."""
    text = plain(" ".join(text.split()))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return text.replace("\\", "/").replace('"', "'")


def class_name(name: str) -> str:
    """`film_board` as a class is called: `FilmBoard`."""
    made = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    return f"{made}Spider" if made in ("Spider", "SitemapSpider", "FeedSpider") or not made.isidentifier() else made


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
            raise UsageError(str(error), hint=hint) from None
    elif is_json and kind != "regex":
        raise UsageError(f"{page.url} is JSON", hint="--json-api writes a spider for that")
    elif kind in ("css", "xpath"):
        if _is_sitemap(page):
            raise UsageError(f"{page.url} is a sitemap", hint="--sitemap writes a spider for that")
        if not page.body.strip():
            raise UsageError(f"{page.url} is empty", hint="--page FILE takes a page that you have saved")
        is_markup = mime.startswith("text/") or "xml" in mime or "html" in mime or b"<" in page.body[:1024]
        if mime and not is_markup:
            raise UsageError(f"{page.url} is no page: it is {plain(mime)}", hint="crawl fetch --save keeps it")


def _is_sitemap(page: Page) -> bool:
    if page.body.startswith(b"\x1f\x8b") or _SITEMAP.match(page.text):
        from crawler.spider.sitemap import read_sitemap

        return read_sitemap(page.body, page.url, page.truncated).kind in ("urlset", "index")
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


def _method(lines: list[str], head: str = "parse(self, page)") -> list[str]:
    return ["", f"    def {head}:", *(f"        {line}" if line else "" for line in lines)]


def _selectors(kind: str, records: Records, page: Page) -> list[str]:
    """A parse that reads a list with CSS or XPath."""
    call, query = ("xpath", records.xpath) if kind == "xpath" else ("css", records.css)
    links, fields = [], []
    for field in records.fields:
        value = f"block.{call}({_query(field.xpath if kind == 'xpath' else field.css)})"
        if field.attribute:
            links.append(f"    {field.name} = {value}.get()")
            fields.append(f"        {literal(field.name)}: {field.name} and page.urljoin({field.name}),")
        else:
            fields.append(f'        {literal(field.name)}: {value}.get("").strip(),')
    return _method(
        [
            f"# {_question(records.number)}",
            f"for block in page.{call}({_query(query)}):",
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
    links = f"page.links(css={literal(wanted)})" if wanted else 'page.links(pattern="page=")'
    return [
        "# Further pages: yield a request for each, and it is read by this method, too.",
        f"# for url in {links}:",
        "#     yield page.follow(url)",
    ]


def _only_a_title(kind: str) -> list[str]:
    xpath = kind == "xpath"
    title = 'page.xpath("//title/text()").get("").strip()' if xpath else _TITLE
    block, field = ('xpath("//li")', 'xpath(".//a/text()")') if xpath else ('css("li")', 'css("a::text")')
    return _method(
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
        return [r"""TITLE = re.compile(r"<title[^<>]*>([^<]*)")"""], _method(
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
        f"BLOCK = re.compile(r{_query(records.regex)})",
        "FIELDS = {  # the names and patterns are guesses: edit them",
        *(f"    {literal(name)}: re.compile(r{_query(pattern)})," for name, pattern in fields.items()),
        "}",
    ]
    return constants, _method(
        [
            f"# {_question(len(parts))}",
            "for part in BLOCK.split(page.text)[1:]:",
            "    found = {name: field.search(part) for name, field in FIELDS.items()}",
            "    # Links are as the page has them: page.urljoin(...) makes one absolute.",
            "    yield {name: html.unescape(match[1]).strip() if match else None for name, match in found.items()}",
            *_how_to_go_on(page),
        ]
    )


def _json(page: Page) -> list[str]:
    """A parse that reads the records of an API: those of the first list in it, or else the whole answer as one."""
    value = page.json()
    path, records = _list_in(value) or ((), [value])
    place = "".join(f"[{literal(key)}]" for key in path)
    whole = "page.json()" if path or isinstance(value, list) else "[page.json()]"
    first = records[0] if records else None
    item = ['    yield {"value": record}']
    if isinstance(first, dict):
        keys = [key for key in first if not isinstance(first[key], (dict, list))][:_MOST_KEYS] or list(first)[
            :_MOST_KEYS
        ]
        left = ", ".join(key for key in first if key not in keys)
        item = [
            "    yield {",
            *(f"        {literal(key)}: record.get({literal(key)})," for key in keys),
            *([f"        # also there: {comment(left)}"] if left else []),
            "    }",
        ]
    around: Any = value
    for key in path[:-1]:
        around = around[key]
    holders = [(value, ""), (around, "".join(f"[{literal(key)}]" for key in path[:-1]))]
    found = [
        (key, where)
        for holder, where in holders
        if isinstance(holder, dict)
        for key in ("next", "next_url", "next_page")
        if key in holder
    ]
    if isinstance(value, dict):
        name, where = found[0] if found else ("next", "")
        more = [
            f"# if following := page.json(){where}.get({literal(name)}):",
            "#     yield page.follow(following)",
        ]
    else:
        more = ["# if page.json():", '#     yield page.follow("?page=2")']
    return _method(
        [
            f"for record in {whole}{place}:",
            *item,
            "# Further pages: yield a request for each, and it is read by this method, too.",
            *more,
        ]
    )


def _feed() -> list[str]:
    """A parse_entry that gives what a feed says of each entry."""
    fields = ("title", "link", "published", "summary")
    lines = [
        f"yield {{{', '.join(f'{literal(field)}: entry[{literal(field)}]' for field in fields)}}}",
        "# Also there: id, updated, content, author, categories, enclosures. What an entry does not have is None.",
        "# To read the page it leads to, write a parse_article(self, page):",
        '# yield page.follow(entry["link"], self.parse_article, data=entry)',
    ]
    return _method(lines, "parse_entry(self, entry, page)")


def _list_in(value: Any) -> tuple[tuple[str, ...], list[Any]] | None:
    """Where in a value of JSON the list of its records is, and that list: the outermost one with objects in it."""
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), value)])
    other = None
    for _ in range(_LOOKED_AT):
        if not waiting:
            break
        path, one = waiting.popleft()
        if isinstance(one, list):
            if one and isinstance(one[0], dict):
                return path, one
            other = other or (path, one)
        elif isinstance(one, dict):
            waiting += [((*path, key), inner) for key, inner in one.items()]
    return other


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
    body = [*rules, *_method([f'yield {{"url": page.url, "title": {_TITLE}}}'])]
    text = _file(name, page, begin, body, base="SitemapSpider", start="sitemap_urls")
    return Draft(text, "parse_sitemap" if is_sitemap else "parse")

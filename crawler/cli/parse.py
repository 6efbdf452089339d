"""`crawl parse SPIDER URL|FILE`: what a spider makes of one page."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from difflib import get_close_matches
from inspect import isfunction
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.options import with_argument, with_config, with_set
from crawler.errors import UsageError
from crawler.observe.plain import for_screen, json_line, plain

if TYPE_CHECKING:
    from crawler.items.chain import Stored
    from crawler.request import Request
    from crawler.settings import Settings
    from crawler.spider.base import Spider
    from crawler.visit import Visited, Visitor

_SHOWN = 20  # requests that are told of beside items


@click.command("parse")
@click.argument("spider", metavar="SPIDER")
@click.argument("target", metavar="URL|FILE")
@click.option("--callback", metavar="NAME", help="The callback that reads the page (default: parse).")
@with_argument
@click.option("--url", metavar="URL", help="Where a saved page comes from (default: the spider's first start URL).")
@click.option("--data", metavar="JSON", help="What the callback finds as page.data.")
@click.option("--requests", "wants_requests", is_flag=True, help="Print the requests found, not the items.")
@with_set
@with_config
@click.option("-q", "--quiet", is_flag=True, help="Only what goes to standard output, and errors.")
def command(
    spider: str,
    target: str,
    callback: str | None,
    arguments: tuple[str, ...],
    url: str | None,
    data: str | None,
    wants_requests: bool,
    assignments: tuple[str, ...],
    config: str | None,
    quiet: bool,
) -> None:
    """Read one page with a spider.

    Shown are its items and the requests it found; nothing is followed, and nothing stored but what it saves itself. The
    page is fetched as a crawl would fetch it, or read from a FILE (- is standard input). Items are JSON Lines on
    standard output, on a terminal a table.
    """
    from crawler.assemble.spider_settings import settings_of
    from crawler.cli.run import flags, pair
    from crawler.observe.log import setup
    from crawler.spider.load import build_all
    from crawler.spider.read import read_page
    from crawler.visit import NotRead, Visitor, fetched_now

    is_terminal = os.isatty(1)
    with ExitStack() as stack:
        if not is_terminal:
            stack.enter_context(redirect_stdout(sys.stderr))  # what the spider prints is not an item
        given = dict(pair(text, "-a", "name=value") for text in arguments)
        built = build_all([spider], given)
        settings = settings_of(built, config, flags(assignments, False, {}))[0]
        log = settings.log
        stack.callback(setup(log.level, log.file, quiet))
        (own,) = built
        if callback is not None:
            check_callback(own, callback)
        visitor = Visitor(settings, own)
        own.page_options = visitor.options
        stages = own.item_stages
        if stages is not None and not stages.runs_user_code:  # then it is only told what is there twice
            stages.open(own, 0, lambda _: False)
        visited = _visited(visitor, own, target, url)
        for failed in visitor.failed:
            raise NotRead(f"{failed.callback} failed on {failed.url}: {failed}", trace=failed.trace)
        response = visited.page()
        request = visited.request.replace(callback=callback or callback_for(own, visited.request), data=data_of(data))
        reading = read_page(own, response, request, seconds=settings.crawl.parse_timeout)
        if reading.error is not None:
            error = reading.error
            raise NotRead(f"{error.callback} failed on {error.url}: {error}", trace=error.trace)
        stored = _stored(reading.items, request, response.url, fetched_now(), settings)
        requests = _requests(visitor, request, reading.requests)

    _show(stored, requests, wants_requests, is_terminal)
    name = request.callback or "parse"
    if not quiet:
        kind = response.headers.get("content-type", "")
        came = f"{response.status}{f', {kind}' if kind else ''}, {len(response.body):,} bytes"
        gave = f"{_count(stored.count, 'item')} and {_count(len(requests), 'request')}"
        click.echo(f"crawl: {plain(response.url)} ({plain(came)}): {name} gave {gave}", err=True)
        if not is_terminal and not wants_requests:
            _tell(requests)
    errors = [*map(str, reading.item_errors), *stored.errors]
    for told in errors:
        click.echo(f"crawl: item not stored: {plain(told)}", err=True)
    for reason in reading.dropped:
        click.echo(f"crawl: item dropped: {plain(reason)}", err=True)
    if errors:
        sys.exit(1)
    if not stored.count and not requests and not settings.limits.allow_empty:
        sys.exit(3)


def _visited(visitor: Visitor, spider: Spider, target: str, url: str | None) -> Visited:
    """The page: fetched, or read from a file that comes from `url`."""
    from crawler.visit import is_url, saved, typed

    if is_url(target):
        if url is not None:
            raise UsageError("--url says where a file comes from, and this is a URL", hint="leave one of them out")
        return visitor.fetch(typed(target))
    request = typed(url) if url is not None else first_request(spider)
    response = saved(target, request.url)
    visitor.start(request)
    return visitor.judge(request, response)


def first_request(spider: Spider) -> Request:
    """The first request of the spider: where a saved page most likely comes from."""
    from crawler.request import Request
    from crawler.spider.read import read_start
    from crawler.visit import typed

    first = next(iter(read_start(spider)), None)
    if not isinstance(first, Request):
        raise UsageError(
            "nobody knows where this file comes from: the spider gives no start URL", hint="say it: --url https://…"
        )
    return typed(first.url).replace(callback=first.callback)


def callback_for(spider: Spider, request: Request) -> str | None:
    """The callback a page goes to where none is named. Raises `UsageError` if nobody knows."""
    if spider.has_parse:
        return None
    if request.callback is not None:
        return str(request.callback)
    raise UsageError(
        f"spider {spider.name} has no parse", hint=f"name one of its callbacks: --callback {_known(spider)}"
    )


def check_callback(spider: Spider, name: str) -> None:
    """Raise `UsageError` if the spider has no callback of that name."""
    known = _names(spider)
    is_known = name in known or (hasattr(type(spider), name) and name.startswith("parse"))  # also of SitemapSpider etc.
    if not is_known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has: {_known(spider)}"
        raise UsageError(f"spider {spider.name} has no callback {name!r}", hint=hint)


def _names(spider: Spider) -> list[str]:
    """Methods and functions of the user's that may be callbacks."""
    from crawler.spider.base import Spider as Base

    owners: list[Any] = [owner for owner in type(spider).__mro__ if owner.__module__.partition(".")[0] != "crawler"]
    if type(spider).__module__ in sys.modules:
        owners.append(sys.modules[type(spider).__module__])
    names = [
        name
        for owner in owners
        for name, value in vars(owner).items()
        if isfunction(value)
        and (name == "parse" or not hasattr(Base, name))
        and not value.__module__.startswith("crawler.")  # what the file imports
    ]
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def _known(spider: Spider) -> str:
    return ", ".join(_names(spider)) or "none"


def data_of(text: str | None) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(text) if text is not None else None
    except msgspec.DecodeError as error:
        raise UsageError(f"--data {text}: not valid JSON ({error})", hint="""such as --data '{"rank": 1}'""") from None


def _stored(items: list[Any], request: Request, url: str, fetched: str, settings: Settings) -> Stored:
    """The items as a crawl would store them."""
    from crawler.items.chain import Chain

    return Chain((), meta=settings.output.meta).store(items, request, url, fetched)


def _requests(visitor: Visitor, origin: Request, requests: Sequence[Request]) -> list[dict[str, Any]]:
    """Each request that was found, once, as people ask about it; `dropped` is why it would not be fetched."""
    found: dict[bytes, dict[str, Any]] = {}
    for request in requests:
        request, dropped = visitor.found(request.replace(parent=origin.url, depth=origin.depth + 1))
        row = {
            "url": request.url,
            "method": request.method,
            "callback": request.callback or "parse",
            "data": request.data,
            "priority": request.priority,
            "dropped": dropped,
        }
        found.setdefault(request.fingerprint, row)
    return list(found.values())


def _show(stored: Stored, requests: list[dict[str, Any]], wants_requests: bool, is_terminal: bool) -> None:
    """What goes to standard output."""
    import msgspec

    if is_terminal:
        from crawler.observe.table import show

        if stored.count and not wants_requests:
            show([msgspec.json.decode(line) for line in stored.lines], _count(stored.count, "item"))
        if requests:
            rows = [{key: value for key, value in row.items() if value and value != "GET"} for row in requests]
            show(rows, _count(len(requests), "request"), most=len(rows) if wants_requests else _SHOWN)
        return
    shown = for_screen()
    lines = [json_line(row) for row in requests] if wants_requests else [line.decode() for line in stored.lines]
    for line in lines:
        click.echo(shown(line) if shown is not None else line)


def _tell(requests: list[dict[str, Any]]) -> None:
    """The requests on standard error, where standard output has the items."""
    for row in requests[:_SHOWN]:
        why = f" (not fetched: {row['dropped']})" if row["dropped"] else ""
        click.echo(plain(f"  {row['method']} {row['url']} → {row['callback']}{why}"), err=True)
    if len(requests) > _SHOWN:
        click.echo(f"  and {len(requests) - _SHOWN:,} more; --requests prints them all", err=True)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

"""`crawl save-page SPIDER URL`: a page of the site becomes a case of `crawl check`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from itertools import islice
from typing import TYPE_CHECKING

import click

from crawler.cli.options import with_argument, with_config, with_set
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.request import Request
    from crawler.spider.base import Spider

_LOOKED_AT = 1000  # requests of a start, which may be endless


@click.command("save-page")
@click.argument("spider", metavar="SPIDER")
@click.argument("url", metavar="URL")
@click.option("--callback", metavar="NAME", help="The callback that reads the page (default: parse).")
@click.option("--data", metavar="JSON", help="What the callback finds as page.data.")
@with_argument
@click.option("--replace", is_flag=True, help="Put it in the place of the page that is saved of that URL.")
@click.option("--any", "takes_any", is_flag=True, help="Also a page that a crawl would not give to the spider.")
@with_set
@with_config
def command(
    spider: str,
    url: str,
    callback: str | None,
    data: str | None,
    arguments: tuple[str, ...],
    replace: bool,
    takes_any: bool,
    assignments: tuple[str, ...],
    config: str | None,
) -> None:
    """Save a page for the tests, with what a spider makes of it now.

    The page is fetched as a crawl would fetch it, redirects included, and written to tests/pages/NAME/ as it came.
    What it gives goes into expected.json there: look at it, correct it, and crawl check tells when it changes.
    """
    from crawler.assemble.spider_settings import settings_of
    from crawler.cli.parse import callback_for, check_callback, data_of
    from crawler.cli.run import flags, pair
    from crawler.response import Response
    from crawler.spider.load import build, named
    from crawler.testing.saving import save_case
    from crawler.visit import NotRead, Visitor, typed

    given = dict(pair(text, "-a", "name=value") for text in arguments)
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))  # what the spider prints
        kind = named(spider)
        own = build(kind, dict(given))
        settings = settings_of([own], config, flags(assignments, False, {}))[0]
        if callback is not None:
            check_callback(own, callback)
        request = typed(url)
        start = _start_at(build(kind, dict(given)), request.url)
        name = callback or str(start.callback or "") or callback_for(own, request) or "parse"
        content = data_of(data) if data is not None else start.data
        visitor = Visitor(settings, own)
        visited = visitor.fetch(request)
        for failed in visitor.failed:
            raise NotRead(f"{failed.callback} failed on {failed.url}: {failed}", trace=failed.trace)
        try:
            response = visited.response() if takes_any else visited.page()
        except NotRead as error:
            hint = error.hint
            if not takes_any and isinstance(visited.outcome, Response) and visited.drop is not None:
                hint = "--any saves it all the same: as a page that the spider is not given"
            raise NotRead(error.message, hint, error.exit_code, error.trace) from None
        if visited.request.hops:
            click.echo(f"crawl: {plain(visited.request.hops[0])} leads to {plain(response.url)}", err=True)
        saved = save_case(kind, response, name, content, given, replace=replace)
    for line in saved.told(spider):
        click.echo(plain(line), err=True)


def _start_at(spider: Spider, url: str) -> Request:
    """The request that the spider starts this URL with, if it does: it says who reads the page, and with which data."""
    from crawler.request import Request
    from crawler.spider.read import read_start
    from crawler.visit import typed

    for request in islice(read_start(spider), _LOOKED_AT):
        if isinstance(request, Request) and request.method == "GET" and typed(request.url).url == url:
            return request
    return Request(url)

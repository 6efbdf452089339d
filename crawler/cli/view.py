"""`crawl view URL|FILE`: a page in the browser, as the crawler got it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import with_config, with_set
from crawler.errors import UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.spider.page import Page


@click.command("view")
@click.argument("target", metavar="URL|FILE")
@click.option("--url", metavar="URL", help="Where a saved page comes from, so that its images and styles are found.")
@with_set
@with_config
def command(target: str, url: str | None, assignments: tuple[str, ...], config: str | None) -> None:
    """Open a page in the browser ($BROWSER).

    It is the page as the crawler gets it, before any script has run, written into a temporary file that only you can
    read, with a <base>, so that its links and images lead where they led.
    """
    from crawler.cli.run import flags
    from crawler.visit import NotRead, opened, settings_alone

    url = without_login(url)
    page = opened(target, url, settings_alone(config, flags(assignments, False, {})))
    if page.status >= 400:
        click.echo(f"crawl: {plain(page.url)} answered {page.status}", err=True)
    path, was_opened = show(page)
    click.echo(f"crawl: {plain(page.url)} is in {plain(str(path))}", err=True)
    if not was_opened:
        raise NotRead("no browser could be started", hint="name one: BROWSER=firefox crawl view …; or open that file")


def without_login(url: str | None) -> str | None:
    """The URL as it may be told and written into files; one that is none is left for others to refuse."""
    from crawler.url import canonical, split_credentials

    try:
        parts = split_credentials(canonical(url)) if url is not None else None
    except ValueError:
        return url
    return parts[0] if parts is not None else url


def show(page: Page) -> tuple[Path, bool]:
    """Write a page into a file and open it; where it is, and whether there was a browser. Raises `OutputError`."""
    import webbrowser

    from crawler.viewing import write

    path = write(page)
    sys.stdout.flush()
    try:
        return path, webbrowser.open(path.as_uri())
    except webbrowser.Error as error:
        raise UsageError(f"the browser cannot be started: {error}", hint="name another one: BROWSER=…") from None

"""`crawl pause [RUN]`."""

from __future__ import annotations

import click

from crawler.cli.status import switch


@click.command("pause")
@click.argument("name", required=False, metavar="[RUN]")
def command(name: str | None) -> None:
    """Start nothing new: requests in flight land, the rest waits."""
    switch(name, "pause", "paused: nothing new starts; crawl go lets it go on")

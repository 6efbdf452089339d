"""`crawl stop [RUN]`: end a running crawl; `crawl resume` goes on with it."""

from __future__ import annotations

import click

from crawler.cli.status import switch


@click.command("stop")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--now", is_flag=True, help="Do not wait for requests in flight.")
def command(name: str | None, now: bool) -> None:
    """End a run: requests in flight land, then it ends. `crawl resume` goes on with it."""
    switch(name, "stop", "stops; crawl resume goes on with it", now=now)

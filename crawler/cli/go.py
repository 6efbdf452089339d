"""`crawl go [RUN]`."""

from __future__ import annotations

import click

from crawler.cli.status import switch


@click.command("go")
@click.argument("name", required=False, metavar="[RUN]")
def command(name: str | None) -> None:
    """Let a paused run go on."""
    switch(name, "go", "goes on")

"""`crawl doctor`: what is wrong with this machine, and how to repair it."""

from __future__ import annotations

import sys

import click

from crawler.observe.plain import json_line, plain

_MARKS = {"ok": "✓", "warning": "!", "broken": "✗", "absent": "–"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per check.")
def command(as_json: bool) -> None:
    """Check what this machine lacks for a crawl.

    Each thing that is not fine is shown with its fix. ✓ is fine, ! works with limits, ✗ is broken (then the exit code
    is 1), – is an extra that is not installed. Nothing is asked of the network.
    """
    from crawler.doctor import examine

    broken = 0
    for check in examine():
        broken += check.state == "broken"
        if as_json:
            click.echo(json_line(check))
            continue
        click.echo(plain(f"{_MARKS[check.state]} {check.name:16} {check.detail}"))
        if check.fix:
            click.echo(plain(f"{'':19}{check.fix}"))
    if broken:
        click.echo(f"crawl: {broken} thing{'s' if broken > 1 else ''} to repair (✗)", err=True)
        sys.exit(1)

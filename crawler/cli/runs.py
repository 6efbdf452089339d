"""`crawl runs`: the runs there are, and `--prune`."""

from __future__ import annotations

import click


@click.command("runs")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per run.")
@click.option("--prune", "keep", type=int, is_flag=False, flag_value=10, metavar="[N]",
              help="Delete finished runs, all but the last N of each spider (10).")  # fmt: skip
def command(as_json: bool, keep: int | None) -> None:
    """List the runs in .crawl/, oldest first."""
    from crawler.history import entries, prune
    from crawler.observe.plain import json_line, plain

    if keep is not None:
        for folder in prune(keep):
            click.echo(f"deleted {plain(str(folder.path))}", err=True)
    found = entries()
    if as_json:
        for entry in found:
            click.echo(json_line(entry))
        return
    rows = [("SPIDER", "STARTED", "STATE", "PAGES", "ITEMS", "RUN")]
    rows += [(e.spider, e.started, e.state, str(e.pages), str(e.items), e.path) for e in found]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows if found else ():
        cells = [
            text.ljust(width) if n < 3 else text.rjust(width)
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(plain("  ".join([*cells[:5], row[5]])))
    if not found:
        click.echo("there are no runs in .crawl", err=True)

"""`crawl export [RUN] -o FILE`: write the items of a run again, in any format."""

from __future__ import annotations

from contextlib import closing

import click


@click.command("export")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("-o", "--output", "outputs", multiple=True, required=True, metavar="FILE", help="As for crawl run.")
@click.option("--format", "template", default="", metavar="LINE", help="Line of a .txt output.")
@click.option("--escape-formulas", is_flag=True, help="Put a ' before cells of a .csv that look like formulas.")
def command(name: str | None, outputs: tuple[str, ...], template: str, escape_formulas: bool) -> None:
    """Write the items of a run to files.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.export.registry import check_format, exporter_for
    from crawler.frontier.ledger import Ledger
    from crawler.items.chain import Chain
    from crawler.observe.plain import for_screen, plain
    from crawler.runs.folder import find

    if template:
        check_format("--format", outputs)
    folder = find(name)
    chain = Chain([exporter_for(output, template, escape_formulas, for_screen()) for output in outputs], meta=False)
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        chain.open(items_after=ledger.items_after)
        chain.close()
        for note in chain.notes():
            click.echo(f"crawl: {plain(note)}", err=True)
        told = f"{ledger.count_items():,} items of {folder.path} written to {', '.join(outputs)}"
        click.echo(plain(told), err=True)

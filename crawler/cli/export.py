"""`crawl export [RUN] -o FILE`: write the items of a run again, in any format."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from crawler.cli.run import flags


@click.command("export")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("-o", "--output", "outputs", multiple=True, required=True, metavar="FILE", help="As for crawl run.")
@click.option("--format", "template", metavar="LINE", help="Line of a .txt output.")
@click.option("--escape-formulas", flag_value="escape", help="Put a ' before cells of a .csv that look like formulas.")
@click.option("--append", is_flag=True, default=None, help="Add to outputs that are there, instead of replacing them.")
@click.option("--fields", metavar="A,B,C", help="Write these fields only, in this order.")
@click.option("--sort", metavar="FIELD[,-FIELD]", help="Write items sorted; - is from the highest down.")
@click.option("--batch-items", type=int, metavar="N", help="Items per file of -o part-%(batch)03d.jsonl.")
def command(name: str | None, outputs: tuple[str, ...], **options: Any) -> None:
    """Write the items of a run to files.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.assemble.items import output_options
    from crawler.export.outputs import exporters, named
    from crawler.export.registry import check_format
    from crawler.frontier.ledger import Ledger
    from crawler.items.chain import Chain
    from crawler.observe.plain import plain
    from crawler.output_name import masked
    from crawler.runs.folder import find
    from crawler.settings import merge

    if options["template"]:
        check_format("--format", outputs)
    settings = merge(flags((), False, options))
    folder = find(name)
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        spiders = ledger.get("record", {}).get("spiders") or [folder.path.parent.name]
        places = [named(output, spiders[0]) for output in outputs]
        wanted = output_options(spiders, settings, ledger.get("id") or folder.name)
        chain = Chain(exporters(places, wanted, ledger.items_after), meta=False)
        chain.open(items_after=ledger.items_after)
        chain.close()
        for note in chain.notes():
            click.echo(f"crawl: {plain(note)}", err=True)
        told = f"{ledger.count_items():,} items of {folder.path} written to {', '.join(map(masked, places))}"
        click.echo(plain(told), err=True)

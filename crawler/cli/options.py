"""The options that several commands have, each written once."""

from __future__ import annotations

import click

with_set = click.option(
    "-s",
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Set any setting (crawl config lists them).",
)
with_config = click.option("--config", metavar="FILE", help="Settings file, or a shipped one: fast, polite.")
with_argument = click.option(
    "-a",
    "--argument",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set an argument of the spider; of several spiders, of those that have it.",
)

"""`crawl list`: the spiders there are, and what can be chosen for a run."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from crawler.errors import UsageError
from crawler.observe.plain import json_line, plain

if TYPE_CHECKING:
    from crawler.spider.catalogue import Listed


@click.command("list")
@click.argument("places", nargs=-1, metavar="[FOLDER|FILE]...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(places: tuple[str, ...], as_json: bool) -> None:
    """List spiders, formats, pools and clients.

    The spiders are those in spiders/, or in FOLDER or FILE, each with what -a may set. A file that cannot be imported
    is listed with its error, and the exit code is 1.
    """
    from crawler.export.outputs import schemes
    from crawler.export.registry import COMPRESSIONS, FORMATS
    from crawler.worker import CLIENTS

    with redirect_stdout(sys.stderr):  # what a file prints when it is imported
        spiders = _spiders(places)
    choices = {
        "exporters": sorted(FORMATS),
        "urls": [f"{scheme}://" for scheme in schemes()],
        "compressions": list(COMPRESSIONS),
        "pools": _pools(),
        "fetchers": CLIENTS,
    }
    if as_json:
        click.echo(json_line({"spiders": [_as_json(one) for one in spiders], **choices}))
    else:
        click.echo("spiders")
        for one in spiders:
            for line in _lines(one):
                click.echo(plain(line))
        if not spiders:
            click.echo(f"  none in {', '.join(map(plain, places or ('spiders',)))}/; crawl new writes one")
        click.echo(
            f"exporters  {' '.join(choices['exporters'])}, most also with {' or '.join(COMPRESSIONS)}; "
            "- is JSON Lines on standard output"
        )
        click.echo(f"urls       {' '.join(choices['urls'])}, as the output of a run")
        click.echo(f"pools      {' '.join(choices['pools'])}")
        click.echo(f"fetchers   {' '.join(CLIENTS)}")
    if any(one.error for one in spiders):
        sys.exit(1)


def _spiders(places: tuple[str, ...]) -> list[Listed]:
    from crawler.spider.catalogue import spiders_in, spiders_of

    listed: list[Listed] = []
    for place in map(Path, places or ("spiders",)):
        if place.is_file():
            listed += spiders_of(place)
        elif place.is_dir() or not places:
            listed += spiders_in(place)
        else:
            raise UsageError(f"there is no folder or file {place}")
    return listed


def _lines(one: Listed) -> list[str]:
    """A spider for people."""
    if one.error:
        return [f"  {one.target}", f"      ✗ {one.error}"]
    about = f"  {one.about}" if one.about else ""
    return [f"  {one.target}{about}", *(f"      -a {argument}" for argument in one.arguments)]


def _as_json(one: Listed) -> dict[str, object]:
    arguments = []
    for known in one.arguments:
        told: dict[str, object] = {"name": known.name, "type": known.type_name, "required": known.is_required}
        if not known.is_required:
            told["default"] = _plain_value(known.default)
        arguments.append(told)
    return {
        "target": one.target,
        "name": one.name,
        "about": one.about,
        "arguments": arguments,
        "error": one.error or None,
    }


def _plain_value(value: object) -> object:
    """A default as JSON has it; as Python writes it where JSON cannot hold it."""
    import msgspec

    try:
        return msgspec.to_builtins(value, str_keys=True)
    except TypeError:
        return repr(value)


def _pools() -> list[str]:
    import msgspec

    from crawler.settings import Crawl

    kinds = {field.name: field.type for field in msgspec.structs.fields(Crawl)}
    return [str(kind) for kind in get_args(kinds["pool"])]

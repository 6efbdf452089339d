"""`crawl set KEY=VALUE`: change a setting of a running crawl."""

from __future__ import annotations

import time

import click

from crawler.errors import RoomLost, UsageError

_PATIENCE = 5.0  # seconds the crawl may take to answer


@click.command("set")
@click.argument("assignment", metavar="SECTION.KEY=VALUE")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--host", default="", metavar="HOST", help="Only for this host (example.org, or example.org:8080).")
def command(assignment: str, name: str | None, host: str) -> None:
    """Change a setting of a running crawl, from now on and after a resume.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.engine.changes import check
    from crawler.history import room_of
    from crawler.observe.plain import plain
    from crawler.settings import Layer, merge

    key, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"crawl set {assignment}: expected SECTION.KEY=VALUE", hint="crawl set politeness.delay=2")
    settings = merge([Layer("crawl set", {key: text})])  # names, types and ranges are checked here
    check(key, host)
    section, _, field = key.partition(".")
    value = getattr(getattr(settings, section), field)
    room, folder = room_of(name)
    wish = room.wish(key, value, host)
    until = time.monotonic() + _PATIENCE
    refusal = None
    try:
        while refusal is None and time.monotonic() < until:
            time.sleep(0.05)
            refusal = room.answer_to(wish)
    except RoomLost:
        raise UsageError(f"the run {folder.path} has ended, or lost its control room", hint="try it again") from None
    if refusal:
        raise UsageError(f"{key} could not be changed: {refusal}")
    place = f" for {host}" if host else ""
    if refusal is None:
        busy = room.numbers().get("reading", "")
        later = f"asked for {key} = {value:g}{place}, which takes effect later; it is reading {busy}"
        click.echo(plain(f"{folder.path}: {later}"), err=True)
        return
    click.echo(plain(f"{folder.path}: {key} = {value:g}{place}"), err=True)

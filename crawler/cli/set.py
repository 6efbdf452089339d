"""`crawl set KEY=VALUE`: change a setting of a running crawl."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.control.room import RoomProxy

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
    from crawler.history import ask_room, to_look_at
    from crawler.observe.plain import plain
    from crawler.settings import Layer, merge

    key, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"crawl set {assignment}: expected SECTION.KEY=VALUE", hint="crawl set politeness.delay=2")
    settings = merge([Layer("crawl set", {key: text})])  # names, types and ranges are checked here
    check(key, host)
    section, _, field = key.partition(".")
    value = getattr(getattr(settings, section), field)
    folder = to_look_at(name)

    def wait(room: RoomProxy) -> str | None:
        wish = room.wish(key, value, host)
        until = time.monotonic() + _PATIENCE
        while (answer := room.answer_to(wish)) is None and time.monotonic() < until:
            time.sleep(0.05)
        return answer

    refusal = ask_room(folder, wait)
    if refusal:
        raise UsageError(f"{key} could not be changed: {refusal}")
    place = f" for {host}" if host else ""
    if refusal is None:
        later = f"{key} = {value:g}{place} takes effect later: the crawl is busy reading a page"
        click.echo(plain(f"{folder.path}: {later}"), err=True)
        return
    click.echo(plain(f"{folder.path}: {key} = {value:g}{place}"), err=True)

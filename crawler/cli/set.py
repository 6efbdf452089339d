"""`crawl set KEY=VALUE`: change a setting of a running crawl."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from crawler.errors import CrawlError, UsageError

if TYPE_CHECKING:
    from crawler.control.room import RoomProxy
    from crawler.runs.folder import RunFolder

_PATIENCE = 5.0  # seconds the crawl may take to answer


@click.command("set")
@click.argument("assignment", metavar="SECTION.KEY=VALUE")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--host", "given", metavar="HOST", help="Only for this host (example.org, or example.org:8080).")
def command(assignment: str, name: str | None, given: str | None) -> None:
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
    host = "" if given is None else _host(given)
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

    is_waiting = not host or _is_waiting(folder, host)  # before the change, which may let them all go
    refusal = ask_room(folder, wait)
    if refusal:
        raise UsageError(f"{key} could not be changed: {refusal}")
    place = f" for {host}" if host else ""
    if refusal is None:
        later = f"{key} = {value:g}{place} takes effect later: the crawl is busy reading a page"
        click.echo(plain(f"{folder.path}: {later}"), err=True)
    else:
        click.echo(plain(f"{folder.path}: {key} = {value:g}{place}"), err=True)
    if not is_waiting:
        told = f"no request of {host} waits in this run now; hosts are named with their port, as in localhost:8000"
        click.echo(plain(f"crawl: {told}"), err=True)


def _host(given: str) -> str:
    """The host as the crawl knows it."""
    from crawler.url import host_named

    try:
        return host_named(given)
    except ValueError:
        raise UsageError(f"--host {given!r} is no host", hint="--host example.org, or example.org:8080") from None


def _is_waiting(folder: RunFolder, host: str) -> bool:
    """Whether the change has something to do; if the ledger cannot be read now, that is taken for granted."""
    from crawler.frontier.ledger import Ledger
    from crawler.frontier.lookup import is_host_waiting

    with suppress(CrawlError), closing(Ledger(folder.ledger, read_only=True)) as ledger:
        return is_host_waiting(ledger, host)
    return True

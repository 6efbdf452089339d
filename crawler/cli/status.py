"""`crawl status [RUN]`: how a running crawl is doing."""

from __future__ import annotations

import time
from typing import Any

import click

from crawler.errors import UsageError


@click.command("status")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.option("--watch", is_flag=True, help="Again every second, until the run ends.")
def command(name: str | None, as_json: bool, watch: bool) -> None:
    """Show the live numbers of a run.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.control.room import RoomLost
    from crawler.history import room_of

    room, folder = room_of(name)
    _show(room.numbers(), str(folder.path), as_json)
    while watch:
        time.sleep(1.0)
        try:
            _show(room.numbers(), str(folder.path), as_json)
        except RoomLost:
            click.echo("the run has ended", err=True)
            return


def _show(numbers: dict[str, Any], path: str, as_json: bool) -> None:
    import msgspec

    from crawler.observe.plain import plain

    if as_json:
        click.echo(msgspec.json.encode({"run": path, **numbers}))
        return
    line = "  ".join(f"{name} {value}" for name, value in numbers.items() if value not in ("", None))
    click.echo(plain(f"{path}: {line}"))


def switch(name: str | None, act: str, said: str, **arguments: Any) -> None:
    """Turn the switch of a running crawl. Shared by `pause`, `go` and `stop`."""
    from crawler.history import room_of
    from crawler.observe.plain import plain

    room, folder = room_of(name)
    if getattr(room, act)(**arguments) is False:
        raise UsageError(f"the run {folder.path} is stopping already")
    click.echo(plain(f"{folder.path}: {said}"), err=True)

"""`crawl status [RUN]`: how a running crawl is doing, or how one ended."""

from __future__ import annotations

import time
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.runs.folder import RunFolder


@click.command("status")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.option("--watch", is_flag=True, help="Again every second, until the run ends.")
def command(name: str | None, as_json: bool, watch: bool) -> None:
    """Show the live numbers of a run, or how it ended.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest one that runs, or the
    latest of all.
    """
    from crawler.control.room import RoomProxy
    from crawler.history import ask_room, to_look_at

    run = to_look_at(name)
    if run.owner() is None:
        _show_end(run, as_json)
        return
    _show(ask_room(run, RoomProxy.numbers), str(run.path), as_json)
    while watch:
        time.sleep(1.0)
        try:
            _show(ask_room(run, RoomProxy.numbers), str(run.path), as_json)
        except UsageError:
            click.echo("the run has ended", err=True)
            return


def _show(numbers: dict[str, Any], path: str, as_json: bool) -> None:
    from crawler.observe.plain import json_line, plain

    if as_json:
        click.echo(json_line({"run": path, **numbers}))
        return
    line = "  ".join(f"{name} {value}" for name, value in numbers.items() if value not in ("", None))
    click.echo(plain(f"{path}: {line}"))


def _show_end(folder: RunFolder, as_json: bool) -> None:
    """How a run ended that does not run: from its ledger, and with the report it left, if it could leave one."""
    import msgspec

    from crawler.history import entry
    from crawler.observe.plain import json_line, plain

    run = entry(folder)
    has_report = run.exit_code is not None
    if as_json:
        report: Any = None
        with suppress(OSError, msgspec.MsgspecError):
            report = msgspec.json.decode(folder.report_json.read_bytes()) if has_report else None
        told = {("run" if name == "path" else name): value for name, value in msgspec.to_builtins(run).items()}
        click.echo(json_line({**told, "report": report}))
        return
    match run.state:
        case "broken":
            click.echo(plain(f"{run.path}: broken: {run.reason}"))
        case "unfinished":
            counts = f"{run.pages:,} pages and {run.items:,} items are stored"
            click.echo(plain(f"{run.path}: unfinished: it was killed before its end; {counts}"))
            click.echo(plain(f"go on with it: crawl resume {quote(run.path)}"))
        case _:
            reason = "" if run.reason == run.state else f": {run.reason}"
            click.echo(plain(f"{run.path}: {run.state}{reason}, exit code {run.exit_code}"))
            with suppress(OSError):
                for line in folder.report_text.read_text(errors="replace").splitlines():
                    click.echo(plain(line))


def switch(name: str | None, act: str, said: str, **arguments: Any) -> None:
    """Turn the switch of a running crawl. Shared by `pause`, `go` and `stop`."""
    from crawler.history import ask_room, to_look_at
    from crawler.observe.plain import plain

    folder = to_look_at(name)
    if ask_room(folder, lambda room: getattr(room, act)(**arguments)) is False:
        raise UsageError(f"the run {folder.path} is stopping already")
    if act != "stop":
        folder.keep_pause(act == "pause")
    click.echo(plain(f"{folder.path}: {said}"), err=True)

"""`crawl reparse [RUN]`: read the pages of an old run with today's spider, and show which items are others now."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

import click

from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.reading import PageError
    from crawler.reparse import Counts, PageChange

_PAGES = 20  # pages that are shown,
_ITEMS = 3  # items of each,
_FIELDS = 5  # fields of one,
_LONGEST = 100  # characters of a value,
_ERRORS = 3  # and errors with their traceback


@click.command("reparse")
@click.argument("name", required=False, metavar="[RUN]")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Write the items that are new or changed to FILE, as crawl run does. May be given several times.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the last line, and errors.")
def command(name: str | None, outputs: tuple[str, ...], quiet: bool) -> None:
    """Read the pages of an old run again.

    No request is sent: the pages are those that the run has kept (-s run.keep_pages=all) or recorded (--record). RUN is
    a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.export.outputs import named
    from crawler.observe.log import setup
    from crawler.pool.context import tune_garbage_collector
    from crawler.reading import PageError
    from crawler.reparse import Reparse
    from crawler.runs.folder import find

    tune_garbage_collector()
    folder = find(name)
    undo = setup("warning", "", quiet)
    began = time.monotonic()
    stdout = sys.stdout
    out = sys.stderr if "-" in outputs else stdout
    try:
        with redirect_stdout(sys.stderr):  # what the spider prints is neither an item nor a difference
            reparse = Reparse(folder, [named(output, folder.path.parent.name) for output in outputs])
            with closing(reparse):
                shown = failed = 0
                for found in reparse:
                    if isinstance(found, PageError):
                        failed += 1
                        if failed <= _ERRORS:
                            _tell(found)
                    elif not quiet and (shown := shown + 1) <= _PAGES:
                        try:
                            _show(found, out)
                        except BrokenPipeError:  # `| head`, and the files that were asked for are nevertheless whole
                            if not outputs or out is not stdout:
                                raise
                            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        counts = reparse.counts
        for note in reparse.notes:
            click.echo(f"crawl: {plain(note)}", err=True)
        if not quiet and shown > _PAGES:
            click.echo(f"… and {shown - _PAGES:,} pages more", file=out)
        if failed > _ERRORS:
            click.echo(f"crawl: and {_times(failed - _ERRORS, 'page')} more could not be read", err=True)
        click.echo(_summary(counts, plain(str(folder.path)), time.monotonic() - began), err=True)
    finally:
        undo()
    sys.exit(1 if counts.errors else 0)


def _summary(counts: Counts, run: str, seconds: float) -> str:
    rate = counts.pages / seconds if seconds > 0 else 0.0
    told = f"crawl: {_times(counts.pages, 'page')} of {run} read again in {seconds:.1f} s ({rate:,.0f}/s): "
    if counts.differ:
        told += (
            f"{counts.changed:,} changed, {counts.added:,} added, {counts.removed:,} removed "
            f"of {counts.items:,} items, on {_times(counts.differ, 'page')}"
        )
    elif counts.errors and not counts.items:
        told += "no items"
    else:
        told += f"the same {_times(counts.items, 'item')}"
    if counts.errors:
        told += f"; {_times(counts.errors, 'error')}"
    if counts.without:
        told += f"; of {_times(counts.without, 'page')} there is no body"
    return told


def _show(change: PageChange, out: TextIO) -> None:
    parts = {"changed": len(change.changed), "added": len(change.added), "removed": len(change.removed)}
    counts = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    _line(f"{change.url} ({change.callback}): {counts}", out)
    for old, new in change.changed[:_ITEMS]:
        _fields(_read(old), _read(new), out)
    for line in change.removed[:_ITEMS]:
        _line(f"  - {_short(line.decode())}", out)
    for line in change.added[:_ITEMS]:
        _line(f"  + {_short(line.decode())}", out)


def _fields(old: dict[str, Any], new: dict[str, Any], out: TextIO) -> None:
    """The fields in which two items differ."""
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name, ...) != new.get(name, ...)]
    same = next((name for name in old if name not in names and isinstance(old[name], str | int) and old[name]), None)
    _line(f"  {same} {_value(old, same)}" if same is not None else "  (nothing of it is as it was)", out)
    for name in names[:_FIELDS]:
        _line(f"    {name}: {_value(old, name)} → {_value(new, name)}", out)
    if len(names) > _FIELDS:
        _line(f"    and {len(names) - _FIELDS:,} fields more", out)


def _value(item: dict[str, Any], name: str) -> str:
    import msgspec

    return _short(msgspec.json.encode(item[name]).decode()) if name in item else "(not there)"


def _read(line: bytes) -> dict[str, Any]:
    import msgspec

    fields: dict[str, Any] = msgspec.json.decode(line)
    return fields


def _tell(error: PageError) -> None:
    """An error of the spider, with what of the traceback is in its file."""
    for line in error.trace.rstrip().splitlines():
        click.echo(f"  {plain(line)}", err=True)
    click.echo(f"crawl: {plain(f'{error.callback} failed on {error.url}: {error}')}", err=True)


def _line(text: str, out: TextIO) -> None:
    click.echo(plain(text), file=out)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _times(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

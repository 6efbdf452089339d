"""`crawl why URL [RUN]`: where a URL was found, what was tried, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from crawler.errors import UsageError
from crawler.observe.plain import json_line, plain

if TYPE_CHECKING:
    from crawler.frontier.lookup import Known
    from crawler.history import Entry

_ENDS = 3  # pages shown of either end of a long path


@click.command("why")
@click.argument("url")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per request for this URL.")
@click.option("--save-page", "saves", is_flag=True, help="Save its page in tests/pages/, as a case of crawl check.")
def command(url: str, name: str | None, as_json: bool, saves: bool) -> None:
    """Tell what a run knows of a URL: where it was found, each attempt, the verdict and its reason, its items.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all. It may be
    running.
    """
    from crawler.frontier.ledger import Ledger
    from crawler.frontier.lookup import lookup, similar
    from crawler.history import entry
    from crawler.runs.folder import find

    wanted = _canonical(url)
    folder = find(name)
    run = entry(folder)
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        record, run_id = ledger.get("record", {}), ledger.get("id", "")
        spiders: list[str] = record.get("spiders", [])
        found = lookup(ledger, wanted)
        near = [] if found else similar(ledger, wanted)
    if not found:
        click.echo(f"{plain(wanted)}: was never found in this run ({plain(run.path)})", err=as_json)
        for other in near:
            click.echo(f"  like it: {plain(other)}", err=as_json)
        sys.exit(1)
    for number, known in enumerate(found):
        spider = spiders[known.request.spider] if known.request.spider < len(spiders) else ""
        if as_json:
            click.echo(json_line(_as_json(known, run, spider)))
        else:
            told = _told(known, run, spider if len(spiders) > 1 else "")
            click.echo("\n".join(["", *told] if number else told))
    if saves:
        import msgspec

        from crawler.cli.why_page import save_page_of
        from crawler.runs.record import Record

        for known in found:
            save_page_of(known.request, msgspec.convert(record, Record), folder, run_id)


def _canonical(url: str) -> str:
    from crawler.url import canonical

    try:
        return canonical(url)
    except ValueError:
        pass
    try:
        hint = f"crawl why {canonical(f'https://{url}')}" if url[:1].isalnum() else ""
    except ValueError:
        hint = ""
    raise UsageError(f"{url!r} is no absolute URL", hint=hint or "it begins with https:// or http://") from None


def _told(known: Known, run: Entry, spider: str) -> Iterator[str]:
    """One request for people, line by line."""
    request = known.request
    first = request.hops[0] if request.hops else request.url
    yield plain(f"{first}" if request.method == "GET" else f"{request.method} {first}")
    yield plain(f"  verdict   {_verdict(known, run)}")
    yield plain(f"  run       {run.path} ({run.state})" + (f", spider {spider}" if spider else ""))
    if known.path:
        yield plain(f"  found     on {known.path[-1]} by {known.found_by}, depth {request.depth}")
        if len(known.path) > 1:
            yield from (f"  {label:9} {plain(step)}" for label, step in _path(known.path))
    else:
        by = known.found_by or "a page that is not in the ledger"
        yield plain(f"  found     by {by}, depth {request.depth}")
    for number, hop in enumerate((*request.hops[1:], request.url) if request.hops else ()):
        yield plain(f"  {'' if number else 'redirect':9} → {hop}")
    # Not all were for the URL itself: redirects, and the robots.txt that was fetched first.
    names_urls = any(attempt.url != request.url for attempt in known.attempts)
    for number, attempt in enumerate(known.attempts):
        where = f"  {attempt.url}" if names_urls else ""
        label = "" if number else "attempts"
        yield plain(f"  {label:9} {_clock(attempt.at)}  {attempt.seconds:.2f} s  {attempt.outcome}{where}")
    if known.item_count:
        yield f"  items     {known.item_count:,}"
        yield from (plain(f"    {item.decode(errors='replace')}") for item in known.items)
        rest = known.item_count - len(known.items)
        if rest:
            yield f"    and {rest:,} more"


def _verdict(known: Known, run: Entry) -> str:
    """The state in people's words, and its reason."""
    if known.state == "done":
        return known.reason or "done"
    if known.state != "waiting":
        return known.reason if known.reason.startswith(f"{known.state}:") else f"{known.state}: {known.reason}"
    if known.not_before and known.not_before > datetime.now().timestamp():
        return f"waiting (not before {_clock(known.not_before)})"
    if run.state == "running":
        return "waiting (for its turn, or being fetched just now)"
    return f"waiting (the run ended before its turn; crawl resume {quote(run.path)} goes on with it)"


def _path(path: list[str]) -> Iterator[tuple[str, str]]:
    """The way from the start to the page it was found on, one page a line; the middle of a long one is only counted."""
    left_out = len(path) - 2 * _ENDS
    for number, page in enumerate(path):
        if left_out > 1 and number == _ENDS:
            yield "", f"… {left_out:,} pages more …"
        if left_out <= 1 or not _ENDS <= number < _ENDS + left_out:
            yield "" if number else "path", page


def _rule(known: Known) -> str:
    """The rule that decided, "" where none did."""
    from crawler.rules import ORDER

    name, colon, _ = known.reason.partition(":")
    return name if colon and name in ORDER else ""


def _as_json(known: Known, run: Entry, spider: str) -> dict[str, Any]:
    import msgspec

    request = known.request
    return {
        "url": request.hops[0] if request.hops else request.url,
        "method": request.method,
        "run": run.path,
        "run_state": run.state,
        "spider": spider,
        "state": known.state,
        "reason": known.reason,
        "rule": _rule(known),
        "verdict": _verdict(known, run),
        "not_before": _utc(known.not_before) if known.not_before else None,
        "found_by": known.found_by,
        "depth": request.depth,
        "path": known.path,
        "redirects": [*request.hops[1:], request.url] if request.hops else [],
        "attempts": [
            {"at": _utc(one.at), "seconds": one.seconds, "url": one.url, "outcome": one.outcome}
            for one in known.attempts
        ],
        "items": [msgspec.Raw(item) for item in known.items],
        "item_count": known.item_count,
    }


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _clock(at: float) -> str:
    """A time of day where the reader is, with the date unless it is today."""
    when = datetime.fromtimestamp(at)
    return when.strftime("%H:%M:%S" if when.date() == datetime.now().date() else "%Y-%m-%d %H:%M:%S")

"""`crawl why URL --save-page`: the page of a request of a run becomes a case of `crawl check`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from crawler.errors import UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.request import Request
    from crawler.response import Outcome, Response
    from crawler.runs.folder import RunFolder
    from crawler.runs.record import Record


def save_page_of(request: Request, record: Record, folder: RunFolder, run: str) -> None:
    """Save what was answered to a request, with what its callback makes of it now.

    Where the run did not keep the page it is fetched again, and that is said. `run` is what the run is called in its
    archive. Raises `UsageError` for a request that nobody sends a second time, and `NotRead` where there is no page.
    """
    from crawler.spider.load import named
    from crawler.testing.saving import as_typed, save_case

    with redirect_stdout(sys.stderr):  # what the spider prints
        kind = named(record.targets[request.spider])
        known = kind.arguments()
        arguments = {name: value for name, value in record.arguments.items() if name in known}
        response = _kept(request, record, folder, run) or _fetched(request, record, folder, arguments)
        saved = save_case(kind, response, str(request.callback or "parse"), request.data, arguments)
    for line in saved.told(as_typed(kind)):
        click.echo(plain(line), err=True)


def _kept(request: Request, record: Record, folder: RunFolder, run: str) -> Response | None:
    """The last answer to the request in what the run kept or recorded, or was replayed from; None if none has it."""
    import msgspec

    from crawler.archive.places import places_of
    from crawler.settings import Settings
    from crawler.spider.trace import shown

    for place in places_of(folder.pages, msgspec.convert(record.settings[request.spider], Settings)):
        try:
            response = _in_archive(str(place), request, run)
        except UsageError as error:  # it is another file by now
            click.echo(f"crawl: {plain(error.message)}", err=True)
            continue
        if response is not None:
            click.echo(f"crawl: the page is the one that the run has kept ({plain(shown(str(place)))})", err=True)
            return response
    return None


def _in_archive(path: str, request: Request, run: str) -> Response | None:
    from crawler.archive.archive import Archive
    from crawler.response import Response

    with closing(Archive(path)) as archive:
        outcome: Outcome | None = archive.of_try(run, request)
        for _ in range(archive.count(request) if outcome is None else 0):
            outcome = archive.next(request.replace(attempts=0)) or outcome
    return outcome if isinstance(outcome, Response) else None


def _fetched(request: Request, record: Record, folder: RunFolder, arguments: Mapping[str, Any]) -> Response:
    """The answer of today, under the settings of the run."""
    import msgspec

    from crawler.settings import Settings
    from crawler.spider.load import build
    from crawler.visit import Visitor

    if request.method != "GET":
        raise UsageError(
            f"{request.url} was sent with {request.method}, and is not sent again to be saved",
            hint="-s run.keep_pages=all lets the next run keep its pages",
        )
    click.echo(f"crawl: {plain(str(folder.path))} has kept no page of it, so it is fetched again", err=True)
    settings = msgspec.convert(record.settings[request.spider], Settings)
    spider = build(record.targets[request.spider], dict(arguments))
    again = request.replace(parent="", depth=0, spider=0, attempts=0, hops=(), save=None)
    return Visitor(settings, spider).fetch(again).response()

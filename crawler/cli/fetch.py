"""`crawl fetch URL…`: pages as a crawl gets them, on standard output or in files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

import click

from crawler.cli.options import with_config, with_set
from crawler.errors import UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.response import HeaderPairs, Response
    from crawler.visit import Visited

_HERE = "."


class _Fetch(click.Command):
    """`--save` may stand alone, and the URL that follows it then is not its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        following = [*args[1:], "-"][: len(args)]
        alone = [arg == "--save" and _is_no_place(after) for arg, after in zip(args, following, strict=True)]
        args = [f"{arg}={_HERE}" if is_alone else arg for arg, is_alone in zip(args, alone, strict=True)]
        return super().parse_args(ctx, args)


def _is_no_place(text: str) -> bool:
    return text.startswith("-") or "://" in text


@click.command("fetch", cls=_Fetch)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--headers", is_flag=True, help="Show the header fields of requests (>) and answers (<) as well.")
@click.option(
    "--check-status", is_flag=True, help="End with 1 if an answer is no success, with 4 if it is a block page."
)
@click.option("--save", metavar="[DIR|FILE]", help="Save the pages in DIR (default: here), one page also as FILE.")
@with_set
@with_config
def command(
    urls: tuple[str, ...],
    headers: bool,
    check_status: bool,
    save: str | None,
    assignments: tuple[str, ...],
    config: str | None,
) -> None:
    """Fetch pages as a crawl would.

    Their bodies go to standard output, in the order of the URLs. Redirects are followed; robots.txt is not asked, as
    you are no robot. Several hosts are asked at the same time by worker processes, the pages of one host one after the
    other with the pause of politeness.delay. Whatever its status, an answer is shown: --check-status tells by the exit
    code what was a success.
    """
    from crawler.cli.run import flags
    from crawler.visit import Visitor, settings_alone, typed

    requests = [typed(url) for url in urls]
    settings = settings_alone(config, flags(assignments, False, {}))
    is_folder = save is not None and (len(urls) > 1 or save.endswith("/") or os.path.isdir(save))
    if save is not None and is_folder and os.path.exists(save) and not os.path.isdir(save):
        raise UsageError(f"{len(urls)} pages do not fit into the file {save}", hint="name a folder")
    bad = blocked = 0
    for visited in Visitor(settings).fetch_all(requests):
        if headers:
            for line in _headers(visited):
                click.echo(plain(line), err=True)
        response = _response(visited)
        if response is None:
            bad += 1
            continue
        if visited.drop is not None and visited.drop.state == "blocked":
            click.echo(f"crawl: {plain(response.url)}: {plain(visited.drop.reason)}", err=True)
            blocked += check_status
        elif check_status and not 200 <= response.status < 300:
            click.echo(f"crawl: {plain(response.url)}: {_status(response.status)}", err=True)
            bad += 1
        if response.truncated:
            click.echo(f"crawl: {plain(response.url)}: cut at {len(response.body):,} bytes (fetch.max_body)", err=True)
        if save is None:
            _write(response)
        else:
            _save(response, save, is_folder)
    if bad or blocked:
        sys.exit(1 if bad else 4)


def _response(visited: Visited) -> Response | None:
    """The answer; None, and a word about it, if there is none."""
    from crawler.visit import NotRead

    try:
        return visited.response()
    except NotRead as error:
        click.echo(f"crawl: {plain(error.message)}", err=True)
        return None


def _headers(visited: Visited) -> Iterator[str]:
    """The last request and its answer, a line each. What says who somebody is, is not shown of requests."""
    from crawler.response import Response
    from crawler.secrets import SECRET_FIELDS, is_secret

    request = visited.request
    for url in request.hops:
        yield f"* {url} redirects"
    if visited.by:
        yield f"* answered by {visited.by}"
    yield f"> {request.method} {request.url}"
    for name, value in visited.sent:
        secret = name.lower() in SECRET_FIELDS or is_secret(name)
        yield f"> {name}: {'***' if secret else value}"
    yield ">"
    if isinstance(visited.outcome, Response):
        yield f"< {_status(visited.outcome.status)}"
        pairs: HeaderPairs = visited.outcome.header_pairs
        yield from (f"< {name}: {value}" for name, value in pairs)
        yield "<"


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _write(response: Response) -> None:
    """The body as it is; on a terminal as text that cannot do anything to it."""
    if not os.isatty(1):
        sys.stdout.flush()
        sys.stdout.buffer.write(response.body)
        sys.stdout.buffer.flush()
        return
    if b"\0" in response.body[:4096] and not response.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = response.headers.get("content-type", "no type")
        click.echo(
            f"crawl: {len(response.body):,} bytes of {plain(kind)} are nothing for a terminal: --save keeps them",
            err=True,
        )
        return
    from crawler.visit import page_of

    for line in page_of(response).text.splitlines():
        click.echo("\t".join(map(plain, line.split("\t"))))


def _save(response: Response, place: str, is_folder: bool) -> None:
    from crawler.saving import save_as, save_in

    path = save_in(response, place) if is_folder else save_as(response, place)
    click.echo(f"crawl: {plain(response.url)} → {plain(path)} ({len(response.body):,} bytes)", err=True)

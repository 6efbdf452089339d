"""`crawl demo`: the built-in site on 127.0.0.1, and the Maoyan spiders run against it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from crawler.errors import UsageError
from crawler.settings import Layer

if TYPE_CHECKING:
    from crawler.demo.site import Site
    from crawler.observe.report import Report


@click.command("demo")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port of the site (default: any free one)."
)
@click.option("--serve", "serve_only", is_flag=True, help="Only serve the site, until Ctrl-C.")
@click.option("--verify", is_flag=True, help="Answer the boards with a verification page.")
def command(port: int, serve_only: bool, verify: bool) -> None:
    """Crawl the built-in site and show what was found.

    The site looks like two film boards: ten films on /board/7, a hundred on the ten pages of /board/4. For the other
    spiders in spiders/ it has a list behind a login, an API, sitemaps, and files to download.
    """
    with _site(port, verify) as site:
        click.echo(f"the built-in site is at {site.url}", err=True)
        if serve_only:
            _wait()
            return
        codes = []
        for name in ("maoyan", "maoyan_top100"):
            report = _crawl(_folder() / f"{name}.py", site.url)
            codes.append(report.exit_code)
            if report.ended_by:
                break
        else:
            _show_how_to_go_on(_folder() / "maoyan.py")
    sys.exit(max(codes))


@contextmanager
def _site(port: int, verify: bool) -> Iterator[Site]:
    from crawler.demo.site import serve

    with ExitStack() as stack:
        try:
            site = stack.enter_context(serve(port=port, verify=verify))
        except OSError as error:
            raise UsageError(
                f"the site cannot have port {port}: {error.strerror}", hint="without --port it takes one that is free"
            ) from None
        yield site


def _crawl(spider: Path, site: str) -> Report:
    from crawler.cli.run import execute
    from crawler.observe.table import show

    click.echo(f"\n{_as_typed(spider)} on that site, without a pause between requests:", err=True)
    layers = [Layer("crawl demo", {"politeness.delay": 0.0, "log.level": "warning"})]
    report = execute((str(spider),), (), (f"site={site}",), layers, None, False, keep_items=True)
    click.echo(report.summary(), err=True)
    if report.items:
        show(report.items, f"{spider.stem}: {len(report.items)} films", most=10)
    return report


def _show_how_to_go_on(spider: Path) -> None:
    """Two commands that can be typed just so."""
    command = sys.argv[0] if Path(sys.argv[0]).name == "crawl" and shutil.which("crawl") is None else "crawl"
    click.echo(
        "\nthe same by hand, in two terminals:\n"
        f"  {command} demo --serve --port 8000\n"
        f"  {command} run {quote(_as_typed(spider))} -a site=http://127.0.0.1:8000 -o films.jsonl",
        err=True,
    )


def _as_typed(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _folder() -> Path:
    """Where the shipped spiders are: inside an installed package, or beside it in a source tree."""
    import crawler.demo

    package = Path(crawler.demo.__file__).parent
    inside = package / "spiders"
    return inside if inside.is_dir() else package.parent.parent / "spiders"


def _wait() -> None:
    """Until Ctrl-C, SIGTERM or SIGHUP."""
    import signal
    from queue import SimpleQueue

    over: SimpleQueue[int] = SimpleQueue()  # its put() may come from a handler at any moment
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: over.put(number))
    click.echo("Ctrl-C ends it", err=True)
    over.get()

"""`crawl demo`: the built-in site on 127.0.0.1, and the Maoyan spiders run against it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from crawler.settings import Layer


@click.command("demo")
@click.option("--port", type=int, default=0, metavar="N", help="Port of the site (default: any free one).")
@click.option("--serve", "serve_only", is_flag=True, help="Only serve the site, until Ctrl-C.")
@click.option("--verify", is_flag=True, help="Answer the boards with a verification page.")
def command(port: int, serve_only: bool, verify: bool) -> None:
    """Crawl the built-in site and show what was found.

    The site looks like two film boards: ten films on /board/7, a hundred on the ten pages of /board/4.
    """
    from crawler.demo.site import serve

    with serve(port=port, verify=verify) as site:
        click.echo(f"the built-in site is at {site.url}", err=True)
        if serve_only:
            _wait()
            return
        codes = [_crawl(name, site.url) for name in ("maoyan", "maoyan_top100")]
    sys.exit(max(codes))


def _crawl(name: str, site: str) -> int:
    from crawler.cli.run import execute
    from crawler.observe.table import show

    spider = f"spiders/{name}.py"
    click.echo(f"\n$ crawl run {spider} -a site={site} --delay 0", err=True)
    layers = [Layer("crawl demo", {"politeness.delay": 0.0, "log.level": "warning"})]
    report = execute((str(_folder() / f"{name}.py"),), (), (f"site={site}",), layers, None, False, keep_items=True)
    click.echo(report.summary(), err=True)
    if report.items:
        show(report.items, f"{name}: {len(report.items)} films", most=10)
    return int(report.exit_code)


def _folder() -> Path:
    """Where the shipped spiders are: inside an installed package, or beside it in a source tree."""
    import crawler.demo

    package = Path(crawler.demo.__file__).parent
    inside = package / "spiders"
    return inside if inside.is_dir() else package.parent.parent / "spiders"


def _wait() -> None:
    import signal

    click.echo("Ctrl-C ends it", err=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})

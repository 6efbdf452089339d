"""`crawl bench`: what this machine crawls, on a site of its own."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

import click

from crawler.cli.options import with_set

if TYPE_CHECKING:
    from crawler.bench.crawl import Figures


@click.command("bench")
@click.option("--pages", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="Pages in all.")
@click.option("--hosts", type=click.IntRange(1, 40_000), default=1, show_default=True, help="Hosts they are on.")
@click.option(
    "--latency",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How late each answer is.",
)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Crawls; the median is shown.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Workers of the pool (default: one per core).")
@click.option("--pool", metavar="NAME", help="process, thread, or inline.")
@click.option("--parse-in", metavar="WHERE", help="Where callbacks read pages: main, or pool.")
@click.option("--per-host", type=click.IntRange(1), metavar="N", help="Requests at once to one host.")
@with_set
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(
    pages: int,
    hosts: int,
    latency: float,
    runs: int,
    workers: int | None,
    pool: str | None,
    parse_in: str | None,
    per_host: int | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure crawls of a site that is made for it and served on this machine.

    Each page has 25 KB, 60 links and four fields, which are read with lxml; every link is followed, every page is
    fetched once, and every item is checked. There is no pause between requests and no robots.txt; all other rules,
    the ledger and the output are as in any run.

    \b
      crawl bench                                   one host that answers at once
      crawl bench --hosts 500 --latency 0.2 --per-host 2
      crawl bench -s fetch.client=curl --parse-in pool
    """
    from crawler.bench.crawl import crawl, site
    from crawler.errors import UsageError

    each, rest = divmod(pages, hosts)
    if rest:
        raise UsageError(
            f"{pages} pages cannot be shared equally by {hosts} hosts", hint=f"--pages {max(each, 1) * hosts}"
        )
    options = [word for text in assignments for word in ("-s", text)]
    flags = (("--workers", workers), ("--pool", pool), ("--parse-in", parse_in), ("--per-host", per_host))
    for flag, value in flags:
        if value is not None:
            options += [flag, str(value)]
    results = []
    with site(hosts, each, latency) as addresses:
        for number in range(runs):
            results.append(crawl(addresses, each, options))
            if not as_json and runs > 1:
                click.echo(f"  {number + 1} of {runs}: {results[-1].pages_per_second:,.0f} pages/s", err=True)
    if as_json:
        _print_json(pages, hosts, latency, options, results)
    else:
        _print(pages, hosts, latency, results)


def _median(results: list[Figures], name: str) -> float:
    middle: float = statistics.median(getattr(one, name) for one in results)
    return middle


def _print(pages: int, hosts: int, latency: float, results: list[Figures]) -> None:
    late = f", each answer {latency * 1000:,.0f} ms late" if latency else ""
    host = "1 host" if hosts == 1 else f"{hosts:,} hosts"
    click.echo(f"{pages:,} pages of 25 KB on {host}{late}; all were fetched once, and every item is right")
    lines = [("pages/s", f"{_median(results, 'pages_per_second'):,.0f}")]
    if _median(results, "peak_pss_mb"):  # there is a /proc
        lines += [
            ("CPU", f"{_median(results, 'cpu_us_per_page'):,.0f} µs a page, of all processes of the crawl together"),
            ("memory", f"{max(one.peak_pss_mb for one in results):,.0f} MB at most, of all processes together"),
        ]
    lines.append(("time", f"{_median(results, 'seconds'):,.1f} s with starting and ending"))
    for name, value in lines:
        click.echo(f"  {name:8} {value}")
    click.echo(f"(median of {len(results)}; the site takes its share of the same cores)")


def _print_json(pages: int, hosts: int, latency: float, options: list[str], results: list[Figures]) -> None:
    import os
    import platform
    from importlib.metadata import version

    import msgspec

    told = {
        "pages": pages,
        "hosts": hosts,
        "latency": latency,
        "options": options,
        "median": {name: _median(results, name) for name in results[0].__struct_fields__},
        "runs": results,
        "crawler": version("crawler"),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")

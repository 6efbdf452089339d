"""Crawler beside its peers, in turn in one run: `python benchmarks/peers.py one` and `python benchmarks/peers.py many`.

The sites are those of `benchmarks/crawl.py`. Contenders: the default (requests, parsing in the main process), libcurl
with parsing in the pool, a crawler written by hand with aiohttp and lxml, and Scrapy. Each round runs every one of them
once (A B C D A B C D ...); each result is checked: every page once, every item right. Peers live in an environment of
their own, made at the first call in benchmarks/peers/.venv. Prints medians and ratios, and with --json all figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sites import nginx

from crawler.bench.crawl import Figures, crawl, measure, site

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
OURS = {
    "requests, parse in main": [],
    "curl, parse in main": ["-s", "fetch.client=curl"],
    "curl, parse in pool": ["-s", "fetch.client=curl", "--parse-in", "pool"],
}
THEIRS = {"aiohttp by hand": "aiohttp_crawl.py", "Scrapy": "scrapy_crawl.py"}


def python_of_peers() -> Path:
    """The interpreter of an environment that has the peers."""
    folder = PEERS / ".venv"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "scrapy", "aiohttp", "lxml"], check=True)
        (folder / "ready").touch()
    return python


def versions(python: Path) -> str:
    """The versions of everything that is compared, in one line."""
    told = "; ".join(
        subprocess.run(
            [
                one,
                "-c",
                f"from importlib.metadata import version as v; print(', '.join(n + ' ' + v(n) for n in {names}))",
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for one, names in ((sys.executable, ["requests", "lxml", "pycurl"]), (python, ["scrapy", "aiohttp", "lxml"]))
    )
    return f"Python {platform.python_version()}; {told}"


def peer(python: Path, script: str, per_host: int) -> Callable[[Sequence[str], int], Figures]:
    """A program of `benchmarks/peers`, as something that is run with hosts and pages."""

    def run(hosts: Sequence[str], pages: int) -> Figures:
        def command(folder: Path, output: Path) -> list[str]:
            (folder / "hosts.json").write_text(json.dumps(list(hosts)))
            return [str(python), str(PEERS / script), f"{folder}/hosts.json", str(output), str(per_host)]

        return measure(command, hosts, pages)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", choices=["one", "many"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, help="pages in all (one) or per host (many)")
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--only", action="append", help="a contender; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append all figures to FILE")
    arguments = parser.parse_args()
    python = python_of_peers()
    if arguments.site == "one":
        pages, per_host = arguments.pages or 10_000, 64
        place = nginx(pages)
        options = []
    else:
        pages, per_host = arguments.pages or 20, 2
        place = site(arguments.hosts, pages, arguments.latency)
        options = ["--per-host", "2"]
    contenders: dict[str, Callable[[Sequence[str], int], Figures]] = {
        name: lambda hosts, pages, own=own: crawl(hosts, pages, [*options, *own]) for name, own in OURS.items()
    }
    contenders |= {name: peer(python, script, per_host) for name, script in THEIRS.items()}
    if arguments.only:
        contenders = {name: contenders[name] for name in arguments.only}
    figures: dict[str, list[Figures]] = {name: [] for name in contenders}
    print(versions(python), flush=True)
    with place as hosts:
        for number in range(arguments.rounds):
            for name, run in contenders.items():
                figures[name].append(run(hosts, pages))
                print(f"round {number + 1}: {name:24} {as_cells(figures[name][-1:])}", flush=True)
    print(table(figures))
    if arguments.json:
        with arguments.json.open("ab") as file:
            told = {"site": arguments.site, "versions": versions(python), "figures": figures}
            file.write(msgspec.json.encode(told) + b"\n")


def median(runs: list[Figures], name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs)


def as_cells(runs: list[Figures]) -> str:
    return (
        f"{median(runs, 'pages_per_second'):8,.0f} pages/s {median(runs, 'cpu_us_per_page'):8,.0f} us/page"
        f" {median(runs, 'peak_pss_mb'):6,.0f} MB"
    )


def table(figures: dict[str, list[Figures]]) -> str:
    """The medians as a table in Markdown, with the ratios to the peers that took part."""
    peers = [name for name in THEIRS if name in figures]
    lines = [
        "| | pages/s | CPU us a page | MB (PSS) |" + "".join(f" x {name} |" for name in peers),
        "|---|---:|---:|---:|" + "---:|" * len(peers),
    ]
    for name, runs in figures.items():
        speed = median(runs, "pages_per_second")
        ratios = "".join(f" {speed / median(figures[one], 'pages_per_second'):.1f} |" for one in peers)
        lines.append(
            f"| {name} | {speed:,.0f} | {median(runs, 'cpu_us_per_page'):,.0f} |"
            f" {max(run.peak_pss_mb for run in runs):,.0f} |{ratios}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""How the cost of a page grows with the crawl: `python benchmarks/scale.py`.

Crawls the site of `crawl bench` with 1,000, 10,000 and 100,000 pages (those beyond 20,000 are made when they are asked
for), 10,000 pages on 1, 10 and 1,000 hosts, and with 1, 2 and 4 workers; and times a crawl of one page and
`crawl --help`. Prints a table in Markdown; `--chart FILE.svg` draws CPU per page and memory by pages, with matplotlib
from the environment of the peers. Options that are not its own are handed to `crawl run`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peers import as_cells, median, python_of_peers

from crawler.bench.crawl import Figures, crawl, site

# what is varied -> (pages in all, hosts, options)
CRAWLS = {
    "1,000 pages": (1_000, 1, []),
    "10,000 pages": (10_000, 1, []),
    "100,000 pages": (100_000, 1, []),
    "10 hosts": (10_000, 10, []),
    "1,000 hosts": (10_000, 1_000, []),
    "1 worker": (10_000, 1, ["--workers", "1"]),
    "2 workers": (10_000, 1, ["--workers", "2"]),
    "4 workers": (10_000, 1, ["--workers", "4"]),
}

_DRAW = """
import json, sys
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
points, target = json.loads(sys.argv[1]), sys.argv[2]
figure, cpu = plt.subplots(figsize=(6.4, 3.2))
pages = [one[0] for one in points]
cpu.plot(pages, [one[1] for one in points], "o-", color="#1f6f8b", label="CPU")
cpu.set(xscale="log", xlabel="pages", ylabel="CPU \\u00b5s a page", ylim=(0, None))
memory = cpu.twinx()
memory.plot(pages, [one[2] for one in points], "s--", color="#b5541c", label="memory")
memory.set(ylabel="MB (PSS)", ylim=(0, None))
figure.legend(loc="lower center", ncols=2, frameon=False, bbox_to_anchor=(0.5, 0.16))
figure.tight_layout()
figure.savefig(target, metadata={"Date": None})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="crawls of each kind (of 100,000 pages one is made)")
    parser.add_argument("--only", action="append", choices=CRAWLS, help="may be repeated")
    parser.add_argument("--chart", type=Path, metavar="FILE")
    arguments, options = parser.parse_known_args()
    figures: dict[str, list[Figures]] = {name: [] for name in arguments.only or CRAWLS}
    for number in range(arguments.rounds):
        for name in figures:
            pages, hosts, own = CRAWLS[name]
            if number and pages >= 100_000:
                continue
            with site(hosts, pages // hosts, 0.0) as addresses:
                figures[name].append(crawl(addresses, pages // hosts, [*own, *options]))
            print(f"round {number + 1}: {name:16} {as_cells(figures[name][-1:])}", flush=True)
    print("| | pages/s | CPU us a page | MB (PSS) |\n|---|---:|---:|---:|")
    for name, runs in figures.items():
        print(
            f"| {name} | {median(runs, 'pages_per_second'):,.0f} | {median(runs, 'cpu_us_per_page'):,.0f} |"
            f" {median(runs, 'peak_pss_mb'):,.0f} |"
        )
    for name, seconds in starts(options).items():
        print(f"{name}: {seconds * 1000:,.0f} ms")
    if arguments.chart:
        points = [
            (CRAWLS[name][0], median(figures[name], "cpu_us_per_page"), median(figures[name], "peak_pss_mb"))
            for name in figures
            if name.endswith(" pages")
        ]
        python = python_of_peers()
        subprocess.run([python, "-m", "pip", "install", "-q", "matplotlib"], check=True)
        subprocess.run([python, "-c", _DRAW, json.dumps(points), str(arguments.chart)], check=True)


def starts(options: list[str]) -> dict[str, float]:
    """Seconds of a command that does nothing, and of a crawl of one page, each the median of five."""
    with site(1, 1, 0.0) as addresses:
        one = [crawl(addresses, 1, options).seconds for _ in range(5)]
    helps = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "crawler", "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - began)
    return {"crawl of one page": statistics.median(one), "crawl --help": statistics.median(helps)}


if __name__ == "__main__":
    main()

"""How fast a crawl is: `python benchmarks/crawl.py one` (10,000 pages of one host, served by nginx where there is one)
and `python benchmarks/crawl.py many` (500 hosts x 20 pages, each answer 200 ms late, 2 requests per host).

Prints pages/s, CPU microseconds per page over all processes of the crawl, and their peak memory together (PSS).
Checks that every page was fetched exactly once and every item is right. Options that are not its own are handed to
`crawl run`. Everything runs on 127.0.0.0/8.
"""

from __future__ import annotations

import argparse
import statistics

from sites import nginx

from crawler.bench.crawl import Figures, crawl, site


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", choices=["one", "many"])
    parser.add_argument("--pages", type=int, help="pages in all (one) or per host (many)")
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--processes", action="store_true", help="show the CPU seconds of each process")
    arguments, options = parser.parse_known_args()
    if arguments.site == "one":
        pages = arguments.pages or 10_000
        place = nginx(pages)
    else:
        pages = arguments.pages or 20
        place = site(arguments.hosts, pages, arguments.latency)
        options = ["--per-host", "2", *options]
    with place as hosts:
        runs = [crawl(hosts, pages, options, arguments.processes) for _ in range(arguments.runs)]
    for run in runs:
        print(as_line([run]))
    print("median: " + as_line(runs))


def as_line(runs: list[Figures]) -> str:
    """The median of each figure."""
    names = Figures.__struct_fields__
    return "  ".join(f"{name} {statistics.median(getattr(run, name) for run in runs):,.1f}" for name in names)


if __name__ == "__main__":
    main()

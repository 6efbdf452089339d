"""What parsing in the pool gains where reading a page is work: `python benchmarks/busy.py`.

Crawls 1,000 pages of one host whose callback takes 20 ms of CPU, with parsing in the main process and in the pool, in
turns, and prints the pages/s of each, the medians, and their ratio. Other options are handed to `crawl run`.
"""

from __future__ import annotations

import argparse
import statistics

from sites import nginx

from crawler.bench.crawl import crawl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=0.02, help="CPU time of each page")
    parser.add_argument("--rounds", type=int, default=3)
    arguments, options = parser.parse_known_args()
    speeds: dict[str, list[float]] = {"main": [], "pool": []}
    with nginx(arguments.pages) as hosts:
        for number in range(arguments.rounds):
            for place, runs in speeds.items():
                given = ["-a", f"busy={arguments.seconds}", "--parse-in", place, *options]
                runs.append(crawl(hosts, arguments.pages, given).pages_per_second)
                print(f"round {number + 1}: parse in {place}: {runs[-1]:,.1f} pages/s", flush=True)
    one, other = (statistics.median(runs) for runs in speeds.values())
    print(f"median: {one:,.1f} pages/s in main, {other:,.1f} in the pool: {other / one:.2f} times as many")


if __name__ == "__main__":
    main()

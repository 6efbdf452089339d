"""What all rules together cost: `python benchmarks/rules.py`, on the 10,000 pages of `benchmarks/crawl.py one`.

Every call of `found`, `before`, `first` and `after` is measured by the CPU clock of its thread; what reading the clock
takes is subtracted. Prints CPU microseconds per page, in all and per moment, for several runs, and their median. With
`--each` also per rule, from one more run: there the clock is read once per rule, and the sum is less exact. Other
options are handed to `crawl run`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crawler.bench.crawl import SPIDER

HERE = Path(__file__).resolve().parent
MOMENTS = ("found", "before", "first", "after")

_nanoseconds: dict[str, int] = {}
_calls: dict[str, int] = {}


def measured(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose CPU time and calls are counted under a name."""
    clock = time.thread_time_ns
    _nanoseconds.setdefault(name, 0)
    _calls.setdefault(name, 0)

    def call(*arguments: Any) -> Any:
        began = clock()
        answer = function(*arguments)
        _nanoseconds[name] += clock() - began
        _calls[name] += 1
        return answer

    return call


def cost_of_the_clock() -> float:
    """Nanoseconds that a measured call seems to take if it does nothing."""

    def nothing() -> None:
        return None

    empty = measured("nothing", nothing)
    medians = []
    for _ in range(50):
        before = _nanoseconds["nothing"]
        for _ in range(1000):
            empty()
        medians.append((_nanoseconds["nothing"] - before) / 1000)
    del _nanoseconds["nothing"], _calls["nothing"]
    return statistics.median(medians)


def inside(each: bool, place: str, arguments: list[str]) -> None:
    """Run `crawl` in this process with its rules measured; the figures go into the file `place` at the end."""
    from crawler.rules.base import Rules

    clock = cost_of_the_clock()
    if each:
        plain = Rules.__init__

        def of_each(self: Rules, rules: Any, order: Any) -> None:
            for rule in rules:
                for moment in MOMENTS:
                    if hasattr(rule, moment):
                        setattr(rule, moment, measured(f"{rule.name}.{moment}", getattr(rule, moment)))
            plain(self, rules, order)

        Rules.__init__ = of_each  # type: ignore[method-assign]
    else:
        for moment in MOMENTS:
            setattr(Rules, moment, measured(moment, getattr(Rules, moment)))
    from crawler.cli import main

    sys.argv = ["crawl", *arguments]
    try:
        main()
    finally:
        figures = {name: (_calls[name], max(0.0, _nanoseconds[name] - _calls[name] * clock)) for name in _calls}
        Path(place).write_text(json.dumps(figures))


def measure(hosts: list[str], pages: int, each: bool, options: list[str]) -> dict[str, tuple[int, float]]:
    """One crawl: for each name its calls and its CPU microseconds, both per page."""
    with tempfile.TemporaryDirectory() as folder:
        output, place = Path(folder) / "items.jsonl", Path(folder) / "figures.json"
        command = [
            sys.executable, __file__, "--inside", str(place), *(["--each"] if each else []),
            "run", str(SPIDER), "-a", "hosts=" + json.dumps(hosts), "-o", str(output), "-q",
            "--config", "fast", "--run-dir", f"{folder}/run", *options,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=HERE.parent, check=False)
        assert done.returncode == 0, f"the crawl ended with {done.returncode}"
        read = output.read_bytes().count(b"\n")
        assert read == pages, f"{read} pages instead of {pages}"
        figures = json.loads(place.read_text())
    return {name: (calls / pages, nanoseconds / pages / 1000) for name, (calls, nanoseconds) in figures.items()}


def told(figures: dict[str, tuple[int, float]]) -> str:
    parts = [f"{name} {cost:.1f} ({calls:.2f} calls)" for name, (calls, cost) in figures.items() if calls]
    return f"{sum(cost for _, cost in figures.values()):.1f} us/page: {', '.join(parts)}"


def main() -> None:
    if "--inside" in sys.argv[1:2]:
        each = sys.argv[3] == "--each"
        inside(each, sys.argv[2], sys.argv[4 if each else 3 :])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--each", action="store_true", help="one more run, with the cost of each rule")
    arguments, options = parser.parse_known_args()
    from sites import nginx

    # As shipped, robots.txt included: the "fast" settings only take the pauses out.
    options = ["-s", "robots.obey=true", *options]
    with nginx(arguments.pages) as hosts:
        sums = []
        for _ in range(arguments.runs):
            figures = measure(hosts, arguments.pages, False, options)
            sums.append(sum(cost for _, cost in figures.values()))
            print(told(figures), flush=True)
        print(f"median: {statistics.median(sums):.1f} us of CPU per page for all rules")
        if arguments.each:
            figures = measure(hosts, arguments.pages, True, options)
            for name, (calls, cost) in sorted(figures.items(), key=lambda pair: -pair[1][1]):
                print(f"  {name:<20} {cost:6.2f} us/page, {calls:.2f} calls")


if __name__ == "__main__":
    main()

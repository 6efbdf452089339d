"""Where the CPU time of a crawl goes: `python benchmarks/cpu.py`, on the 10,000 pages of `benchmarks/crawl.py one`.

Prints microseconds of CPU per page by floor and room of ARCHITECTURE.md, in the main process and in all others, then
the functions that take most. All processes and threads are sampled (`sampled/sitecustomize.py`); what libraries take
counts for the function of the crawler that called them. The time until the first page is in it. Other options go
to `crawl run`: `python benchmarks/cpu.py -s fetch.client=curl --parse-in pool`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from crawler.bench.crawl import SPIDER

HERE = Path(__file__).resolve().parent
FLOORS = (
    ("5", ("cli", "demo")),
    ("3", ("engine", "worker.py", "reader.py")),
    ("2", ("control",)),
    ("1", ("frontier", "politeness", "rules", "pool", "fetch", "spider", "items", "export", "observe", "runs")),
)


def measure(hosts: list[str], pages: int, options: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Seconds of one crawl by place, in the main process and in the others."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        figures.mkdir()
        output = Path(folder) / "items.jsonl"
        command = [
            sys.executable, "-m", "crawler", "run", str(SPIDER), "-a", "hosts=" + json.dumps(hosts),
            "-o", str(output), "-q", "--config", "fast", "--run-dir", f"{folder}/run", *options,
        ]  # fmt: skip
        paths = [str(HERE / "sampled"), str(HERE.parent)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "CPU_FIGURES": str(figures)}
        process = subprocess.Popen(command, cwd=HERE.parent, env=environment)
        code = process.wait()
        assert code == 0, f"the crawl ended with {code}"
        read = output.read_bytes().count(b"\n")
        assert read == pages, f"{read} pages instead of {pages}"
        main: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for file in figures.iterdir():
            seconds = json.loads(file.read_text())["seconds"]
            (main if file.name == str(process.pid) else others).update(seconds)
    return main, others


def room_of(place: str) -> tuple[str, str]:
    """Floor and room of a place: ("1", "spider")."""
    head = place.partition(" ")[0].partition("/")[0]
    for floor, rooms in FLOORS:
        if head in rooms:
            return floor, head
    if head in ("user", "python"):
        return "", {"user": "the spider's callback", "python": "multiprocessing, imports"}[head]
    return ("4", head) if head in ("assemble", "history.py") else ("0", "values")


def table(main: Counter[str], others: Counter[str], pages: int, functions: int) -> str:
    def line(floor: str, what: str, first: float, second: float) -> str:
        here, there = first / pages * 1e6, second / pages * 1e6
        return f"{floor:<6}{what:<44}{here:>8.1f}{there:>9.1f}{here + there:>8.1f}"

    rooms: dict[tuple[str, str], list[float]] = {}
    for number, counter in enumerate((main, others)):
        for place, seconds in counter.items():
            rooms.setdefault(room_of(place), [0.0, 0.0])[number] += seconds
    lines = [f"{'floor':<6}{'room, microseconds of CPU per page':<44}{'main':>8}{'workers':>9}{'all':>8}"]
    lines += [
        line(*room, *cost) for room, cost in sorted(rooms.items(), key=lambda one: (one[0][0], sum(one[1])))[::-1]
    ]
    lines.append(line("", "all", main.total(), others.total()))
    lines.append("")
    every = main + others
    lines += [line("", place[:43], main[place], others[place]) for place, _ in every.most_common(functions)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--functions", type=int, default=40)
    arguments, options = parser.parse_known_args()
    from crawl import nginx

    with nginx(arguments.pages) as hosts:
        figures = measure(hosts, arguments.pages, options)
    print(table(*figures, arguments.pages, arguments.functions))


if __name__ == "__main__":
    main()

"""What hosts that never answer cost the others: `python benchmarks/silent.py`.

Crawls 900 hosts x 10 pages (each answer 200 ms late, 2 requests per host) alone and together with 100 hosts that accept
connections and stay silent, in turns. Prints the pages/s of the 900 hosts in each run, until their last page was read,
the medians, and their ratio. Everything runs on 127.0.0.0/8; options that are not its own are handed to `crawl run`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from crawler.bench.crawl import SPIDER, site

HERE = Path(__file__).resolve().parent
PORT = 8099


def silent_name(number: int) -> str:
    """The loopback address of silent host `number`."""
    return f"127.77.{number // 200}.{number % 200 + 1}"


async def be_silent(hosts: int, port: int) -> None:
    """Accept whatever comes, and read it; runs until it is cancelled."""
    loop = asyncio.get_running_loop()
    for number in range(hosts):
        await loop.create_server(asyncio.Protocol, silent_name(number), port, backlog=256)
    print("ready", flush=True)
    await asyncio.Event().wait()


@contextmanager
def silence(hosts: int) -> Iterator[list[str]]:
    """Silent hosts in a process of their own."""
    process = subprocess.Popen([sys.executable, __file__, "--silent-server", str(hosts)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield [f"http://{silent_name(number)}:{PORT}" for number in range(hosts)]
    finally:
        process.kill()
        process.wait()


def measure(hosts: list[str], expected: int, options: list[str]) -> float:
    """One crawl, stopped once the last page of the hosts that answer has been read; their pages/s."""
    with tempfile.TemporaryDirectory() as folder:
        output, report = Path(folder) / "items.jsonl", Path(folder) / "run/report.json"
        command = [
            sys.executable, "-m", "crawler", "run", str(SPIDER), "-a", "hosts=" + json.dumps(hosts),
            "-o", str(output), "--meta", "--config", "fast", "--per-host", "2", "-q", "--run-dir", f"{folder}/run",
            "-s", "crawl.stop_grace=0.1", *options,
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=HERE.parent, stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                if output.exists() and output.read_bytes().count(b"\n") >= expected:
                    process.terminate()
                    process.wait(30)
                time.sleep(0.2)
        finally:
            process.kill()
        items = [json.loads(line) for line in output.read_text().splitlines()]
        assert len({item["url"] for item in items}) == len(items) == expected, f"{len(items)} pages, not {expected}"
        started = datetime.fromisoformat(json.loads(report.read_text())["started"])
        last = max(datetime.fromisoformat(item["_fetched"]) for item in items)
        return expected / (last - started).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=900)
    parser.add_argument("--silent", type=int, default=100)
    parser.add_argument("--pages", type=int, default=10, help="pages per host")
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--silent-server", type=int, help=argparse.SUPPRESS)
    arguments, options = parser.parse_known_args()
    if arguments.silent_server:
        asyncio.run(be_silent(arguments.silent_server, PORT))
    expected = arguments.hosts * arguments.pages
    without: list[float] = []
    together: list[float] = []
    with site(arguments.hosts, arguments.pages, arguments.latency, PORT) as hosts, silence(arguments.silent) as silent:
        step = len(hosts) // len(silent)
        mixed = [
            host for number, one in enumerate(silent) for host in (one, *hosts[number * step : (number + 1) * step])
        ]
        mixed += hosts[len(silent) * step :]
        for number in range(arguments.rounds):
            without.append(measure(hosts, expected, options))
            together.append(measure(mixed, expected, options))
            print(
                f"round {number + 1}: {without[-1]:,.0f} pages/s without, {together[-1]:,.0f} with silent hosts",
                flush=True,
            )
    one, other = statistics.median(without), statistics.median(together)
    print(f"median: {one:,.0f} pages/s without, {other:,.0f} with {arguments.silent} silent hosts: {other / one:.1%}")


if __name__ == "__main__":
    main()

"""How fast a crawl is: `python benchmarks/crawl.py one` (10,000 pages of one host, served by nginx where there is one)
and `python benchmarks/crawl.py many` (500 hosts x 20 pages, each answer 200 ms late, 2 requests per host).

Prints pages/s, CPU microseconds per page over all processes of the crawl, and their peak memory together (PSS).
Checks that every page was fetched exactly once. Everything runs on 127.0.0.0/8.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pages import host_name, write

HERE = Path(__file__).resolve().parent
PORT = 8099
_TICK = os.sysconf("SC_CLK_TCK")

_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log {log}; types {{ text/html html; }} charset utf-8; sendfile on; tcp_nopush on; keepalive_requests 10000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; open_file_cache max=20000 inactive=600s;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}; }}
}}
"""


@contextmanager
def nginx(pages: int) -> Iterator[list[str]]:
    """One host on 127.0.0.1 with the site on disk."""
    folder = Path(tempfile.gettempdir()) / f"crawler-benchmark-{pages}"
    write(folder, pages)
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        with server(1, pages, 0.0) as hosts:
            yield hosts
        return
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=PORT, log="off"))
    process = subprocess.Popen([binary, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield [f"http://127.0.0.1:{PORT}"]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def server(hosts: int, pages: int, latency: float) -> Iterator[list[str]]:
    """Many hosts in one asyncio process."""
    command = [sys.executable, str(HERE / "pages.py"), str(hosts), str(pages), str(latency), str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield [f"http://{host_name(number)}:{PORT}" for number in range(hosts)]
    finally:
        process.kill()
        process.wait()


class Meter:
    """CPU seconds and memory of all processes of a session, sampled: workers are not our children."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._cpu: dict[int, float] = {}
        self.peak = self.last = 0
        self.sizes: dict[int, int] = {}  # by process, without the first one
        self.names: dict[int, str] = {}

    def sample(self, memory: bool) -> None:
        pss = 0
        if memory:
            self.sizes.clear()
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) != self._session:
                    continue
                pid = int(entry.name)
                self._cpu[pid] = (int(fields[11]) + int(fields[12])) / _TICK
                if pid not in self.names:
                    self.names[pid] = Path(entry.path, "cmdline").read_text().replace("\0", " ")[-60:]
                if memory:
                    rollup = Path(entry.path, "smaps_rollup").read_text()
                    size = int(rollup.partition("\nPss:")[2].split()[0])
                    pss += size
                    if pid != self._session:
                        self.sizes[pid] = size
            except (OSError, IndexError, ValueError):
                continue
        if memory:
            self.last = pss
        self.peak = max(self.peak, pss)

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def table(self) -> str:
        return "\n".join(f"    {seconds:6.2f} s  {self.names.get(pid, '')}" for pid, seconds in self._cpu.items())


def measure(hosts: list[str], expected: int, options: list[str], show: bool) -> dict[str, float]:
    """One crawl; its figures. Raises `AssertionError` if a page is missing or came twice."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "items.jsonl"
        command = [
            sys.executable, "-m", "crawler", "run", str(HERE / "spider.py"), "-a", "hosts=" + json.dumps(hosts),
            "-o", str(output), "--config", "fast", *options,
        ]  # fmt: skip
        started = time.perf_counter()
        process = subprocess.Popen(command, start_new_session=True, cwd=HERE.parent)
        meter = Meter(process.pid)
        turn = 0
        while process.poll() is None:
            meter.sample(memory=turn % 5 == 0)
            turn += 1
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        assert process.returncode == 0, f"the crawl ended with {process.returncode}"
        urls = collections.Counter(json.loads(line)["url"] for line in output.read_text().splitlines())
        assert len(urls) == expected, f"{len(urls)} pages instead of {expected}"
        assert set(urls.values()) == {1}, "a page came twice"
    if show:
        print(meter.table())
    return {
        "pages_per_second": expected / seconds,
        "cpu_us_per_page": meter.cpu / expected * 1e6,
        "peak_pss_mb": meter.peak / 1024,
        "seconds": seconds,
    }


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
        place, expected = nginx(pages), pages
    else:
        pages = arguments.pages or 20
        place, expected = server(arguments.hosts, pages, arguments.latency), pages * arguments.hosts
        options = ["--per-host", "2", *options]
    with place as hosts:
        runs = [measure(hosts, expected, options, arguments.processes) for _ in range(arguments.runs)]
    for run in runs:
        print("  ".join(f"{name} {value:,.1f}" for name, value in run.items()))
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print("median: " + "  ".join(f"{name} {value:,.1f}" for name, value in median.items()))


if __name__ == "__main__":
    main()

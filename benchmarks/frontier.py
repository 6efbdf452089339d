"""How much a URL that waits costs: `python benchmarks/frontier.py` offers 2,000,000 distinct URLs to a crawl.

Prints URLs/s offered, memory (PSS) of all processes and of the control room as they grow, then kills the crawl, resumes
it, and prints the seconds from `crawl resume` to its first fetch. Everything runs on 127.0.0.0/8.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from crawler.bench.meter import Meter

HERE = Path(__file__).resolve().parent

_IN_VAIN = 20  # looks at a crawl that has read all pages and lacks URLs, before that is told

_BODY = b"<p>x"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


class Site(threading.Thread):
    """Answers on many addresses; `/last` is kept waiting, so that it is in flight when the crawl is killed."""

    def __init__(self, addresses: int) -> None:
        super().__init__(daemon=True)
        self._addresses = addresses
        self.port = 0
        self.ready = threading.Event()
        self.lasts: list[float] = []  # when somebody asked for /last

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        for number in range(self._addresses):
            server = await asyncio.start_server(self._answer, f"127.0.1.{number + 1}", self.port, backlog=64)
            self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await asyncio.Event().wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.split(b" ", 2)[1] == b"/last":
                    self.lasts.append(time.perf_counter())
                    await asyncio.sleep(3600)
                writer.write(_ANSWER)
        writer.close()


def command(*words: str, folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", *words],
        cwd=folder,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )


def status(folder: str) -> dict[str, int]:
    answer = subprocess.run(
        [sys.executable, "-m", "crawler", "status", "--json"],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    return json.loads(answer.stdout) if answer.returncode == 0 and answer.stdout else {}


def memory(meter: Meter) -> tuple[float, float]:
    """PSS of all processes of the crawl, and of the largest child (the control room), in MB."""
    meter.sample(memory=True)
    return meter.last / 1024, max(meter.sizes.values(), default=0) / 1024


def watch(
    crawl: subprocess.Popen[bytes], folder: str, urls: int, hosts: int, pages: int
) -> tuple[list[tuple[int, float, float]], Meter]:
    """Print a row for each eighth of the URLs; the rows (URLs that wait, MB in all, MB of the room), and the meter."""
    started = time.perf_counter()
    meter = Meter(crawl.pid)
    step, rows = urls // 8, []
    goal = step
    vain = 0
    while goal <= urls:
        assert crawl.poll() is None, "the crawl has ended"
        now = status(folder)
        waiting = now.get("waiting", 0)
        if waiting < min(goal, urls - hosts):
            vain = vain + 1 if now.get("pages") == pages else 0
            if vain > _IN_VAIN:
                sys.exit(f"all {pages:,} pages have been read, and {waiting:,} URLs wait: what became of the others?")
            continue
        seconds = time.perf_counter() - started
        total, room = memory(meter)
        rows.append((waiting, total, room))
        print(
            f"{waiting:>10,} URLs wait after {seconds:6.1f} s ({waiting / seconds:,.0f}/s): "
            f"{total:5.0f} MB in all, {room:5.0f} MB the largest child",
            flush=True,
        )
        goal += step
    return rows, meter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=2_000_000)
    parser.add_argument("--hosts", type=int, default=100)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the crawl is in a session of its own, and ends with us
    links = 10_000
    pages = arguments.urls // links
    site = Site(pages + 1)
    site.start()
    site.ready.wait()
    with tempfile.TemporaryDirectory() as folder:
        values = {"port": site.port, "pages": pages, "hosts": arguments.hosts}
        # Where the pages lead is a private network, to which links are followed only where that is said.
        there = "guard.allow=127.9.9.0/24"
        slow = ("fetch.timeout=3600", "fetch.read_timeout=3600", "politeness.delay=100000", "retry.times=0", there)
        options = [word for name, value in values.items() for word in ("-a", f"{name}={value}")]
        options += [word for setting in slow for word in ("-s", setting)]
        crawl = command("run", str(HERE / "flood.py"), *options, "-q", folder=folder)
        try:
            rows, meter = watch(crawl, folder, arguments.urls, arguments.hosts, pages)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(crawl.pid, signal.SIGKILL)
            crawl.wait()
        (few, less, small), (many, more, large) = rows[0], rows[-1]
        print(f"CPU {meter.cpu / many * 1e6:.1f} us a URL, all processes")
        print(f"slope: {(more - less) * 1048576 / (many - few):.0f} bytes a URL in all, "
              f"{(large - small) * 1048576 / (many - few):.0f} in the control room; "
              f"10,000,000 URLs: {more + (more - less) / (many - few) * (10_000_000 - many):,.0f} MB")  # fmt: skip
        ledger = next(Path(folder).glob(".crawl/*/*/ledger.db"))
        print(f"ledger: {ledger.stat().st_size / 1e6:,.0f} MB")
        asked = len(site.lasts)
        started = time.perf_counter()
        crawl = command("resume", "-q", folder=folder)
        try:
            while len(site.lasts) == asked:
                assert crawl.poll() is None, "the resumed crawl has ended"
                time.sleep(0.02)
            print(f"resume to the first fetch: {site.lasts[-1] - started:.1f} s")
            meter = Meter(crawl.pid)
            print(f"memory then: {memory(meter)[0]:.0f} MB in all")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(crawl.pid, signal.SIGKILL)
            crawl.wait()


if __name__ == "__main__":
    main()

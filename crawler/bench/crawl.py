"""One crawl of the site in processes of its own: that it is right, and what it cost."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from crawler.bench.meter import Meter
from crawler.bench.site import host_name, item
from crawler.errors import CrawlError

SPIDER = Path(__file__).with_name("spider.py")
PACKAGE = Path(__file__).parent.parent


class Figures(msgspec.Struct, frozen=True):
    """What one crawl took. CPU microseconds and mebibytes (PSS, at most) are of all its processes together."""

    pages_per_second: float
    cpu_us_per_page: float
    peak_pss_mb: float
    seconds: float


@contextmanager
def site(hosts: int, pages: int, latency: float, port: int = 0) -> Iterator[list[str]]:
    """`hosts` sites of `pages` pages each in a process of their own; their addresses without a slash at the end.

    `latency` are seconds by which every answer is late. Raises `CrawlError` if the port cannot be had.
    """
    command = [sys.executable, "-m", "crawler.bench.site", str(hosts), str(pages), str(latency), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        listening = process.stdout.readline().strip()
        if not listening:
            last = process.stderr.read().strip().rpartition("\n")[2]
            raise CrawlError(f"the site that is to be crawled did not start: {last}")
        yield [f"http://{host_name(number)}:{listening}" for number in range(hosts)]
    finally:
        process.kill()
        process.communicate()


def crawl(hosts: Sequence[str], pages: int, options: Sequence[str], show: bool = False) -> Figures:
    """Crawl `pages` pages on each of these hosts with `crawl run --config fast` and options; what it took.

    With `show` the CPU seconds of each process are printed. Raises `CrawlError` if the crawl failed, a page is missing
    or came twice, or an item is not what its page says.
    """
    # As an installed package is. From a source tree, with PYTHONDONTWRITEBYTECODE set, each process would compile all
    # of it, which takes longer than the rest of a start.
    compileall.compile_dir(PACKAGE, quiet=2)

    def command(folder: Path, output: Path) -> list[str]:
        (folder / "hosts.json").write_text(json.dumps(list(hosts)))
        return [
            sys.executable, "-m", "crawler", "run", str(SPIDER), "-a", f"hosts_file={folder}/hosts.json",
            "-o", str(output), "--config", "fast", "-q", *options,
        ]  # fmt: skip

    return measure(command, hosts, pages, show)


def measure(
    command: Callable[[Path, Path], Sequence[str]], hosts: Sequence[str], pages: int, show: bool = False
) -> Figures:
    """What a program took that crawls `pages` pages on each of these hosts.

    `command(folder, output)` says how it is started so that it writes its items as JSON Lines to `output`; the folder
    is its own. Raises `CrawlError` as `crawl` does.
    """
    with tempfile.TemporaryDirectory(prefix="crawl-bench-") as name:
        folder = Path(name)
        output = folder / "items.jsonl"
        words = command(folder, output)
        began = time.perf_counter()
        process = subprocess.Popen(words, start_new_session=True, cwd=folder, stdin=subprocess.DEVNULL)
        try:
            meter = Meter(process.pid)
            turn = 0
            while process.poll() is None:
                meter.sample(memory=turn % 5 == 0)
                turn += 1
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        seconds = time.perf_counter() - began
        if process.returncode:
            raise CrawlError(f"the crawl ended with exit code {process.returncode}")
        _check(output, {f"{host}/p/{number}.html": number for host in hosts for number in range(pages)})
    if show:
        print(meter.table())
    count = len(hosts) * pages
    return Figures(count / seconds, meter.cpu / count * 1e6, meter.peak / 1024, seconds)


def _check(output: Path, numbers: Mapping[str, int]) -> None:
    seen = set()
    with output.open("rb") as lines:
        for line in lines:
            found = msgspec.json.decode(line)
            url = found["url"]
            if url in seen:
                raise CrawlError(f"{url} came twice")
            if url not in numbers or found != item(url, numbers[url]):
                raise CrawlError(f"the item of {url} is not what the page says: {found}")
            seen.add(url)
    if len(seen) != len(numbers):
        missing = next(url for url in numbers if url not in seen)
        raise CrawlError(f"{len(numbers) - len(seen)} of {len(numbers)} pages are missing, such as {missing}")

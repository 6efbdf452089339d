"""What recording costs, and how fast replay and reparse are: `python benchmarks/replay.py` (10,000 pages of one host).

Crawls the benchmark site with and without `--record`, replays the archive with 1 and 16 workers, and reads the pages of
the recorded run again, with the same spider and with one whose selector was changed, when the site is gone. Prints
pages/s and CPU microseconds per page over all processes, and fails where items differ, or `warcio check` finds fault
with the archive. Everything runs on 127.0.0.0/8.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sites import nginx

import crawler.bench.spider
from crawler.bench.meter import Meter

ROOT = Path(__file__).parents[1]


def crawl(folder: Path, name: str, pages: int, *arguments: object) -> str:
    """One command of `crawl` in `folder`; its figures are printed, and what it says on standard error is returned."""
    command = [sys.executable, "-m", "crawler", *map(str, arguments)]
    started = time.perf_counter()
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            command, start_new_session=True, cwd=folder, env=environment(), stderr=stderr, stdout=subprocess.DEVNULL
        )
        meter = Meter(process.pid)
        while process.poll() is None:
            meter.sample(memory=True)
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        stderr.seek(0)
        told = stderr.read()
    assert process.returncode == 0, f"{name} ended with {process.returncode}: {told}"
    print(
        f"{name:28} {pages / seconds:8,.0f} pages/s {meter.cpu / pages * 1e6:8,.0f} us CPU/page"
        f" {meter.peak / 1024:6,.0f} MB",
        flush=True,
    )
    return told


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def lines(path: Path) -> list[bytes]:
    return sorted(path.read_bytes().splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1, help="crawls with and without --record")
    arguments = parser.parse_args()
    pages = arguments.pages
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.py").write_bytes(Path(crawler.bench.spider.__file__).read_bytes())
        with nginx(pages) as hosts:
            run = ["run", "bench.py", "-a", "hosts=" + json.dumps(hosts), "--config", "fast", "-q"]
            for number in range(arguments.runs):
                crawl(folder, "crawl", pages, *run, "-o", "plain.jsonl")
                archive = f"site-{number}.warc.gz"
                crawl(folder, "crawl --record", pages, *run, "-o", "recorded.jsonl", "--record", archive)
            recorded = lines(folder / "recorded.jsonl")
            assert recorded == lines(folder / "plain.jsonl")
        print(f"the archive has {(folder / archive).stat().st_size / pages:,.0f} bytes a page")
        subprocess.run([Path(sys.executable).parent / "warcio", "check", archive], cwd=folder, check=True)
        for workers in (1, 16):  # the site is gone by now
            crawl(
                *(folder, f"crawl --replay, {workers} workers", pages, *run, "--workers", workers),
                *("--replay", archive, "-o", "replayed.jsonl", "--run-dir", f"replay-{workers}"),
            )
            assert lines(folder / "replayed.jsonl") == recorded, "other items"
        latest = max(one for one in (folder / ".crawl" / "bench").iterdir() if one.is_dir())
        told = crawl(folder, "crawl reparse", pages, "reparse", latest, "-o", "none.jsonl")
        assert f"the same {pages:,} items" in told, told
        assert not (folder / "none.jsonl").read_bytes()
        spider = (folder / "bench.py").read_text()
        (folder / "bench.py").write_text(spider.replace("//p[@class='stock']", "//p[@class='maker']"))
        told = crawl(folder, "crawl reparse, changed", pages, "reparse", latest, "-o", "changed.jsonl")
        assert len(lines(folder / "changed.jsonl")) == pages, told
        print(told.strip())


if __name__ == "__main__":
    main()

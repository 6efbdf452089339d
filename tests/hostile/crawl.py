"""One real crawl over all behaviours and the healthy pages, and all that is known of it afterwards."""

import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from crawler.frontier.ledger import Ledger
from crawler.frontier.lookup import lookup
from crawler.url import canonical
from tests.hostile.behaviour import Behaviour, fits
from tests.hostile.table import ADDRESSES, BEHAVIOURS, HEALTHY, PAGES, server, start_url

HERE = Path(__file__).parent
# As shipped, but for times: what is waited for is short, so that the whole of it is.
KEPT = ("CRAWL_FETCH_CLIENT",)  # of the environment: `CRAWL_FETCH_CLIENT=curl make hostile`
# What libcurl refuses that is read otherwise.
STRICTER = {"injects header fields by its Location": ("failed", "^protocol: Carriage return found in header")}
SETTINGS = """
politeness = { delay = 0.0, per_host = 4, max_delay = 0.3, max_retry_after = 1.0 }
breaker = { pause = 0.3, max_pause = 0.6, give_up = 2 }
robots = { times = 2, pause = 0.2, max_crawl_delay = 0.5 }
retry = { times = 1, pause = 0.1, max_pause = 1.0 }
fetch = { timeout = 2.0, connect_timeout = 1.0, read_timeout = 1.0 }
traps = { max_segments = 12, max_queries = 30, max_chain = 20 }
guard = { only = ["127.0.0.0/8"], allow = [] }
output = { formulas = "escape" }
crawl = { parse_timeout = 4.0 }
"""


class Verdict(NamedTuple):
    """What became of the start URL of a behaviour. `seconds`: from its first attempt to the end of its last."""

    state: str
    reason: str
    seconds: float


class Crawled:
    """A crawl that has ended."""

    def __init__(self, hostile, folder, code, stdout, stderr, seconds, peak):
        self.server, self.folder = hostile, folder
        self.code, self.stdout, self.stderr, self.seconds, self.peak = code, stdout, stderr, seconds, peak
        self.log = (folder / "crawl.log").read_text()
        self.report = json.loads((folder / "run/report.json").read_text())
        self.summary = stderr[stderr.rindex("\nhostile: ") :]
        self.items = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
        self.csv = (folder / "items.csv").read_text()
        with closing(Ledger(folder / "run/ledger.db", read_only=True)) as ledger:
            self.verdicts = {one.name: _verdict(ledger, start_url(one, hostile)) for one in BEHAVIOURS}
            self.rows = ledger.select("SELECT id, parent, url, host, reason FROM requests")

    def complaints(self, one: Behaviour) -> list[str]:
        """What is not as the behaviour says it has to be."""
        verdict = self.verdicts[one.name]
        address = ADDRESSES[one.name]
        found = []
        state, reason = one.state, one.reason
        if os.environ.get("CRAWL_FETCH_CLIENT") == "curl":
            state, reason = STRICTER.get(one.name, (state, reason))
        if not re.fullmatch(state, verdict.state) or not re.search(reason, verdict.reason):
            found.append(f"{verdict.state}: {verdict.reason!r}, expected {state}: {reason!r}")
        items = [item for item in self.items if item["name"] == one.name]
        if verdict.state != "done" or one.item is None:
            found += [f"an item came of it: {item}" for item in items[:1]]
        elif not items:
            found.append("no item came of it")
        else:
            item = items[0]
            found += [
                f"{name} is {str(item[name])[:200]!r}, expected {expected!r}"
                for name, expected in one.item.items()
                if not fits(expected, item[name])
            ]
        hits = self.server.hits(address)
        if len(hits) > one.most:
            found.append(f"{len(hits)} requests, {one.most} are enough: {[hit.target[:60] for hit in hits[-3:]]}")
        if one.cut:
            reasons = self.reasons(one)
            if not any(re.search(one.cut, reason) for reason in reasons):
                found.append(f"nothing was cut with the reason {one.cut!r}: {reasons[:3]}")
        if one.check is not None and (complaint := one.check(self, address)):
            found.append(complaint)
        return found

    def reasons(self, one: Behaviour) -> list[str]:
        """Why requests ended that were found on its pages."""
        start = start_url(one, self.server)
        begins = {number for number, parent, url, _, _ in self.rows if url == start and not parent}
        own = f"{ADDRESSES[one.name]}:"
        return [
            reason
            for number, parent, _, host, reason in self.rows
            if reason and number not in begins and (parent in begins or host.startswith(own))
        ]

    def account(self) -> str:
        """The section of docs/conformance.md."""
        wrong = sum(bool(self.complaints(one)) for one in BEHAVIOURS)
        healthy = len({item["url"] for item in self.items if item["name"] == "healthy"})
        return (
            "## Hostile server\n\n"
            f"`make hostile` crawls {len(BEHAVIOURS)} behaviours of `tests/hostile/`, one host each, and "
            f"{HEALTHY_PAGES} healthy pages in between, in one crawl with two workers or more and short timeouts. "
            f"Measured with Python {platform.python_version()} on {platform.system()}: {self.seconds:.0f} s, "
            f"{self.peak:.0f} MB at most for all processes together (PSS), {healthy} healthy pages read, "
            f"{wrong} verdicts not as expected. HOST is the behaviour's own address; seconds are from the first "
            "attempt to the end of the last.\n\n" + self.table()
        )

    def table(self) -> str:
        """All verdicts, for people."""
        lines = ["| behaviour | verdict | reason | seconds |", "|---|---|---|---:|"]
        for one in BEHAVIOURS:
            verdict = self.verdicts[one.name]
            reason = verdict.reason.replace(f"{HERE}/", "")
            for address in ADDRESSES.values():
                reason = reason.replace(f"{address}:{self.server.port}", "HOST") if address in reason else reason
            reason = reason if len(reason) <= 100 else reason[:97] + "..."
            mark = "" if not self.complaints(one) else " (not as expected)"
            lines.append(f"| {one.name} | {verdict.state}{mark} | {_cell(_plain(reason))} | {verdict.seconds:.1f} |")
        return "\n".join(lines)


def crawl(folder: Path, command=()) -> Crawled:
    """Crawl everything, in `folder`."""
    (folder / "home").mkdir()
    with server(HERE / "certificate.pem") as hostile:
        _write(folder, hostile)
        environment = {
            name: value for name, value in os.environ.items() if name in KEPT or not name.startswith("CRAWL_")
        }
        arguments = [
            sys.executable, "-m", "crawler", "run", HERE / "spider.py", "-v", "--config", folder / "settings.toml",
            "-a", f"starts={folder / 'starts.jsonl'}", "-o", folder / "items.jsonl", "-o", folder / "items.csv",
            "--run-dir", folder / "run", "--log-file", folder / "crawl.log", "--max-time", 50, *command,
        ]  # fmt: skip
        began = time.monotonic()
        process = subprocess.Popen(
            [*map(str, arguments)],
            cwd=folder / "home",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        meter = Meter(process.pid)
        meter.start()
        try:
            stdout, stderr = process.communicate(timeout=100)
        finally:
            process.kill()
            meter.stop()
        seconds = time.monotonic() - began
    assert (folder / "run/report.json").exists(), f"the crawl did not run: {stderr.decode()[-2000:]}"
    return Crawled(hostile, folder, process.returncode, stdout, stderr.decode(), seconds, meter.peak)


class Meter(threading.Thread):
    """Samples the memory (PSS, MB) of all processes of a session together."""

    def __init__(self, session: int) -> None:
        super().__init__(name="meter", daemon=True)
        self._session = session
        self._over = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, sum(map(self._size, Path("/proc").glob("[0-9]*"))) / 1024)

    def _size(self, folder: Path) -> int:
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) != self._session:
                return 0
            return int((folder / "smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
        except (OSError, IndexError, ValueError):
            return 0  # it ended meanwhile

    def stop(self) -> None:
        self._over.set()
        self.join()


def _write(folder, hostile):
    lines = []
    for one in BEHAVIOURS:
        request = {
            "url": start_url(one, hostile), "headers": one.headers, "cookies": one.cookies,
            "data": {"name": one.name, "follow": one.follow},
        }  # fmt: skip
        lines.append(json.dumps(request))
    step = max(1, len(lines) // len(HEALTHY))
    for number, address in enumerate(HEALTHY):  # in between
        request = {"url": hostile.url(address, "/0"), "data": {"name": "healthy", "follow": True}}
        lines.insert(number * (step + 1), json.dumps(request))
    (folder / "starts.jsonl").write_text("\n".join(lines))
    tables = [
        f'[[host]]\nmatch = "{ADDRESSES[one.name]}"\n{"" if one.asks_robots else "robots = false"}\n{one.settings}\n'
        for one in BEHAVIOURS
        if one.settings or not one.asks_robots
    ]
    (folder / "settings.toml").write_text(SETTINGS + "\n" + "\n".join(tables))


def _verdict(ledger, url):
    known = lookup(ledger, canonical(url) if "a" * 64 not in url else url)
    own = [one for one in known if not one.request.parent] or known
    if not own:
        return Verdict("unknown", "", 0.0)
    one = own[0]
    seconds = max((a.at + a.seconds for a in one.attempts), default=0.0) - min(
        (a.at for a in one.attempts), default=0.0
    )
    return Verdict(one.state, one.reason or "", seconds)


def _plain(text):
    return text.encode("unicode_escape").decode() if re.search("[\x00-\x1f\x7f-\x9f]", text) else text


def _cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


HEALTHY_PAGES = len(HEALTHY) * PAGES

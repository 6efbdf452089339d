"""What all faults share: a slow site, a crawl of it with real processes, and the account that is made afterwards.

`KILLS` in the environment says how often a crawl is killed (10). With `TABLE=FILE` the account of all faults is printed
as one table and put into that file (`make faults`).
"""

import csv
import gzip
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

PAGES = 400
LATENCY = 0.02
IN_FLIGHT = 16
KILLS = int(os.environ.get("KILLS", "10"))
TABLE = os.environ.get("TABLE", "")
NOISE = ("Traceback", "leaked", "resource_tracker", "shared_memory", "Warning")

SPIDER = """
from crawler import Request, Spider


class Site(Spider):
    name = "site"
    site: str
    pages: int

    def start(self):
        yield Request(f"{self.site}/0")

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        yield {"number": number, "text": page.text}
        for child in (2 * number + 1, 2 * number + 2):
            if child < self.pages:
                yield page.follow(f"/{child}")
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            if "kills" in item.fixturenames:
                item.add_marker(pytest.mark.timeout(90 + 3 * KILLS))


# -- the account of all faults ------------------------------------------------------------------------------------


class Row:
    """A line of the table: what was done how often, and what it cost."""

    def __init__(self):
        self.cases = self.lost = self.repeated = self.again = self.allowed = 0
        self.ended = Counter()


_rows = {}


def _table():
    lines = [
        "| fault | cases | items lost | items repeated | pages fetched again | allowed | ended with |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for fault, row in _rows.items():
        ended = ", ".join(f"{code} ({number})" if number > 1 else code for code, number in row.ended.items())
        lines.append(f"| {fault} | {row.cases} | {row.lost} | {row.repeated} | {row.again} | {row.allowed} | {ended} |")
    return "\n".join(lines)


def pytest_terminal_summary(terminalreporter):
    if TABLE and _rows:
        terminalreporter.write_line(_table())


def pytest_sessionfinish(exitstatus):
    if TABLE and _rows and not exitstatus:
        path = Path(TABLE)
        before, begin, rest = path.read_text().partition("<!-- measured -->\n")
        _, end, after = rest.partition("<!-- end -->\n")
        made = f"`make faults` with Python {platform.python_version()} on {platform.system()}:\n\n{_table()}\n"
        path.write_text(before + begin + made + end + after)


# -- a crawl that is disturbed ------------------------------------------------------------------------------------


class Crawl:
    """A crawl of a site of `pages` pages, from its start over any number of kills and resumes to its end.

    `expected` are the items of an undisturbed run.
    """

    def __init__(self, server, spider, pages, expected, folder, temporary, start_command, wait_until):
        self.server = server
        self.spider = spider
        self.pages = pages
        self.expected = expected
        self.folder = folder
        self.temporary = temporary
        self.run_dir = ()  # the name of the run's folder, if it has one
        self.outputs = folder / "out"
        self.outputs.mkdir()
        self.noise = NOISE  # what shall not stand in what a command says
        self._start_command = start_command
        self._wait_until = wait_until

    def start(self, *arguments, env=None, through=()):
        """The `crawl` command, running in this crawl's folder; `through` is a program that starts it."""
        command = (*through, sys.executable, "-m", "crawler", *arguments)
        return self._start_command(*command, cwd=self.folder, env={"TMPDIR": str(self.temporary), **(env or {})})

    @property
    def command(self):
        """The arguments of `crawl run` for this crawl."""
        politeness = ("--concurrency", IN_FLIGHT, "--per-host", IN_FLIGHT, "--delay", "0")
        return (
            *("run", self.spider, "-a", f"site={self.server.url}", "-a", f"pages={self.pages}"),
            *politeness,
            *(("--run-dir", *self.run_dir) if self.run_dir else ()),
            *("-o", f"{self.outputs}/x.jsonl", "-o", f"{self.outputs}/x.csv.gz"),
        )

    def run(self, *more, **options):
        return self.start(*self.command, *more, **options)

    def resume(self, *more, **options):
        return self.start("resume", *self.run_dir, *more, **options)

    def started(self, *more, pages=60, **options):
        """As `run`, and so many pages have been asked for."""
        running = self.run(*more, **options)
        self.wait_for(running, lambda: len(self.server.log) >= pages)
        assert running.rc is None, running.stderr
        return running

    def wait_for(self, running, condition, seconds=20):
        """Wait for a condition, or until the command has ended."""
        self._wait_until(lambda: condition() or running.process.poll() is not None, seconds)

    def end(self, running, seconds=30):
        """Wait until the command has ended and left nothing behind; its exit code."""
        try:
            running.end(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end within {seconds} s: {running.stderr}")
        self.is_left_clean(running)
        return running.rc

    def kill(self, running, whole_group):
        """SIGKILL to the command, or to all of its processes; False if it had ended before."""
        if running.process.poll() is not None:
            return False
        (os.killpg if whole_group else os.kill)(running.pid, signal.SIGKILL)
        self.end(running)
        return running.rc == -signal.SIGKILL

    def is_left_clean(self, running):
        self._wait_until(lambda: not running.living(), 2)
        for word in self.noise:
            assert word not in running.stderr, running.stderr

    def resume_until_done(self, most=5, env=None):
        """`crawl resume` until it has nothing to do; the exit code that the run ended with."""
        for _ in range(most):
            running = self.resume(env=env)
            self.end(running)
            if running.rc == 2 and "is finished" in running.stderr:
                return json.loads(self.query("SELECT value FROM meta WHERE key = 'end'")[0][0])["exit_code"]
            if running.rc == 2:  # it had ended before there was anything to resume
                assert not self.server.log, running.stderr
                if "rm -r kept" in running.stderr:
                    for path in (self.folder / "kept").iterdir():
                        path.unlink()
                running = self.run(env=env)
                self.end(running)
            if running.rc == 0:
                return 0
        pytest.fail(f"not done after {most} times `crawl resume`: {running.stderr}")

    def workers(self, running):
        """The processes that hold a connection to the site."""
        port = f":{self.server.server_address[1]:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return _holders(running, {fields[9] for fields in lines if fields[2].endswith(port)})

    def room(self, running):
        """The process of the control room."""
        (control,) = self.folder.glob("**/control.json")
        address = json.loads(control.read_text())["address"]
        lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
        (pid,) = _holders(running, {fields[6] for fields in lines if fields[-1] == address})
        return pid

    def status(self):
        """What `crawl status` shows; None where it does not get an answer."""
        running = self.start("status", "--json")
        running.end(20)
        return json.loads(running.process.stdout.read()) if running.rc == 0 else None

    @property
    def ledger(self):
        (path,) = (path for path in self.folder.glob("**/ledger.db") if "record" in _meta(path))
        return path

    def query(self, text, *values):
        with closing(sqlite3.connect(self.ledger)) as database:
            return database.execute(text, values).fetchall()

    def items(self):
        """The items as each place has them: the ledger, and both files."""
        rows = csv.DictReader(gzip.decompress((self.outputs / "x.csv.gz").read_bytes()).decode().splitlines())
        return {
            "ledger": [json.loads(line) for (line,) in self.query("SELECT json FROM items ORDER BY id")],
            "x.jsonl": [json.loads(line) for line in (self.outputs / "x.jsonl").read_bytes().splitlines()],
            "x.csv.gz": [{**row, "number": int(row["number"])} for row in rows],
        }

    def account(self, fault, cases, allowed, ended, without=()):
        """Compare with the undisturbed run, put that into the table, and demand that nothing is lost or repeated.

        `without` are the numbers of pages that shall have no item.
        """
        wanted = Counter(map(_frozen, (item for item in self.expected if item["number"] not in without)))
        lost = repeated = 0
        places = self.items()
        for items in places.values():
            found = Counter(map(_frozen, items))
            lost += (wanted - found).total()
            repeated += (found - wanted).total()
        paths = Counter(hit.target for hit in self.server.log)
        again = paths.total() - len(paths)
        row = _rows.setdefault(fault, Row())
        row.cases += cases
        row.lost += lost
        row.repeated += repeated
        row.again += again
        row.allowed += allowed
        row.ended[str(ended)] += 1
        print(f"{fault}: {cases} cases, {lost} lost, {repeated} repeated, {again} pages again, {allowed} allowed")
        assert (lost, repeated) == (0, 0)
        assert again <= allowed
        assert self.query("PRAGMA integrity_check") == [("ok",)]
        assert not self.query("SELECT url FROM requests WHERE state = 0")
        assert not list(self.temporary.iterdir())


def _holders(running, inodes):
    """Processes of a crawl, but not its first one, that have one of these sockets open."""
    sockets = {f"socket:[{inode}]" for inode in inodes}
    holders = []
    for pid in running.living():
        with suppress(OSError):
            links = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
            if pid != running.pid and not sockets.isdisjoint(links):
                holders.append(pid)
    return holders


def _meta(path):
    with closing(sqlite3.connect(path)) as database:
        try:
            return [key for (key,) in database.execute("SELECT key FROM meta")]
        except sqlite3.DatabaseError:
            return []


def _frozen(item):
    return tuple(sorted(item.items()))


@pytest.fixture
def temporary():
    """A folder for temporary files, short as a socket has to fit in."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def patched(tmp_path):
    """`patched(module, text)`: an environment in which every Python runs `text` when it has imported `module`.

    `text` finds the module as `module`.
    """

    def prepare(module, text):
        folder = tmp_path / "patch"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(PATCH.format(name=module))
        (folder / "fault.py").write_text(text)
        return {"PYTHONPATH": str(folder)}

    return prepare


PATCH = """
import importlib.util
import sys


class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "{name}":
            return None
        sys.meta_path.remove(cls)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, cls)  # who asks where a module is need not import it
        load = spec.loader.exec_module

        def load_and_patch(module):
            load(module)
            with open(__file__.replace("sitecustomize", "fault")) as text:
                exec(compile(text.read(), text.name, "exec"), {{"module": module}})

        spec.loader.exec_module = load_and_patch
        return spec


sys.meta_path.insert(0, Finder)
"""


def text_of(number):
    return f"<p>page {number}, 第 {number} 页, «{'x' * (number % 50)}»"


def body_of(hit):
    return text_of(int(hit.path[1:]))


_undisturbed = []


@pytest.fixture
def undisturbed(serve, start_crawl, tmp_path):
    """The items of a crawl of the whole site to which nothing happens. One for all tests."""
    if not _undisturbed:
        server = serve({"*": body_of})
        (tmp_path / "undisturbed.py").write_text(SPIDER)
        command = ("run", "undisturbed.py", "-a", f"site={server.url}", "-a", f"pages={PAGES}", "--delay", "0")
        running = start_crawl(*command, "--per-host", "16", "-o", "undisturbed.jsonl")
        running.end(30)
        assert running.rc == 0, running.stderr
        _undisturbed.extend(map(json.loads, (tmp_path / "undisturbed.jsonl").read_bytes().splitlines()))
        assert len(_undisturbed) == len(server.log) == PAGES
    return _undisturbed


@pytest.fixture
def crawl_of(serve, start_command, wait_until, undisturbed, temporary, tmp_path):
    """`crawl_of(pages=400, latency=0.02)`: a `Crawl` of a new site, in a folder of its own; `routes` of the site."""
    made = []

    def make(pages=PAGES, latency=LATENCY, spider=SPIDER, routes=None):
        folder = tmp_path / f"crawl-{len(made)}"
        folder.mkdir()
        (folder / "site.py").write_text(spider)
        server = serve({"*": body_of, **(routes or {})}, latency=latency)
        expected = [item for item in undisturbed if item["number"] < pages]
        made.append(Crawl(server, "site.py", pages, expected, folder, temporary, start_command, wait_until))
        return made[-1]

    return make


@pytest.fixture
def mount():
    """`mount(folder, "size=64k")`: a file system in memory, with these options; skips where that is not allowed."""
    mounted = []

    def make(folder, *options):
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mount: {done.stderr.strip()}")
        mounted.append(folder)

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def kills():
    """How often a crawl is killed."""
    return KILLS


@pytest.fixture
def in_flight():
    """Requests that are in flight at most: what may be fetched again after a kill."""
    return IN_FLIGHT

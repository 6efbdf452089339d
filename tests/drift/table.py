"""The table of `docs/drift.md`: what becomes of each mutation, on each kind of page it can happen to.

    python -m tests.drift.table docs/drift.md

writes it there (`make drift`); without a file it is printed.
"""

import re
import sys
import tempfile
from pathlib import Path

import msgspec

from crawler.assemble.readers import reader_setup
from crawler.download_folder import DownloadFolders
from crawler.good_runs import RunPages, recall
from crawler.observe.drift import Drift, Watched
from crawler.observe.events import PageYielded
from crawler.packed import unpack
from crawler.reader import Reader
from crawler.response import Landing, ToRead
from crawler.runs.folder import RunFolder
from crawler.settings import flat, merge
from crawler.spider.blame import blame
from crawler.spider.read import read_page
from tests.conformance.document import write_section
from tests.drift.mutations import MUTATIONS, mutated
from tests.drift.pages import MAKERS, page
from tests.drift.spiders import EXPECTS, SPIDERS

RUNS = 3  # good ones, before
PAGES = 50  # of each
BEFORE = 20  # good pages of a run, before it happens
MOST = 60  # mutated pages
LIST = 10  # pages of a list whose last page leads nowhere,
CUT = 5  # and of one that is cut off
CUTS = ("login page", "verification page", "consent wall", "maintenance page")


class Run:
    """One run of one spider over pages that are handed to it; what it keeps goes below `folder`.

    `workers`: so many read the pages in turn, and leave most bodies where they are; 0 = the main process does.
    """

    def __init__(self, kind, folder, name, expect=None, workers=0):
        (folder / name).mkdir(parents=True, exist_ok=True)
        self.pages = RunPages(RunFolder(folder / name))
        self.spider = SPIDERS[kind]()
        self.alarms = []
        self.readers = [reader(self.spider, expect) for _ in range(workers)]
        self.turn = self.bodies = 0
        self.drift = Drift(
            [Watched(kind, expect, self.pages.history(kind))],
            keep=self.pages.keep,
            recall=recall,
            blame=lambda _, *visits: blame(self.spider, *visits),
            alarmed=self.alarms.append,
        )

    def read(self, request, response):
        if self.readers:
            self.turn += 1
            landing = self.readers[self.turn % len(self.readers)].read(ToRead(request), Landing(1, 0.0, response))
            response, (reading, _) = landing.outcome, unpack(landing.reading)
            self.bodies += bool(response.body)
        else:
            reading = read_page(self.spider, response, request)
        self.drift.hear(PageYielded(request, "parse", response, reading))

    def end(self, keep=True):
        self.drift.end()
        if keep and not self.drift.alarms:
            self.pages.keep_profiles(self.drift.profiles())
        return self.drift.alarms


def reader(spider, expect):
    """What reads pages in a worker, with a spider of its own."""
    spider = type(spider)()
    spider.expect = expect
    settings = merge([flat({"crawl": {"pool": "inline", "parse_in": "pool"}}, "table")])
    files = DownloadFolders("", False, {})
    return Reader(reader_setup([spider], [settings], files, bodies=False, samples=True), lambda seconds: None)


def learn(kind, folder, runs=RUNS):
    """Good runs, each of other pages. What they said, which should be nothing."""
    said = []
    for seed in range(1, runs + 1):
        run = Run(kind, folder, f"run-{seed}")
        for number in range(1, PAGES + 1):
            run.read(*page(kind, number, seed))
        said += run.end()
    return said


def good(kind, folder, expect=None, seed=99):
    """A run of pages that nobody has seen before, and which nobody learns from; its alarms."""
    run = Run(kind, folder, f"good {seed}", expect)
    for number in range(1, PAGES + 1):
        run.read(*page(kind, number, seed))
    return run.end(keep=False)


def happen(mutation, kind, folder, before, expect=None, workers=0):
    """A run in which it happens after so many good pages; its alarms at that moment, and how many pages it took.

    None where there is no alarm, or one too early.
    """
    run = Run(kind, folder, f"{mutation} {kind} {before} {workers}", expect, workers)
    for number in range(1, before + 1):
        run.read(*page(kind, number, 7))
    if run.alarms:
        return run.alarms, None
    for number in range(before + 1, before + MOST + 1):
        run.read(*mutated(mutation, kind, number, 7))
        if run.alarms:
            return run.alarms, number - before
    return [], None


def follow(run, pages, mutation=None):
    """One list, page after page; `mutation`: what comes instead of the page after the last one. Its alarms."""
    for number in range(1, pages + 1):
        request, response = page("board", number, 5)
        run.read(request.replace(depth=number), response)
    if mutation:
        request, response = mutated(mutation, "board", pages + 1, 5)
        run.read(request.replace(depth=pages + 1), response)
    return run.end(keep=not mutation)


def cut(mutation, folder, runs):
    """A list that ends with such a page; its alarms."""
    place = folder / f"cut {mutation} {runs}"
    for number in range(runs):
        assert follow(Run("board", place, f"run-{number}"), LIST) == []
    return follow(Run("board", place, "cut"), CUT, mutation)


class Row(msgspec.Struct, frozen=True):
    """Pages it took: `early` where the whole run was so, `late` where it happened in the middle, `declared` where
    nothing was known but what the spider expects. `alarms`: what was told of `late`."""

    mutation: str
    kind: str
    early: int | None
    late: int | None
    declared: int | None
    alarms: list


def row(mutation, kind, learned, empty):
    """`learned`: the folder with good runs of the kind; `empty`: one without any."""
    early = happen(mutation, kind, learned, 0)[1]
    alarms, late = happen(mutation, kind, learned, BEFORE)
    declared = happen(mutation, kind, empty, BEFORE, EXPECTS[kind])[1]
    return Row(mutation, kind, early, late, declared, alarms)


def text(rows, false_alarms, cuts):
    """The part of the page that is measured."""
    told = sum(one.late is not None for one in rows)
    five = sum(all((one.late or MOST) <= 5 for one in rows if one.mutation == name) for name in MUTATIONS)
    lines = [
        f"{len(MUTATIONS)} mutations, each on all kinds of pages it can happen to: {len(rows)} rows, {told} alarms.",
        f"Of {five} mutations all alarms came within five pages.",
        "",
        f"| {PAGES} different good pages of | false alarms, compared | false alarms, declared |",
        "|---|---:|---:|",
        *(f"| {kind} | {compared} | {declared} |" for kind, (compared, declared) in false_alarms.items()),
        "",
        "| mutation | pages of | from the first page on | after 20 good pages | declared | what it named, where |",
        "|---|---|---:|---:|---:|---|",
    ]
    for one in rows:
        pages = " | ".join("none" if after is None else str(after) for after in (one.early, one.late, one.declared))
        lines.append(f"| {one.mutation} | {one.kind} | {pages} | {_named(one.alarms[0]) if one.alarms else ''} |")
    lines += [
        "",
        f"| a list of {LIST} pages ends after {CUT} with a | after 1 good run | after 3 | what it named, where |",
        "|---|---:|---:|---|",
    ]
    for name, found in cuts.items():
        pages = " | ".join(str(alarms[0].after) if alarms else "none" for alarms in found)
        lines.append(f"| {name} | {pages} | {_named(found[-1][0]) if found[-1] else ''} |")
    return "\n".join(lines)


def _named(alarm):
    message = re.sub(r"([&<*_|\[])", r"\\\1", alarm.message)
    where = f"{Path(alarm.where).name} {alarm.selector}".strip().replace("|", "\\|")
    return f"{message}: `{where}`" if where else message


def whole(folder):
    """All of it; what is kept goes below `folder`."""
    false_alarms = {}
    for kind in MAKERS:
        learn(kind, folder / kind)
        empty = folder / "empty" / kind
        false_alarms[kind] = (len(good(kind, folder / kind)), len(good(kind, empty, EXPECTS[kind])))
    rows = [
        row(name, kind, folder / kind, folder / "empty" / kind)
        for name, (_, kinds) in MUTATIONS.items()
        for kind in kinds
    ]
    cuts = {name: [cut(name, folder, runs) for runs in (1, 3)] for name in CUTS}
    return text(rows, false_alarms, cuts)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measured = whole(Path(place))
    if len(sys.argv) > 1:
        write_section(Path(sys.argv[1]), "drift", measured)
    print(measured)

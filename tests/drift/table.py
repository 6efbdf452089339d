"""The table of `docs/drift.md`: what becomes of each mutation, on each kind of page it can happen to."""

import msgspec

from crawler.good_runs import RunPages, recall
from crawler.observe.drift import Drift, Watched
from crawler.observe.events import PageYielded
from crawler.runs.folder import RunFolder
from crawler.spider.blame import blame
from crawler.spider.read import read_page
from tests.drift.mutations import ALL, MUTATIONS, mutated
from tests.drift.pages import page
from tests.drift.spiders import SPIDERS

RUNS = 3  # good ones, before
PAGES = 50  # of each
BEFORE = 20  # good pages of a run, before it happens
MOST = 40  # mutated pages


class Run:
    """One run of one spider over pages that are handed to it; what it keeps goes below `folder`."""

    def __init__(self, kind, folder, name):
        (folder / name).mkdir(parents=True, exist_ok=True)
        self.pages = RunPages(RunFolder(folder / name))
        self.spider = SPIDERS[kind]()
        self.alarms = []
        self.drift = Drift(
            [Watched(kind, self.spider.expect, self.pages.history(kind))],
            keep=self.pages.keep,
            recall=recall,
            blame=lambda _, *visits: blame(self.spider, *visits),
            alarmed=self.alarms.append,
        )

    def read(self, request, response):
        self.drift.hear(PageYielded(request, "parse", response, read_page(self.spider, response, request)))

    def end(self):
        self.drift.end()
        if not self.drift.alarms:
            self.pages.keep_profiles(self.drift.profiles())
        return self.drift.alarms


def learn(kind, folder):
    """Good runs, each of other pages. What they said, which should be nothing."""
    said = []
    for seed in range(1, RUNS + 1):
        run = Run(kind, folder, f"run-{seed}")
        for number in range(1, PAGES + 1):
            run.read(*page(kind, number, seed))
        said += run.end()
    return said


def good(kind, folder, name="good", seed=99, pages=PAGES):
    """A run of pages that nobody has seen before; its alarms."""
    run = Run(kind, folder, name)
    for number in range(1, pages + 1):
        run.read(*page(kind, number, seed))
    return run.end()


def happen(mutation, kind, folder, before):
    """A run in which it happens after so many good pages; its alarms at that moment, and how many pages it took."""
    run = Run(kind, folder, f"{mutation} {kind} {before}")
    for number in range(1, before + 1):
        run.read(*page(kind, number, 7))
    if run.alarms:
        return run.alarms, 0
    for number in range(before + 1, before + MOST + 1):
        run.read(*mutated(mutation, kind, number, 7))
        if run.alarms:
            return run.alarms, number - before
    return [], 0


class Row(msgspec.Struct, frozen=True):
    """`early`: pages it took where the whole run was so; `late`: where it happened in the middle."""

    mutation: str
    kind: str
    early: int
    late: int
    alarms: list


def rows(folder):
    """All of them."""
    found = []
    for mutation, (_, kinds) in MUTATIONS.items():
        for kind in kinds:
            _, early = happen(mutation, kind, folder / kind, 0)
            alarms, late = happen(mutation, kind, folder / kind, BEFORE)
            found.append(Row(mutation, kind, early, late, alarms))
    return found


if __name__ == "__main__":
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind in ALL:
            print(kind, learn(kind, folder / kind), good(kind, folder / kind))
        for row in rows(folder):
            print(row.mutation, row.kind, row.early, row.late)
            for alarm in row.alarms:
                print("      ", alarm.message, "|", alarm.where, alarm.selector)

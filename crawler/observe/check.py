"""One thing that may be wrong with pages, and how it is told from what is usual."""

from __future__ import annotations

from math import inf, log
from typing import Any

from crawler.observe import odds
from crawler.observe.alarm import What
from crawler.observe.events import PageYielded
from crawler.observe.inside import Place
from crawler.observe.profile import Tally

_FEWEST_ITEMS = 20  # before a share means anything


class Check:
    """One thing that may be wrong. `needs_items`: pages without items say nothing about it; `place`: nor do those
    without dicts there, as it is about a field of these.

    `good` and `bad` are the pages around the place where it began, while it lasts.
    """

    def __init__(
        self,
        name: str,
        what: What,
        field: str,
        tally: Tally,
        needs_items: bool = False,
        place: Place[Check] | None = None,
    ) -> None:
        self.name = name
        self.what = what
        self.field = field
        self.needs_items = needs_items
        self.place = place
        self.tally = tally
        self.streak_needed = inf
        self.walk_needed = inf
        self.usual = (0, 0)  # how many pages of good runs were bad, of how many
        self.is_usual = False  # whether that is so often that nothing follows from it
        self.limit = 0  # items per page, where it is about that
        self.trail: tuple[int, int, int] | None = None  # pages now, fewest of good runs, how many runs
        self.value: Any = None  # what stands in the bad page
        self.is_told = False
        self.since = 0  # how many pages of the kind there were before the first bad one
        self.count = 0  # bad pages since then
        self.good: PageYielded | None = None
        self.bad: PageYielded | None = None

    def compare(self, bad: int, pages: int, usual: Tally, runs: int) -> None:
        """Be told what so many good runs were like: `bad` of so many pages, and how far it went then."""
        self.usual = (bad, pages)
        self.is_usual = pages > 0 and odds.is_usual(odds.estimate(bad, pages))
        if pages < odds.FEWEST_PAGES:
            return  # the end of the run may say something
        p = odds.estimate(bad, pages)
        alpha = odds.alpha(pages / runs)
        self.streak_needed = max(odds.streak_needed(p, usual.longest, alpha), odds.shortest_streak(pages))
        self.walk_needed = max(odds.walk_needed(p, usual.worst, alpha), odds.shortest_streak(pages))

    def declare(self, in_a_row: int) -> None:
        """Be told by the spider how many bad pages in a row are too many; every second one is, too, after a while."""
        self.streak_needed = in_a_row
        self.walk_needed = 3 * in_a_row

    def count_bad(self) -> bool:
        """One more bad page; whether that is an alarm."""
        tally = self.tally
        tally.bad += 1
        tally.streak += 1
        tally.walk += 1
        tally.worst = max(tally.worst, tally.walk)
        tally.longest = max(tally.longest, tally.streak)
        self.count += 1
        return not self.is_told and (tally.streak >= self.streak_needed or tally.walk >= self.walk_needed)

    def count_good(self) -> bool:
        """A good page while there are bad ones; whether they are forgotten now."""
        tally = self.tally
        tally.streak = 0
        tally.walk = max(0.0, tally.walk - odds.STEP_DOWN)
        if tally.walk == 0 and not self.is_told:
            self.good = self.bad = None
            self.count = 0
            return True
        return False


class Share:
    """How many items have something in a field, where the spider says what share it is.

    Two counters, as in `odds`, but of items: empty ones in a row, and a cumulative sum, which finds twice as many as
    there may be.
    """

    def __init__(self, field: str, share: float) -> None:
        self.field = field
        self.share = share
        self.items = self.empty = self.pages = 0
        self.is_told = False
        p = max(1 - share, 1e-3)
        self._up = log((1 + p) / 2 / p)
        self._down = log((1 - (1 + p) / 2) / (1 - p)) if p < 1 else 0.0
        self._each = -log(p)  # of empty ones in a row
        self._sum = self._streak = 0.0

    def read(self, values: list[bool]) -> bool:
        """Items of a page; whether that is an alarm, from the third page on."""
        empty = values.count(False)
        self.items += len(values)
        self.empty += empty
        before, self._sum = self._sum, max(0.0, self._sum + empty * self._up + (len(values) - empty) * self._down)
        self._streak = self._streak + empty * self._each if empty == len(values) else 0.0
        self.pages = self.pages + 1 if before and self._sum else int(self._sum > 0)
        return not self.is_told and self.pages >= 3 and max(self._sum, self._streak) >= -log(odds.alpha(0))

    @property
    def is_short(self) -> bool:
        """Whether fewer items than declared had something, at the end of a run."""
        return self.items >= _FEWEST_ITEMS and self.items - self.empty < self.share * self.items

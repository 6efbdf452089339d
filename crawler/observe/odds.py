"""How many bad pages it takes before a kind of page counts as changed.

In good runs a page of the kind is bad with some probability p, which is estimated from n of them, of which b were bad,
as (b + 1) / (n + 2): Laplace's rule of succession, never 0. Two counters are watched. Both are such that pages which
are bad with p, and independently of each other, bring one of them to its height in one of a thousand runs at most:

- the *streak*, bad pages in a row. Of k pages all are bad with probability p^k.
- the *walk*, a cumulative sum (Page, Biometrika 1954): a bad page is a step up, a good one a third of a step down, and
  it never gets below 0. It finds pages that are bad half of the time, such as one variant of two, which a streak never
  does. From 0 it gets to k with a probability of at most exp(-θk) (Lundberg's inequality), where
  p·exp(θ) + (1-p)·exp(-θ/3) = 1.

Bad pages do not come independently in life: the empty categories of a shop lie next to each other. So neither counter
tells anything before it is higher, by 2 or by half, than the walk ever was in a good run.
"""

from __future__ import annotations

from math import ceil, exp, inf, log

FALSE_ALARMS = 1e-3  # of one check in a run of the usual length
STEP_DOWN = 1 / 3
FEWEST_PAGES = 10  # of good runs, before anything is said: from here on five bad pages in a row are enough
_SHORT_RUN = 50
_LOWEST_WALK = 4
_COMMON = 0.8  # what is bad so often says nothing
_DRIFTS_UP = 0.2  # a walk of bad pages that are as common as this goes up by itself


def alpha(pages: float) -> float:
    """How likely a false alarm may be at each page, where a run has so many."""
    return FALSE_ALARMS / max(pages, _SHORT_RUN)


def shortest_streak(pages: int) -> int:
    """So many bad pages it takes at least, as what was estimated from few pages may be wrong.

    Where none of n pages was bad, p is below 3/n with 95 % certainty (the rule of three): 5 pages that are bad with
    3/15 come in a row with a probability of 3e-4, 4 with 3/25 and 3 with 3/50 of 2e-4.
    """
    return 5 if pages < 25 else 4 if pages < 50 else 3


def estimate(bad: int, pages: int) -> float:
    """The probability of a bad page, after so many bad ones among so many."""
    return (bad + 1) / (pages + 2)


def is_usual(p: float) -> bool:
    """Whether bad pages are so common that nothing follows from them."""
    return p >= _COMMON


def streak_needed(p: float, longest: float, alpha: float) -> float:
    """So many bad pages in a row are an alarm; infinite where none is. `longest`: the longest streak of good runs."""
    return inf if is_usual(p) else max(ceil(log(alpha) / log(p)), above(longest))


def walk_needed(p: float, worst: float, alpha: float) -> float:
    """A walk of this height is an alarm; infinite where none is."""
    if p >= _DRIFTS_UP:
        return inf
    return max(_LOWEST_WALK, -log(alpha) / _theta(p), above(worst))


def above(worst: float) -> float:
    """What is clearly more than ever happened in a good run."""
    return max(worst + 2, 1.5 * worst) if worst else 0.0


def _theta(p: float) -> float:
    """The root above 0 of p·exp(θ) + (1-p)·exp(-θ/3) = 1, by bisection; between its minimum and log(1/p)."""
    low, high = log((1 - p) * STEP_DOWN / p) / (1 + STEP_DOWN), log(1 / p)  # from where the sum is smallest
    for _ in range(40):
        middle = (low + high) / 2
        if p * exp(middle) + (1 - p) * exp(-middle * STEP_DOWN) < 1:
            low = middle
        else:
            high = middle
    return low

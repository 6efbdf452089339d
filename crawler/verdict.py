"""The closed set of answers a rule can give. Matched with `match` and `assert_never`.

`found(request)`            → Go | Drop
`before(request)`           → Go | Drop
`after(request, outcome)`   → Keep | Again | Drop
"""

from __future__ import annotations

from typing import Literal

import msgspec

from crawler.request import Request
from crawler.response import HeaderPairs

State = Literal["dropped", "failed", "blocked"]


class Go(msgspec.Struct, frozen=True):
    """Nothing against it. `header_pairs` are sent along where the request does not set the same field itself."""

    header_pairs: HeaderPairs = ()


class Keep(msgspec.Struct, frozen=True):
    """The outcome stands and goes on to the next rule, at last to the spider."""


class Drop(msgspec.Struct, frozen=True):
    """This request ends here. `reason` is shown to people and kept: "scope: other.example is not allowed".

    `state` says how it counts: `dropped` was not wanted, `failed` was wanted and not got, `blocked` met a
    verification or ban page. `error` makes it count as a page error (a 404 is failed, but not an error).
    """

    reason: str
    state: State = "dropped"
    error: bool = False


class Again(msgspec.Struct, frozen=True):
    """Do it again as `request`, not before `delay` seconds from now (a retry, a redirect)."""

    request: Request
    delay: float = 0.0
    reason: str = ""


GO = Go()
KEEP = Keep()

Found = Go | Drop
Before = Go | Drop
After = Keep | Again | Drop

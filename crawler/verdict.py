"""The closed set of answers a rule can give. Matched with `match` and `assert_never`.

`found(request)`            → Go | Drop
`before(request)`           → Go | Drop | First | Answer
`first(request, outcome)`   → Keep | Again
`after(request, outcome)`   → Keep | Again | Drop | Answer
"""

from __future__ import annotations

from typing import Literal

import msgspec

from crawler.request import Request
from crawler.response import HeaderPairs, Outcome, Route
from crawler.saved import Into

State = Literal["done", "dropped", "failed", "blocked"]


class Go(msgspec.Struct, frozen=True):
    """Nothing against it. `header_pairs` are sent along where the request does not set the same field itself.

    `route` says how it gets there, if that is not the ordinary way, `into` that its body goes to a file.
    """

    header_pairs: HeaderPairs = ()
    route: Route | None = None
    into: Into | None = None


class Keep(msgspec.Struct, frozen=True):
    """The outcome stands and goes on to the next rule, at last to the spider.

    `leads_to` are requests that are offered along with those of its page, after them. Items whose digests
    (`digest.digest_of`) are in `known` are left out.
    """

    leads_to: tuple[Request, ...] = ()
    known: frozenset[int] = frozenset()


class Drop(msgspec.Struct, frozen=True):
    """This request ends here. `reason` is shown to people and kept: "scope: other.example is not allowed".

    `state` says how it counts: `done` was got and need not be read, `dropped` was not wanted, `failed` was wanted and
    not got, `blocked` met a verification or ban page. `error` makes it count as a page error (a 404 is failed, but not
    an error). `leads_to` are requests that are offered in its place, as if they had been found on its page.
    """

    reason: str
    state: State = "dropped"
    error: bool = False
    leads_to: tuple[Request, ...] = ()


class First(msgspec.Struct, frozen=True):
    """Fetch this one first, and nothing else of the host meanwhile; then the rule's `first` is told what came.

    There it says `Keep` (go on with the host; `before` is asked again about its requests) or `Again` (another hop,
    another try).
    """

    request: Request


class Answer(msgspec.Struct, frozen=True):
    """This response is the outcome: before the fetch instead of it, afterwards in place of what came.

    `by` says where it comes from, for people: "the cache"; "" = it is what came, in another form, or nothing
    came. What is replayed may be a failure.
    """

    response: Outcome
    by: str = ""


class Again(msgspec.Struct, frozen=True):
    """Do it again as `request`, not before `delay` seconds from now (a retry, a redirect)."""

    request: Request
    delay: float = 0.0
    reason: str = ""


GO = Go()
KEEP = Keep()

Found = Go | Drop
Before = Go | Drop | First | Answer
FirstCame = Keep | Again
After = Keep | Again | Drop | Answer

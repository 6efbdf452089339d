"""What happens in a run, as frozen values that listeners hear. Emitted by the engine, one per fact."""

from __future__ import annotations

import msgspec

from crawler.observe.alarm import Alarm
from crawler.reading import PageError, Reading
from crawler.request import Request
from crawler.response import Outcome, Response


class Fact(msgspec.Struct, frozen=True):
    """Base of the events."""


class Started(Fact, frozen=True):
    """The crawl begins. `spiders` are their names."""

    spiders: tuple[str, ...]
    workers: int
    pool: str


class Fetched(Fact, frozen=True):
    """An answer came from the network; one per response, whatever becomes of it. `truncated`: its body was cut."""

    url: str
    host: str
    status: int
    size: int
    seconds: float
    truncated: bool = False


class Answered(Fact, frozen=True):
    """A rule had the answer, and no page was fetched for it. `by` says where it was ("the cache")."""

    url: str
    status: int
    by: str


class PageRead(Fact, frozen=True):
    """A callback has read a page without an error."""

    url: str
    callback: str
    items: int
    requests: int


class PageYielded(Fact, frozen=True):
    """All that a callback gave for a page, or the error it ended with. Only who asks for it by name is told."""

    request: Request
    callback: str
    response: Response
    reading: Reading


class Drifted(Fact, frozen=True):
    """Pages are not as they were, or not as the spider expects."""

    alarm: Alarm


class FetchFailed(Fact, frozen=True):
    """A request is given up after its retries, or for good reason at once. `kind` is a `FailureKind`.

    `error` is true where it counts as a page error (a 404 is counted, it is not an error).
    """

    url: str
    kind: str
    detail: str
    error: bool


class Retried(Fact, frozen=True):
    """A request goes back to the frontier for another attempt."""

    url: str
    reason: str
    delay: float


class Redirected(Fact, frozen=True):
    """A request goes on as the next hop of a redirect. `reason` says where to."""

    url: str
    reason: str


class Dropped(Fact, frozen=True):
    """A rule said no. `reason` begins with the rule's name: "scope: ..."."""

    url: str
    reason: str


class Blocked(Fact, frozen=True):
    """A verification or ban page came instead of the page. `start` is true if it answered a start URL."""

    url: str
    reason: str
    start: bool


class BlockedPage(Fact, frozen=True):
    """That page itself. Only who asks for it by name is told."""

    request: Request
    outcome: Outcome
    reason: str


class ReadFailed(Fact, frozen=True):
    """User code raised while reading a page, starting or closing; what that page gave is thrown away."""

    error: PageError


class ItemStored(Fact, frozen=True):
    """`count` items were handed to the outputs."""

    count: int


class ItemFailed(Fact, frozen=True):
    """One item could not be stored. `where` and `trace` lead to the code of the user that is to blame, if any is.

    `what` is the same for all in which the same thing was wrong ("Movie.score").
    """

    url: str
    reason: str
    where: str = ""
    trace: str = ""
    what: str = ""


class ItemDropped(Fact, frozen=True):
    """One item was not wanted: it is stored already, or a pipeline said no."""

    url: str
    reason: str


class WorkerLost(Fact, frozen=True):
    """A worker died or fell silent; `requests` went back to the frontier."""

    lane: int
    reason: str
    requests: int


class RoomRenewed(Fact, frozen=True):
    """The control room was lost and another one is open, which knows what the ledger knows."""


class Stopping(Fact, frozen=True):
    """Somebody asked the crawl to stop; requests in flight may land for `grace` seconds."""

    grace: float


class Finished(Fact, frozen=True):
    """The crawl is over. `reason` is "finished", "max_pages reached", "stopped by Ctrl-C", ..."""

    reason: str


Event = (
    Started
    | Fetched
    | Answered
    | PageRead
    | Drifted
    | FetchFailed
    | Retried
    | Redirected
    | Dropped
    | Blocked
    | ReadFailed
    | ItemStored
    | ItemFailed
    | ItemDropped
    | WorkerLost
    | RoomRenewed
    | Stopping
    | Finished
)

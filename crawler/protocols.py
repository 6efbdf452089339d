"""What the rooms of floor 1 and 2 need from each other, as Protocols. `assemble/` fits them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from crawler.request import Request
from crawler.response import Batch, Order, Outcome
from crawler.verdict import After, Before, FirstCame, Found


class Fetcher(Protocol):
    """A client that fetches many orders at once. Lives in a worker."""

    def submit(self, orders: Sequence[Order]) -> None:
        """Take orders; each starts at its own earliest start."""

    def collect(self, linger: float) -> Batch:
        """Wait until something is done or `linger` seconds are over; all that is done, up to a bound."""

    def close(self) -> None:
        """Give up what is in flight and free everything."""


class Pool(Protocol):
    """One worker, spoken to as `multiprocessing.Pool(1)` is."""

    def apply_async(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        callback: Callable[[Any], None],
        error_callback: Callable[[BaseException], None],
    ) -> None:
        """Run `func(*args)` in the worker; exactly one of the callbacks is called, unless the worker dies."""

    def death(self) -> str:
        """Why the worker is gone ("exit code -9"), or "" while it lives."""

    def close(self, timeout: float) -> None:
        """Let the worker leave by itself, for at most `timeout` seconds; then as `abandon`."""

    def abandon(self) -> None:
        """Throw the worker away at once, whatever state it is in. Never blocks for long."""


class Frontier(Protocol):
    """The requests that wait, and which host's turn it is."""

    def push(self, request: Request, not_before: float = 0.0) -> None:
        """Store a request; it is not handed out before `not_before` (seconds of `time.monotonic`)."""

    def next(self, until: float) -> tuple[Request, float] | None:
        """A request of a host that is open at `until`, with its earliest start; closes that host until `open`."""

    def done(self, request: Request) -> None:
        """A request that was handed out has come to its end, and is not pushed again."""

    def open(self, host: str, at: float) -> None:
        """Let `next` hand out a request of this host from the time `at` on."""

    def close(self, host: str) -> None:
        """Hand out no request of this host before it is opened again."""

    def resting(self) -> list[tuple[str, float]]:
        """The hosts that may be asked at some time after now, and that time."""

    def recover(self, waiting: int) -> None:
        """Begin with so many requests that only the ledger has."""

    @property
    def is_hungry(self) -> bool:
        """Whether `refill` has something to do."""

    def refill(self) -> None:
        """Read from the ledger what has room in memory now. What was pushed and done has to be committed."""

    def next_time(self) -> float | None:
        """When the next open host is due, or None if there is none."""

    def __len__(self) -> int:
        """Requests that wait."""


class Seen(Protocol):
    """The fingerprints of every request found so far."""

    def claim(self, fingerprints: Sequence[bytes]) -> list[bool]:
        """For each fingerprint whether it is new; it counts as seen from now on."""

    def fill(self) -> None:
        """Learn what the ledger knows."""

    def recover(self) -> None:
        """Begin again, as the memory is lost, with what the ledger knows."""


class Rule(Protocol):
    """One reason to fetch, change or give up a request. Defines only the moments it cares about.

    - `found(request) -> Go | Drop`: when a request is offered.
    - `before(request) -> Go | Drop | First | Answer`: when its turn has come.
    - `first(request, outcome) -> Keep | Again`: when the outcome of a request is there that it wanted `First`. Such a
      request has the rule's name as its `purpose`. Rules that have `overhear(request, outcome)` are told of it, too.
    - `after(request, outcome) -> Keep | Again | Drop | Answer`: when its outcome is there.
    """

    name: str
    # wants_bodies = True: it looks at the bodies of pages, also of those that were read where they were fetched.


FoundMoment = Callable[[Request], Found]
BeforeMoment = Callable[[Request], Before]
FirstMoment = Callable[[Request, Outcome], FirstCame]
AfterMoment = Callable[[Request, Outcome], After]


class Stages(Protocol):
    """What the items of a spider go through before they are stored.

    Code of the user runs in all of it and may raise anything; `DropItem` is no error. `at` tells which part runs.
    """

    at: str

    @property
    def checks(self) -> bool:
        """Whether `check` has something to do."""

    @property
    def has_pipelines(self) -> bool:
        """Whether `process` has something to do. Not before they are open."""

    @property
    def runs_user_code(self) -> bool:
        """Whether `process` runs code of the user."""

    @property
    def wants_page(self) -> bool:
        """Whether `process` has something to do with the page, besides its item."""

    def check(self, item: Any) -> Any:
        """The item as it is declared. Raises `WrongItem` for one that does not fit."""

    def open(self, spider: Any, number: int, is_stored: Callable[[int], bool]) -> None:
        """Begin, also where a run is resumed. `number`: of the spider in the run; `is_stored`: of a key."""

    def process(self, item: Any, page: Any, keys: list[int], dropped: list[str]) -> list[Any]:
        """What becomes of an item: itself, another one, several, or none.

        `keys` is given those that nobody else may have from now on, also if it raises, and `dropped` the reasons.
        """

    def forget(self, keys: Iterable[Iterable[int]]) -> None:
        """Items with these keys are stored, or are not after all: whoever keeps those that are stored knows better."""

    def close(self, failed: Callable[[BaseException], None]) -> None:
        """End all that were opened; `failed` is told what they raise."""


class Exporter(Protocol):
    """One output file: a view of the items of a run. `close` makes it complete.

    A record arrives as one line of JSON (`item.to_json`): it is encoded once, and all formats show the same values.
    """

    path: str

    def open(self) -> None:
        """Create the file, replacing an old one. Raises `OutputError`."""

    def resume(self, mark: dict[str, Any]) -> bool:
        """Open the file that is there, cut it back to `mark` and go on.

        False if that is impossible: it is missing, shorter, or not what was written up to `mark`. Then `open` and
        write all items again.
        """

    def write(self, lines: Sequence[bytes]) -> None:
        """Append records, all or none of them. Raises `OutputError`."""

    def mark(self) -> tuple[dict[str, Any], int]:
        """The last place where the file can be cut (for JSON), and how many of the lines written are not before it.

        Also after `close`.
        """

    def flush(self, sync: bool) -> None:
        """Hand what waits in memory to the operating system; with `sync` wait for the disk. Raises `OutputError`."""

    def close(self) -> None:
        """Finish the file. May be called twice. Raises `OutputError`."""

    def notes(self) -> list[str]:
        """What people should know of the finished file, such as "{titel}: no item has this field"."""


class Listener(Protocol):
    """Hears every event of a run (`observe.events`) and cannot answer back."""

    hears: tuple[type, ...] | None  # the types of events it wants; None = all
    # wants_bodies = True: of those that have a response it wants the body, also if a worker has read the page.
    # wants_samples = True: it wants the bodies of pages that are unlike most, and now and then of one as always.

    def hear(self, event: Any) -> None: ...

"""The report of a finished run: what came of it, the exit code, and a summary for people."""

from __future__ import annotations

import json
from datetime import datetime
from shlex import quote
from typing import Any, Literal

import msgspec

from crawler.observe.alarm import Alarm
from crawler.observe.plain import plain, safe_json
from crawler.reading import NOT_PAGES, PageError

EndedBy = Literal["", "SIGINT", "SIGTERM", "SIGHUP", "stop"]

SHOWN = 10  # entries of one kind in a summary; the report itself keeps more
LONGEST = 200  # characters of one message or URL in a summary


class Place(msgspec.Struct, frozen=True):
    """Page errors of one kind at one line of user code. `message`, `url` and `callback` are those of the first one."""

    where: str
    kind: str
    message: str
    url: str
    count: int
    callback: str = ""


class FailedFetch(msgspec.Struct, frozen=True):
    """A request that was given up. `error` is true where it counts as an error (a 404 does not)."""

    url: str
    kind: str
    detail: str
    error: bool


class Report(msgspec.Struct, frozen=True):
    """What a run did. Lists hold the first 100 entries, the counters beside them all.

    - `started`, `ended`: UTC; `seconds`: between them by a clock that nobody sets.
    - `reason`: why it ended: "finished", "max_pages reached", ...
    - `pages`: answers from the network; `by_status` counts them by HTTP status, `bytes` sums their bodies,
      `truncated` counts bodies that were cut at `fetch.max_body`.
    - `answered`: pages that were not fetched because a rule had them, by where they came from ("the cache").
    - `items`: the items themselves, where they were kept; `item_count`: items stored, kept or not.
    - `manners`: what people should know of how it behaved, such as that robots.txt is not obeyed.
    - `notes`: what people should know of the outputs, such as a field of the format that no item has.
    - `item_errors`: items that could not be stored; `item_failures`: (url, reason); `item_places` the
      same by line of code and what is wrong (`kind`).
    - `items_dropped`: items that were not wanted, by reason.
    - `page_errors`: exceptions of user code, `places` the same by line of code.
    - `failures`: requests given up; `failed` is how many of them count as errors.
    - `dropped`: requests that rules refused, by rule; `no_pages`: files that were declared as pages, by what they are.
    - `blocked`: (url, reason) of verification and ban pages; `blocked_start`: one of them answered a start URL.
    - `drift`: in what pages are not as they were, or not as the spider expects; one is enough for exit code 1.
    - `ended_by`: the signal or command that ended the run early; `error`, `error_code`: what broke it.
    - `max_errors`, `allow_empty`: the settings that the exit code depends on.
    - `run`: the folder of the run, "" where there is none. `verbose`: each page was logged.
    """

    spiders: tuple[str, ...]
    started: datetime
    ended: datetime
    seconds: float
    reason: str
    pages: int = 0
    by_status: dict[int, int] = {}
    bytes: int = 0
    truncated: int = 0
    answered: dict[str, int] = {}
    items: list[dict[str, Any]] = []
    manners: list[str] = []
    notes: list[str] = []
    item_count: int = 0
    item_errors: int = 0
    item_failures: list[tuple[str, str]] = []
    item_places: list[Place] = []
    items_dropped: dict[str, int] = {}
    page_errors: list[PageError] = []
    page_error_count: int = 0
    places: list[Place] = []
    failures: list[FailedFetch] = []
    failure_count: int = 0
    failures_by_kind: dict[str, int] = {}
    failed: int = 0
    retried: int = 0
    dropped: dict[str, int] = {}
    no_pages: dict[str, int] = {}
    blocked: list[tuple[str, str]] = []
    blocked_count: int = 0
    blocked_start: bool = False
    drift: list[Alarm] = []
    outputs: tuple[str, ...] = ()
    ended_by: EndedBy = ""
    error: str = ""
    error_code: int = 0
    max_errors: int = 0
    allow_empty: bool = False
    run: str = ""
    verbose: bool = False

    @property
    def error_count(self) -> int:
        """Page errors, fetches that failed after their retries, and items that could not be stored."""
        return self.page_error_count + self.failed + self.item_errors

    @property
    def exit_code(self) -> int:
        """What the process ends with:

        130 Ctrl-C, 143 another signal or stop · 6 internal · 5 output · 4 blocked · 2 usage · 1 errors · 3 no items · 0
        """
        if self.ended_by:
            return 130 if self.ended_by == "SIGINT" else 143
        if self.error_code in (5, 6):
            return self.error_code
        if self.blocked_start or (self.blocked_count and not self.item_count):
            return 4
        if self.error_code:
            return self.error_code
        if self.error_count > self.max_errors or self.drift:
            return 1
        if not self.item_count and not self.allow_empty:
            return 3
        return 0

    @property
    def why(self) -> str:
        """Why the exit code is not 0, in one sentence; "" where it is 0."""
        match self.exit_code:
            case 0:
                return ""
            case 130:
                return "ended by Ctrl-C"
            case 143:
                return "ended by crawl stop" if self.ended_by == "stop" else f"ended by {self.ended_by}"
            case 4 if self.blocked_start:
                return f"a start page was blocked{self._by()}"
            case 4:
                return f"pages were blocked{self._by()} and no item was found"
            case 1 if self.error_count <= self.max_errors:
                return f"{_times(len(self.drift), 'drift alarm')}: {_short(self._first_alarm())}"
            case 1:
                return f"{_times(self.error_count, 'error')}, and max_errors allows {self.max_errors:,}"
            case 3:
                return "no items"
        return plain(self.error)

    @property
    def is_unfinished(self) -> bool:
        """Whether there may be something left to do that `crawl resume` would do."""
        return bool(self.ended_by or self.error or self.reason != "finished")

    @property
    def ok(self) -> bool:
        """Whether the run finished and did what was asked for."""
        return self.exit_code == 0

    def as_json(self) -> str:
        """The report without the items, with the exit code."""
        fields = {**msgspec.to_builtins(self), "exit_code": self.exit_code}
        del fields["items"]
        return safe_json(json.dumps(fields, ensure_ascii=False, indent=1))

    def summary(self) -> str:
        """The report as a block of plain text for a terminal, without a line end after the last line."""
        head = f"{plain(', '.join(self.spiders))}: {plain(self.reason)} after {duration(self.seconds)}"
        manners = [f"  manners  {_short(note)}" for note in self.manners]
        sections = [
            *manners,
            *self._counts(),
            *self._errors(),
            *self._failures(),
            *self._blocked(),
            *self._drift(),
            *self._ending(),
        ]
        return "\n".join([head, *sections])

    def _counts(self) -> list[str]:
        replayed = self.answered.get("the archive", 0)
        rate = (replayed or self.pages) / self.seconds if self.seconds > 0 else 0.0
        if replayed:
            lines = [f"  pages    {replayed:,} from the archive ({rate:,.1f}/s)"]
        else:
            lines = [f"  pages    {self.pages:,} ({rate:,.1f}/s, {size(self.bytes)})"]
        if self.by_status:
            by_status = sorted(self.by_status.items(), key=lambda pair: (-pair[1], pair[0]))
            lines[0] += "; by status " + ", ".join(f"{status}: {count:,}" for status, count in by_status)
        for source, count in self.answered.items():
            if source != "the archive":
                lines.append(f"  cached   {_times(count, 'page')} came from {plain(source)}")
        if self.truncated:
            lines.append(f"  cut      {_times(self.truncated, 'page')} at fetch.max_body: the rest was not read")
        lines.append(f"  items    {self.item_count:,}{self._places()}")
        if self.items_dropped:
            dropped = f"{sum(self.items_dropped.values()):,} dropped: {by_count(self.items_dropped)}"
            lines.append(f"           {_short(dropped)}")
        lines += [f"           {_short(note)}" for note in self.notes]
        if self.retried:
            lines.append(f"  retried  {self.retried:,}")
        if self.dropped:
            lines.append(f"  dropped  {sum(self.dropped.values()):,}: {by_count(self.dropped)}")
            lines += [f"           {count:,} × {_short(what)}" for what, count in self.no_pages.items()]
        return lines

    def _places(self) -> str:
        """Where the items are."""
        files = [plain(path) for path in self.outputs if path != "-"]
        places = [f"in {', '.join(files)}"] if files else []
        if "-" in self.outputs:
            places.append("on standard output")
        return f" {' and '.join(places)}" if places else ""

    def _errors(self) -> list[str]:
        lines = []
        if self.page_error_count:
            lines.append(f"  errors   {_times(self.page_error_count, 'exception')} in spider code{self._given()}")
            for place in self.places[:SHOWN]:
                message = f": {_short(place.message)}" if place.message else ""
                if place.callback in NOT_PAGES:
                    message = f" in {place.callback}{message}"
                lines.append(
                    f"    {plain(place.where) or '(no line known)'}  {place.count:,} × {plain(place.kind)}{message}"
                )
                if place.url:  # the start of a spider has none
                    lines.append(f"      first at {_short(place.url)}")
            lines += _more(len(self.places) - SHOWN, "place")
        if self.item_errors:
            lines.append(f"  errors   {_times(self.item_errors, 'item')} could not be stored")
            for place in self.item_places[:SHOWN]:
                if place.count == 1:
                    lines.append(f"    {_short(place.message)}  {_short(place.url)}")
                else:
                    lines.append(f"    {place.count:,} × {_short(place.message)}")
                    lines.append(f"      first at {_short(place.url)}")
            lines += _more(len(self.item_places) - SHOWN, "kind")
        return lines

    def _given(self) -> str:
        """What exceptions of spider code did to pages."""
        raised = {place.callback for place in self.places}
        clauses = []
        if not raised & NOT_PAGES:
            clauses = ["those pages gave nothing"]
        elif raised - NOT_PAGES:
            clauses = ["pages that were being read gave nothing"]
        if "blocked" in raised:
            clauses.append("where blocked raised, the page was read as any other")
        return "".join(f"; {clause}" for clause in clauses)

    def _failures(self) -> list[str]:
        if not self.failure_count:
            return []
        lines = [f"  failed   {_times(self.failure_count, 'request')}: {by_count(self.failures_by_kind)}"]
        groups: dict[tuple[str, str], list[FailedFetch]] = {}
        for failure in self.failures:
            groups.setdefault((failure.kind, failure.detail), []).append(failure)
        for (kind, detail), alike in sorted(groups.items(), key=lambda pair: -len(pair[1]))[:SHOWN]:
            lines.append(f"    {len(alike):,} × {plain(kind)}{': ' if detail else ''}{_short(detail)}")
            lines.append(f"      first at {_short(alike[0].url)}")
        lines += _more(len(groups) - SHOWN, "kind")
        if self.failure_count > len(self.failures):
            lines.append(f"    (of the first {len(self.failures)} requests that failed)")
        return lines

    def _blocked(self) -> list[str]:
        if not self.blocked_count:
            return []
        lines = [f"  blocked  {_times(self.blocked_count, 'answer')} did not hold the page"]
        lines += [f"    {_short(reason)}  {_short(url)}" for url, reason in self.blocked[:SHOWN]]
        lines += _more(self.blocked_count - SHOWN, "answer")
        return [
            *lines,
            "    The site sent a verification or ban page instead of the page asked for, and nothing was done to get",
            "    around it. Try again later, or ask more slowly (--delay 5). Or save the page with a browser, in a",
            "    folder under the path of its URL (board/7), serve that folder with python3 -m http.server 8000, and",
            "    let the spider start at http://127.0.0.1:8000.",
        ]

    def _drift(self) -> list[str]:
        if not self.drift:
            return []
        lines = [f"  drift    {_times(len(self.drift), 'alarm')}: pages are not as they were, or not as they should be"]
        for alarm in self.drift[:SHOWN]:
            lines += [f"    {_short(line)}" for line in alarm.lines()]
        lines += _more(len(self.drift) - SHOWN, "alarm")
        if any(alarm.what not in ("expected", "blocked") for alarm in self.drift):
            lines.append("    if the pages are right as they are now: run it again with --accept-drift")
        return lines

    def _first_alarm(self) -> str:
        alarm = self.drift[0]
        return f"{alarm.callback}: {alarm.message}"

    def _ending(self) -> list[str]:
        code = self.exit_code
        if code == 0:
            return []
        lines = [f"exit code {code}: {self.why}"]
        if code == 3 or (code == 1 and not self.item_count):
            lines.append(f"  {self._without_items()}")
        if code in (1, 3, 4) and not self.verbose:
            lines.append("  every decision, page by page: run it again with -v")
        if self.run and self.reason == "drift":
            lines.append(plain(f"when the spider is repaired, go on with it: crawl resume {quote(self.run)}"))
        elif self.run and code in (5, 6, 130, 143):
            lines.append(plain(f"go on with it: crawl resume {quote(self.run)}"))
        return lines

    def _by(self) -> str:
        """What came instead of the first page that was blocked."""
        return f" ({_short(self.blocked[0][1].removeprefix('blocked: '))})" if self.blocked else ""

    def _without_items(self) -> str:
        """What to look at first when nothing was found."""
        if not self.pages and self.dropped and not self.answered:
            return "nothing was fetched, because every request was dropped: see the reasons above"
        if not self.pages and not self.answered:
            return "no page arrived: check the start URLs" + (" and the failures above" if self.failure_count else "")
        if not self.answered and not any(200 <= status < 300 for status in self.by_status):
            return "pages arrived, but none with a status of success: see the statuses above"
        if self.no_pages and sum(self.no_pages.values()) >= self.pages + sum(self.answered.values()):
            return "what arrived were files and no pages, so no callback was given them; a Download saves files"
        if self.drift:
            return "the alarms above may say why there are no items"
        if self.error_count:
            return "the errors above may be why there are no items: they come first"
        return (
            "pages arrived and no callback yielded an item from them: compare the selectors with what really came, "
            "for example with --pool inline and a breakpoint() in parse"
        )


def duration(seconds: float) -> str:
    """A time span for people: "0.4 s", "12 s", "2 min 05 s", "3 h 07 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def size(count: float) -> str:
    """A number of bytes for people, in powers of 1000: "812 B", "3.1 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def by_count(counts: dict[str, int]) -> str:
    """ "38 scope, 2 depth": counts by name, largest first."""
    largest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {plain(name)}" for name, count in largest)


def _short(text: str) -> str:
    """`text` on one line and of a length that people read."""
    return plain(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def _times(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _more(count: int, noun: str) -> list[str]:
    return [f"    and {_times(count, noun)} more"] if count > 0 else []

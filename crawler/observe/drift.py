"""The drift alarm: compares the pages of a run with what the spider expects of them, and with its last good runs.

Listens, and holds nobody up: a page without anything unusual costs a few microseconds. What is counted is JSON, so that
a resumed run goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from crawler.expect import Expect, for_callback
from crawler.observe.alarm import Alarm
from crawler.observe.check import Check
from crawler.observe.checks import Checks
from crawler.observe.drift_words import hint_of, message_of
from crawler.observe.events import BlockedPage, PageYielded
from crawler.observe.profile import Kind, Profile, Sample, Tally, together, url_form
from crawler.observe.samples import LARGE
from crawler.observe.trail import are_unlike, is_cut, trail_of
from crawler.reading import Reading
from crawler.request import Request
from crawler.response import Response

_MOST_FORMS = 12  # forms of URLs that are told apart for one callback; further ones count together
_MOST_KINDS = 200
_MOST_ALARMS = 50
_FEWEST_RUNS_WHOLE = 3  # good runs, before a whole run of bad pages is told that had not enough of them
_SHRUNK = 5  # times as many pages had all good runs, where this one came to an early end

Visit = tuple[Request, Response]
Keep = Callable[[str, Response], str]
Blame = Callable[[int, str, Visit | None, Visit, str, bool], tuple[str, str]]
Recall = Callable[[Sample], Response | None]


class Watched(msgspec.Struct, frozen=True):
    """A spider of the run: what it expects, and the profiles of its last good runs, the latest first.

    `arguments`: a digest of those of the spider.
    """

    name: str
    expect: Expect | Mapping[str, Expect] | None = None
    history: tuple[Profile, ...] = ()
    arguments: str = ""


class State(msgspec.Struct):
    """All that a resumed run needs."""

    profiles: list[Profile] = []
    alarms: list[Alarm] = []


class Drift:
    """Hears pages, and keeps `alarms`.

    - `keep(name, response)` keeps a body to be looked at and gives the path of the file, "" where nothing is kept.
    - `recall(sample)`: the page that an earlier run has kept, None if it is gone.
    - `blame(spider, callback, good, bad, field, is_fewer)` gives the line of the spider, and what stands there.
    - `alarmed(alarm)` is called for each new one.
    """

    hears: tuple[type, ...] | None = (PageYielded, BlockedPage)
    wants_samples = True  # to keep the pages that it tells of

    def __init__(
        self,
        spiders: Sequence[Watched],
        state: Any = None,
        *,
        keep: Keep = lambda _name, _response: "",
        recall: Recall = lambda _: None,
        blame: Blame = lambda *_: ("", ""),
        alarmed: Callable[[Alarm], None] = lambda _: None,
    ) -> None:
        self._spiders = spiders
        self._keep = keep
        self._recall = recall
        self._blame = blame
        self._alarmed = alarmed
        self.state: State = State() if state is None else msgspec.convert(state, State, str_keys=True)
        for spider in spiders[len(self.state.profiles) :]:
            self.state.profiles.append(Profile(spider.name, arguments=spider.arguments))
        self._kinds: dict[tuple[int, str, str], Checks] = {}
        self._forms: dict[tuple[int, str], int] = {}
        self._alarms = {_key(alarm): alarm for alarm in self.state.alarms}
        self._told: list[tuple[Check, tuple[str, ...]]] = []
        self._kept: dict[tuple[str, str], str] = {}
        # Alarms whose bad page was read elsewhere and left there, and the good page of each.
        self._bare: dict[Check, tuple[tuple[str, ...], tuple[Visit | None, str, str]]] = {}
        self._first: dict[tuple[int, str], str] = {}  # URLs of first pages, by callback
        self._began_with = set(self._alarms)
        for profile in self.state.profiles:
            self._forget_alarms(profile)

    @property
    def alarms(self) -> list[Alarm]:
        """What is not as it was, in the order in which it was found."""
        pages: dict[tuple[str, ...], int] = {}
        for check, key in self._told:
            pages[key] = pages.get(key, 0) + check.count
        for key, number in pages.items():
            alarm = self._alarms[key]
            self._alarms[key] = msgspec.structs.replace(alarm, pages=max(alarm.pages, number))
        return list(self._alarms.values())

    def carried(self) -> State:
        """What a resumed run begins with: JSON values."""
        self.state.alarms = self.alarms
        return self.state

    def hear(self, event: Any) -> None:
        """Look at one page."""
        if type(event) is BlockedPage:
            self._hear_blocked(event)
            return
        request = event.request
        key = (request.spider, event.callback, url_form(request.hops[0] if request.hops else request.url))
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kind(*key)
            self._note_first(event)
        try:
            bad = kind.read(event)
        except Exception:  # code of the user runs where items are asked for their fields
            return
        if bad or kind.hot:
            self._weigh(kind, event, bad)
        if kind.short:
            self._short(kind, event)
        dead_end = kind.dead_end
        if dead_end is not None and dead_end is event and len(dead_end.response.body) >= LARGE:
            kind.dead_end = _without_body(dead_end)
        if event.response.gist is not None and event.response.body:
            kind.keep(event, bad)
        if not bad and (event.response.body or kind.clean is None):
            kind.clean = event
        if event.reading.error is None:
            kind.previous = event if len(event.response.body) < LARGE else _without_body(event)
            for place in kind.places:
                if place.is_there and event.reading.items:
                    place.last = kind.previous

    def end(self, is_part: bool = False, is_limited: bool = False) -> None:
        """The run is over: pages that were too few to say anything while it went on are weighed as a whole.

        A run without any item is no success anyway: one good run is enough then to tell where they came from. It is
        enough for a field, too, that many items had and none has.
        `is_part`: the run has left out pages that have not changed. `is_limited`: it has reached one of its limits.
        """
        has_items = {spider for (spider, _, _), kind in self._kinds.items() if kind.seen.with_items}
        for (spider, _, _), kind in list(self._kinds.items()):
            for check in kind.every():
                pages = kind.pages_about(check)
                base = kind.base
                if (
                    not check.is_told
                    and check.bad is not None
                    and base is not None
                    and (
                        min(base.runs, check.usual[1]) >= _FEWEST_RUNS_WHOLE
                        or (check is kind.none and spider not in has_items)
                        or kind.is_empty_by_items(check)
                    )
                    and check.usual[0] == 0
                    and check.tally.bad >= pages > 0
                ):
                    self._alarm(kind, check, check.bad)
            for share in kind.shares:
                if share.is_short and not share.is_told and kind.previous is not None:
                    kind.short = [share]
                    self._short(kind, kind.previous)
        if not is_part:
            self._end_of_the_trail()
            self._cut_trails(is_limited)

    def _end_of_the_trail(self) -> None:
        """Callbacks whose pages lead nowhere, where good runs began with the same page and had far more in all.

        That is told of runs with the same arguments only.
        """
        callbacks: dict[tuple[int, str], dict[Checks, None]] = {}
        for (spider, callback, _), kind in self._kinds.items():
            callbacks.setdefault((spider, callback), {})[kind] = None
        for (spider, callback), kinds in callbacks.items():
            watched = self._spiders[spider]
            first = self._first[spider, callback]
            past = [
                sum(kind.pages for kind in profile.kinds.values())
                for profile in watched.history
                if profile.arguments == watched.arguments and profile.led_on.get(callback) == first
            ]
            pages = sum(kind.pages for kind in self.state.profiles[spider].kinds.values())
            kind = next(iter(kinds))
            if (
                past
                and 0 < _SHRUNK * pages <= min(past)
                and all(kind.links.tally.bad == kind.seen.pages and not kind.links.is_told for kind in kinds)
                and kind.previous is not None
            ):
                kind.links.trail = (pages, min(past), len(past))
                kind.links.count = pages
                self._alarm(kind, kind.links, kind.previous)

    def _cut_trails(self, is_limited: bool) -> None:
        """Lists of pages that a page has ended which gave nothing, as none did in good runs with the same arguments."""
        callbacks: dict[tuple[int, str], dict[Checks, None]] = {}
        for (spider, callback, _), kind in self._kinds.items():
            callbacks.setdefault((spider, callback), {})[kind] = None
        for (spider, callback), kinds in callbacks.items():
            profile = self.state.profiles[spider]
            own = {name: kind for name, kind in profile.kinds.items() if name.startswith(f"{callback} ")}
            trails = {callback: own, **{name: {name: kind} for name, kind in own.items()}}
            for name, parts in trails.items():
                profile.trails[name] = trail_of(parts.values(), is_limited)
                seen = [id(kind) for kind in parts.values()]
                if not is_limited:
                    self._cut_trail(spider, name, [kind for kind in kinds if id(kind.seen) in seen], list(kinds))

    def _cut_trail(self, spider: int, name: str, kinds: list[Checks], every: list[Checks]) -> None:
        """One of them: all of a callback, or one kind of its pages. `every`: those that the callback has."""
        watched = self._spiders[spider]
        past = [
            earlier.trails[name]
            for earlier in watched.history
            if earlier.arguments == watched.arguments and name in earlier.trails
        ]
        past = [one for one in past if not one.is_limited] or past
        kind = next((kind for kind in reversed(kinds) if kind.dead_end is not None), None)
        if kind is None or kind.dead_end is None or any(one.none.is_told or one.links.is_told for one in every):
            return
        now = self.state.profiles[spider].trails[name]
        page = kind.dead_end
        check = Check("cut", "no links", "", Tally())
        check.bad, check.good, check.since = page, kind.before_dead_end, kind.dead_since
        check.count = now.nothing
        visit, _, _ = self._good_page(spider, page.callback, check, is_kept=False)
        is_unlike = visit is not None and are_unlike(visit[1].body, page.response.body)
        if is_cut(now, past, is_unlike, kind.is_odd(page)):
            fewest = min(one.pages - one.nothing for one in past)
            check.trail = (now.pages - now.nothing, fewest, len(past))
            kind.links.is_told = True
            self._alarm(kind, check, page)

    def close(self) -> None:
        """Let go of who is told: they know this one, too, and such a ring would keep all of a run in memory."""
        self._alarmed = lambda _: None

    def profiles(self) -> list[tuple[Profile, dict[str, Visit]]]:
        """Of each spider what this run was like, and a good page of each callback."""
        found: list[tuple[Profile, dict[str, Visit]]] = [(profile, {}) for profile in self.state.profiles]
        most: dict[tuple[int, str], int] = {}
        for (spider, callback, _), kind in self._kinds.items():
            page = kind.clean or kind.previous
            if kind.recent and (page is None or not page.response.body):
                page = kind.recent[-1][0]
            if page is not None and page.response.body and kind.seen.pages > most.get((spider, callback), 0):
                most[spider, callback] = kind.seen.pages
                found[spider][1][callback] = (page.request, page.response)
        return found

    # -- kinds of pages ----------------------------------------------------------------------------------------

    def _kind(self, spider: int, callback: str, form: str) -> Checks:
        """The checks of a kind that is met for the first time in this process."""
        watched = self._spiders[spider]
        seen = self._forms.get((spider, callback), 0)
        key = (spider, callback, form)
        if seen >= _MOST_FORMS or len(self._kinds) >= _MOST_KINDS:
            form = ""
            if known := self._kinds.get((spider, callback, form)):
                if len(self._kinds) < 10 * _MOST_KINDS:
                    self._kinds[key] = known
                return known
        self._forms[spider, callback] = seen + 1
        profile = self.state.profiles[spider]
        name = f"{callback} {form}"
        # Runs with other arguments may have read quite another part of the site.
        alike = [past for past in watched.history if past.arguments == watched.arguments]
        base = _base([past.kinds for past in alike or watched.history], callback, name, falls_back=bool(alike))
        kind = Checks(profile.kinds.setdefault(name, Kind()), base, for_callback(watched.expect, callback))
        self._kinds[spider, callback, form] = self._kinds[key] = kind
        return kind

    def _forget_alarms(self, profile: Profile) -> None:
        """In a run that goes on, what was told has to come again to be told again: the spider may be better now."""
        for alarm in self.state.alarms:
            for name, kind in profile.kinds.items():
                if alarm.spider == profile.spider and name.startswith(f"{alarm.callback} "):
                    for tally in kind.tallies.values():
                        tally.streak, tally.walk = 0, 0.0

    def _note_first(self, page: PageYielded) -> None:
        """The first page of a callback, and whether it led to others."""
        spider, callback = page.request.spider, page.callback
        if (spider, callback) not in self._first:
            self._first[spider, callback] = page.request.url
            if page.reading.requests:
                self.state.profiles[spider].led_on.setdefault(callback, page.request.url)

    # -- bad pages -----------------------------------------------------------------------------------------------

    def _weigh(self, kind: Checks, page: PageYielded, bad: list[Check]) -> None:
        for check in kind.hot.difference(bad):
            if kind.concerns(check, page) and check.count_good():
                kind.hot.discard(check)
        for check in bad:
            if check.is_usual:
                check.tally.bad += 1
                continue
            if check.bad is None:
                check.bad = page if len(page.response.body) < LARGE else _without_body(page)
                check.good = kind.nearest(check)
                check.since = kind.seen.pages - 1
                kind.hot.add(check)
            elif page.response.body and page.response.gist is not None and not check.bad.response.body:
                check.bad = page  # the nearest one that can be looked at
                if check in self._bare:
                    self._complete(check, page)
            if check.count_bad():
                self._alarm(kind, check, page)

    def _alarm(self, kind: Checks, check: Check, page: PageYielded) -> None:
        check.is_told = True
        if check.what in ("no items", "few items"):  # one of them says it all
            for other in (kind.none, kind.odd, *kind.few, *([kind.links] if check.what == "no items" else [])):
                other.is_told = True
        spider = page.request.spider
        alarm = Alarm(self._spiders[spider].name, page.callback, check.what, check.field, message_of(kind, check))
        key = _key(alarm)
        is_known = key in self._alarms
        if is_known and key not in self._began_with:
            self._told.append((check, key))
            return
        self._began_with.discard(key)
        if not is_known and len(self._alarms) >= _MOST_ALARMS:
            return
        good, good_url, good_file = self._good_page(spider, page.callback, check)
        bad = check.bad or page
        where, selector = self._line(spider, page.callback, good, bad, check.what, check.field)
        after = max(1, kind.seen.pages - check.since) if page.reading.error is None else check.count
        self._alarms[key] = msgspec.structs.replace(
            alarm,
            pages=check.count,
            after=max(after, 1),
            good_url=good_url,
            good_file=good_file,
            bad_url=bad.response.url,
            bad_file=self._kept_as(f"{page.callback}-bad", bad.response),
            where=where,
            selector=selector,
            hint=hint_of(bad),
        )
        self._told.append((check, key))
        if not bad.response.body and bad.response.gist is not None:
            self._bare[check] = (key, (good, good_url, good_file))
        self._alarmed(self._alarms[key])

    def _complete(self, check: Check, page: PageYielded) -> None:
        """A bad page can be looked at now; there was none when the alarm came."""
        key, (good, good_url, good_file) = self._bare.pop(check)
        where, selector = self._line(
            page.request.spider, page.callback, good, page, self._alarms[key].what, self._alarms[key].field
        )
        self._alarms[key] = msgspec.structs.replace(
            self._alarms[key],
            good_url=good_url,
            good_file=good_file,
            bad_url=page.response.url,
            bad_file=self._kept_as(f"{page.callback}-bad", page.response),
            where=where,
            selector=selector,
            hint=hint_of(page),
        )

    def _good_page(
        self, spider: int, callback: str, check: Check, is_kept: bool = True
    ) -> tuple[Visit | None, str, str]:
        """The last page before it began, of this run or of an earlier one; its URL, and the file that it is kept in."""
        if check.good is not None:
            response = check.good.response
            file = self._kept_as(f"{callback}-good", response) if is_kept else ""
            return (check.good.request, response), response.url, file
        for past in self._spiders[spider].history:
            sample = past.samples.get(callback)
            if sample is not None and (earlier := self._recall(sample)) is not None:
                request = Request(sample.url, callback, data=sample.data)
                file = self._kept_as(f"{callback}-good", earlier) if is_kept else ""
                return (request, earlier), sample.url, file
        return None, "", ""

    def _line(
        self, spider: int, callback: str, good: Visit | None, bad: PageYielded, what: str, field: str
    ) -> tuple[str, str]:
        error = bad.reading.error
        if error is not None:
            return error.where, f"{error.kind}: {error.message}"[:200]
        if not bad.response.body or what in ("same page", "other language"):
            return "", ""
        return self._blame(spider, callback, good, (bad.request, bad.response), field, what == "few items")

    def _kept_as(self, name: str, response: Response) -> str:
        key = (name, response.url)
        if key not in self._kept:
            self._kept[key] = self._keep(name, response) if response.body else ""
        return self._kept[key]

    def _short(self, kind: Checks, page: PageYielded) -> None:
        """Fewer items than the spider declared have something in a field."""
        for share in kind.short:
            share.is_told = True
            check = Check("filled", "expected", share.field, kind.seen.tally(f"expect filled {share.field}"))
            check.count = 1
            check.value = share
            check.since = kind.seen.pages - share.pages
            self._alarm(kind, check, page)
        kind.short = []

    def _hear_blocked(self, event: BlockedPage) -> None:
        request, reason = event.request, event.reason.removeprefix("blocked: ")
        callback = str(request.callback or "parse")
        alarm = Alarm(self._spiders[request.spider].name, callback, "blocked", "", f"blocked: {reason}")
        known = self._alarms.get(_key(alarm))
        if known is not None:
            self._alarms[_key(alarm)] = msgspec.structs.replace(known, pages=known.pages + 1)
        elif len(self._alarms) < _MOST_ALARMS:
            outcome = event.outcome
            file = self._kept_as(f"{callback}-blocked", outcome) if isinstance(outcome, Response) else ""
            self._alarms[_key(alarm)] = msgspec.structs.replace(alarm, bad_url=request.url, bad_file=file)
            self._alarmed(self._alarms[_key(alarm)])


def _base(past: Sequence[Mapping[str, Kind]], callback: str, name: str, falls_back: bool) -> Kind | None:
    """What good runs had of a kind of page; if they had none and it `falls_back`, of all pages of the callback.

    None = too little.
    """
    own = together(kinds[name] for kinds in past if name in kinds)
    if own.pages or not falls_back:
        return own if own.pages else None
    runs = sum(any(key.startswith(f"{callback} ") for key in kinds) for kinds in past)
    whole = together(kind for kinds in past for key, kind in kinds.items() if key.startswith(f"{callback} "))
    whole.runs = runs
    return whole if runs else None


def _key(alarm: Alarm) -> tuple[str, ...]:
    """What of several alarms is the same."""
    about = alarm.message if alarm.what == "blocked" else "items" if alarm.what.endswith("items") else alarm.what
    return (alarm.spider, alarm.callback, about, alarm.field)


def _without_body(page: PageYielded) -> PageYielded:
    return msgspec.structs.replace(page, response=msgspec.structs.replace(page.response, body=b""), reading=Reading())

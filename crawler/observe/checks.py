"""What may be wrong with the pages of one kind: all checks of them, and what each page says to those."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from itertools import chain
from typing import Any

from crawler.digest import digest_of
from crawler.expect import Expect
from crawler.item import as_dict
from crawler.observe import odds
from crawler.observe.alarm import What
from crawler.observe.check import Check, Share
from crawler.observe.events import PageYielded
from crawler.observe.inside import Place, is_plain, path_of, place_in, values_at
from crawler.observe.profile import LANGUAGE, Kind, Tally, bucket, count, form_of, is_free, rare
from crawler.response import Response

_MOST_FIELDS = 64
_ITEMS_READ = 50  # of a page, to find one that has a field
_MOST_PLACES = 12  # in the items, at which dicts stand
_ITEMS_READ_INSIDE = 20
_MANY = 4  # items per page, from which on a single one is a list that was cut
_FEWEST_PAGES = 3  # with a field, before its form means anything
_FEWEST_EMPTY = 5  # items, in a run that has few pages
_RECENT = 4  # pages with a body that are kept in mind, where most have none
_FIRST_PAGES = 3  # on which all items are counted
_HEAD = 1024  # bytes in which the element with the language is looked for
_LANGUAGE = re.compile(rb"""<html[^>]*?\slang=["']?([A-Za-z]{2,3})""", re.IGNORECASE)


class Checks:
    """All checks of one kind of page. `seen` counts what comes; `base` is what good runs had, None = not enough."""

    def __init__(self, seen: Kind, base: Kind | None, expect: Expect | None) -> None:
        self.seen = seen
        self.base = base
        self.is_new = False  # whether the last page has a number of items, or a field a form, that none had before
        self.language = ""  # of the last page
        self.recent: deque[tuple[PageYielded, list[Check]]] = deque(maxlen=_RECENT)
        self.expect = expect
        self.hot: set[Check] = set()  # those with bad pages in mind
        self.shares = [Share(field, share) for field, share in expect.filled.items()] if expect else []
        self.short: list[Share] = []  # those that are an alarm now
        self.previous: PageYielded | None = None
        self.clean: PageYielded | None = None  # the last page in which nothing was wrong
        self.dead_end: PageYielded | None = None  # the last page that gave neither items nor requests
        self.before_dead_end: PageYielded | None = None
        self.dead_since = 0  # how many pages there were before
        self._last_dead = 0
        self.fields: dict[str, Check] = {}
        self._forms: dict[str, tuple[Check, Mapping[str, int], bool] | None] = {}
        self._declared: dict[tuple[str, str], Check] = {}
        self._patterns = {field: re.compile(pattern) for field, pattern in (expect.matches if expect else {}).items()}
        declared = (*expect.fields, *expect.matches, *expect.filled) if expect else ()
        self._paths = {name: path_of(name) for name in declared if not is_plain(name)}
        self.places: list[Place[Check]] = []  # where dicts stand in the items
        self._sampled: set[str] = set()  # fields inside others whose form the last page has shown
        for name in (*seen.inside, *(base.inside if base is not None else ())):
            if self._place(name) is None:
                self.places.append(Place(name))
        self.none = self._check("items", "no items", "")
        self.links = self._check("links", "no links", "")
        self.same = self._check("same", "same page", "", needs_items=True)
        self.odd = self._check("items odd", "no items", "")  # from pages of a size that is not usual without items
        self._empty_sizes: Mapping[int, int] = {}
        self.few: list[Check] = []
        if base is not None:
            self._compare(base)
        for name in list(seen.tallies):  # of a run that goes on
            field = name.removeprefix("field ")
            place = self._place_of(field)
            known = self.fields.values() if place is None else place.fields.values()
            if field != name and not any(check.field == field for check in known):
                self._field(field, place)
        self._most = self.few[-1].limit if self.few else 0

    def every(self) -> list[Check]:
        """All that are compared with good runs."""
        forms = [one[0] for one in self._forms.values() if one is not None]
        inside = [check for place in self.places for check in place.fields.values()]
        return [self.none, self.links, self.same, *self.few, *self.fields.values(), *inside, *forms]

    def pages_about(self, check: Check) -> int:
        """How many pages said anything about it."""
        if check.place is not None:
            return self.seen.inside.get(check.place.name, 0)
        return self.seen.with_items if check.needs_items else self.seen.pages

    def read(self, page: PageYielded) -> list[Check]:
        """Count one page; what is wrong with it."""
        seen, reading = self.seen, page.reading
        items = reading.items
        if reading.error is not None:
            return [*self._wrong_number(0), self.none]
        number = len(items)
        if reading.item_errors or reading.dropped:
            number += len(reading.item_errors) + len(reading.dropped)
        seen.pages += 1
        depth = page.request.depth
        if depth > seen.deepest:
            seen.deepest = depth
        if depth < seen.shallowest or seen.pages == 1:
            seen.shallowest = depth
        key = number if number <= 32 else bucket(number)
        known = seen.items.get(key, 0)
        self.is_new = not known
        seen.items[key] = known + 1
        bad: list[Check] = []
        response = page.response
        if not number:
            size = bucket(_size(response))
            known = seen.empty_sizes.get(size, 0)
            self.is_new = self.is_new or not known
            seen.empty_sizes[size] = known + 1
            bad.append(self.none)
            if size not in self._empty_sizes:
                bad.append(self.odd)
        last = self.previous
        if items and last is not None and last.request.url != page.request.url and _is_same(last.response, response):
            bad.append(self.same)
        if items and number <= self._most:
            bad += [check for check in self.few if number <= check.limit]
        if not reading.requests:
            bad.append(self.links)
            if not number:
                seen.nothing += 1
                self._note_dead_end(page)
        if self.expect is not None:
            bad += self._wrong_number(number)
        if items:
            seen.with_items += 1
            self._read_items(items, bad)
        self.language = language = _language(response)
        if language:
            self._read_form(LANGUAGE, language, "", bad)
        return bad

    def keep(self, page: PageYielded, bad: list[Check]) -> None:
        """Keep in mind one of the few pages whose body is there, and what was wrong with it."""
        self.recent.append((page, bad))

    def nearest(self, check: Check) -> PageYielded | None:
        """The last page that was right in this, with its body if one has it."""
        if check.place is not None and check.place.last is not None and check.place.last.response.gist is None:
            return check.place.last
        if self.previous is None or self.previous.response.body or self.previous.response.gist is None:
            return self.previous
        for page, bad in reversed(self.recent):
            if check not in bad:
                return page
        return self.clean or self.previous

    def is_odd(self, page: PageYielded) -> bool:
        """Whether no page without items of good runs has its size."""
        return bucket(_size(page.response)) not in self._empty_sizes

    def _note_dead_end(self, page: PageYielded) -> None:
        """A page that gave nothing, the first of several in a row."""
        if self.dead_end is None or self._last_dead + 1 < self.seen.pages:
            self.dead_end, self.before_dead_end = page, self.nearest(self.links)
            self.dead_since = self.seen.pages - 1
        self._last_dead = self.seen.pages

    def concerns(self, check: Check, page: PageYielded) -> bool:
        """Whether a page says anything about a check."""
        items = page.reading.items
        if check.what == "other form":
            if check.place is not None:
                return bool(items) and check.field in self._sampled
            return bool(items) and _has(_fields(items[self.seen.pages % len(items)]), check.field)
        if check.place is not None:
            return bool(items) and check.place.is_there
        return bool(items) or not check.needs_items

    def _read_items(self, items: list[Any], bad: list[Check]) -> None:
        first = _fields(items[0])
        known = self.fields
        for name in first:
            if name not in known and len(known) < _MOST_FIELDS:
                self._field(name)
        for name, check in known.items():
            value = first.get(name)
            if not (value or value == 0) and not any(_has(_fields(item), name) for item in items[1:_ITEMS_READ]):
                bad.append(check)
        if self.seen.with_items <= _FIRST_PAGES:
            self._count_filled(items[:_ITEMS_READ])
        # One item of each page stands for all of them; another one each time.
        sample = first if len(items) == 1 else _fields(items[self.seen.pages % len(items)])
        forms = self._forms
        for name, value in sample.items():
            if (value or value == 0) and (name not in forms or forms[name] is not None or self.base is None):
                self._read_form(name, form_of(value), value, bad)
        if self.places:
            self._read_inside(items, sample, bad)
        if self.expect is not None:
            self._read_declared(self.expect, items, bad)

    def _read_inside(self, items: list[Any], sample: Mapping[str, Any], bad: list[Check]) -> None:
        seen, forms = self.seen, self._forms
        self._sampled.clear()
        for place in self.places:  # they may become more meanwhile
            known = place.fields
            records = place.records(sample)
            for record in records:
                if not (place.is_full or known.keys() >= record.keys()):
                    self._note_inside(place, record)
            empty = place.empty(chain((sample,), map(_fields, items[:_ITEMS_READ_INSIDE])))
            if not place.is_there:
                continue
            seen.inside[place.name] = seen.inside.get(place.name, 0) + 1
            if empty:
                bad += [check for key, check in known.items() if key in empty]
            if seen.with_items <= _FIRST_PAGES:
                self._count_inside(place, items[:_ITEMS_READ])
            for key, value in place.sample(records, seen.pages, empty).items():
                name = known[key].field
                if name not in forms or forms[name] is not None or self.base is None:
                    self._sampled.add(name)
                    self._read_form(name, form_of(value), value, bad)

    def _note_inside(self, place: Place[Check], record: Mapping[str, Any]) -> None:
        for key in record:
            name = f"{place.name}.{key}"
            if key not in place.fields and is_plain(key) and name not in self.fields:
                place.is_full = self._number_inside() >= _MOST_FIELDS
                if not place.is_full:
                    self._field(name, place)

    def _look_inside(self, name: str, value: Any) -> None:
        """Know a place where dicts stand, if the value of a field is one."""
        found = place_in(name, value)
        if found and self._place(found) is None and len(self.places) < _MOST_PLACES:
            self.places.append(Place(found))

    def _number_inside(self) -> int:
        return sum(len(place.fields) for place in self.places)

    def _place(self, name: str) -> Place[Check] | None:
        return next((place for place in self.places if place.name == name), None)

    def _place_of(self, field: str) -> Place[Check] | None:
        return self._place(field.rpartition(".")[0])

    def _count_inside(self, place: Place[Check], items: list[Any]) -> None:
        filled = self.seen.filled
        for item in items:
            records = place.records(_fields(item))
            for key, check in place.fields.items():
                if any(_has(record, key) for record in records):
                    filled[check.field] = filled.get(check.field, 0) + 1

    def _count_filled(self, items: list[Any]) -> None:
        filled = self.seen.filled
        filled[""] = filled.get("", 0) + len(items)
        for name in self.fields:
            filled[name] = filled.get(name, 0) + sum(_has(_fields(item), name) for item in items)

    def is_empty_by_items(self, check: Check) -> bool:
        """Whether so many items without a field are no chance, where a run has too few pages to say it."""
        if check.what != "empty field" or self.base is None:
            return False
        of = check.place.field if check.place is not None else ""
        items, before = self.seen.filled.get(of, 0), self.base.filled.get(of, 0)
        p = odds.estimate(before - self.base.filled.get(check.field, 0), before)
        return items >= _FEWEST_EMPTY and p**items <= odds.FALSE_ALARMS

    def _read_form(self, name: str, form: str, value: Any, bad: list[Check]) -> None:
        seen = self.seen.forms.get(name)
        if seen is None:
            if len(self.seen.forms) >= _MOST_FIELDS + self._number_inside():
                return
            seen = self.seen.forms[name] = {}
        if form in seen:
            seen[form] += 1
        else:
            count(seen, form)
            self.is_new = self.is_new or not is_free(seen)
            self._look_inside(name, value)
        known = self._forms.get(name)
        if known is not None and form not in known[1] and not (known[2] and form[0] == "0"):
            known[0].value = value or form
            bad.append(known[0])

    def _read_declared(self, expect: Expect, items: list[Any], bad: list[Check]) -> None:
        if self._paths:
            items = [self._spread(item) for item in items]
        for field in expect.fields:
            if not all(_has(_fields(item), field) for item in items):
                bad += [self._expected("required", field)]
        for field, pattern in self._patterns.items():
            for item in items:
                value = _fields(item).get(field)
                if (value or value == 0) and pattern.fullmatch(str(value)) is None:
                    check = self._expected("matches", field)
                    check.value = value
                    bad.append(check)
                    break
        self.short = [
            share for share in self.shares if share.read([_has(_fields(item), share.field) for item in items])
        ]

    def _spread(self, item: Any) -> dict[str, Any]:
        """The fields of an item, and beside them those inside others that are declared: the first value that does not
        match, or else the first that is something."""
        fields = dict(_fields(item))
        for name, path in self._paths.items():
            if name not in fields:
                values = [value for value in values_at(fields, path) if value or value == 0]
                pattern = self._patterns.get(name)
                wrong = [value for value in values if pattern and pattern.fullmatch(str(value)) is None]
                fields[name] = (wrong or values or [None])[0]
        return fields

    def _wrong_number(self, number: int) -> list[Check]:
        if self.expect is None:
            return []
        least, most = self.expect.bounds
        if least <= number and (most is None or number <= most):
            return []
        check = self._expected("items_per_page", "")
        check.value = number
        return [check]

    def _expected(self, rule: str, field: str) -> Check:
        check = self._declared.get((rule, field))
        if check is None:
            check = Check(rule, "expected", field, self.seen.tally(f"expect {rule} {field}"), rule != "items_per_page")
            check.declare(self.expect.in_a_row if self.expect is not None else 1)
            self._declared[rule, field] = check
        return check

    def _check(
        self, name: str, what: What, field: str, needs_items: bool = False, place: Place[Check] | None = None
    ) -> Check:
        return Check(name, what, field, self.seen.tally(name), needs_items, place)

    def _field(self, name: str, place: Place[Check] | None = None) -> Check:
        key = f"field {name}"
        if key not in self.seen.tallies:
            before = self.seen.with_items - 1 if place is None else self.seen.inside.get(place.name, 0)
            self.seen.tally(key).bad = max(before, 0)
        check = self._check(key, "empty field", name, needs_items=True, place=place)
        if place is None:
            self.fields[name] = check
        else:
            place.fields[name.removeprefix(f"{place.name}.")] = check
        return check

    def _compare(self, base: Kind) -> None:
        """What good runs were like. What the spider declares is not asked of them."""
        expect = self.expect
        by_number = sorted(base.items.items())

        def at_most(limit: int) -> int:
            return sum(pages for number, pages in by_number if number <= limit)

        counts_items = expect is None or expect.items_per_page is None
        if counts_items:
            self.none.compare(at_most(0), base.pages, _usual(base, "items"), base.runs)
            # What comes instead of a page has rarely the size of a page on which nothing was found.
            self._empty_sizes = base.empty_sizes
            self.odd.compare(rare(base.empty_sizes), base.pages, _usual(base, self.odd.name), base.runs)
            half = _median(by_number, base.pages) // 2
            for limit in sorted({1, half} - {0}) if half >= _MANY // 2 else []:
                check = self._check(f"few {limit}", "few items", "", needs_items=True)
                check.limit = limit
                check.compare(at_most(limit) - at_most(0), base.with_items, _usual(base, check.name), base.runs)
                self.few.append(check)
        self.same.compare(base.tallies.get("same", Tally()).bad, base.with_items, _usual(base, "same"), base.runs)
        self.links.compare(base.tallies.get("links", Tally()).bad, base.pages, _usual(base, "links"), base.runs)
        declared = set() if expect is None else {*expect.fields, *expect.filled}
        for key, tally in base.tallies.items():
            if key.startswith("field "):
                field = key.removeprefix("field ")
                place = self._place_of(field)
                check = self._field(field, place)
                if check.field not in declared:
                    pages = base.with_items if place is None else base.inside.get(place.name, 0)
                    check.compare(tally.bad, pages, tally, base.runs)
                if place is not None and check.is_usual:
                    place.rare.add(key.rpartition(".")[2])
        for field, forms in base.forms.items():
            pages = sum(forms.values())
            is_language = field == LANGUAGE
            if pages < _FEWEST_PAGES or (expect is not None and field in expect.matches):
                self._forms[field] = None
                continue
            key = f"form {field}"
            what: What = "other language" if is_language else "other form"
            check = self._check(key, what, "" if is_language else field, not is_language, self._place_of(field))
            check.compare(rare(forms), pages, _usual(base, key), base.runs)
            self._forms[field] = (check, forms, is_free(forms))


def _fields(item: Any) -> dict[str, Any]:
    return item if type(item) is dict else as_dict(item)


def _has(fields: Mapping[str, Any], name: str) -> bool:
    """Whether there is something in a field: 0 and False are, None, "", [] and {} are not."""
    value = fields.get(name)
    return bool(value) or value == 0


def _usual(kind: Kind, *names: str) -> Tally:
    """How far it went in good runs, of the names that they have."""
    tallies = [kind.tallies[name] for name in names if name in kind.tallies] or [Tally()]
    return Tally(worst=max(one.worst for one in tallies), longest=max(one.longest for one in tallies))


def _median(by_number: list[tuple[int, int]], pages: int) -> int:
    passed = 0
    for number, count_of in by_number:
        passed += count_of
        if 2 * passed >= pages:
            return number
    return 0


def _size(response: Response) -> int:
    return response.gist.size if response.gist is not None else len(response.body)


def _is_same(one: Response, other: Response) -> bool:
    if one.gist is None and other.gist is None:
        return bool(one.body) and one.body == other.body
    size = _size(one)
    return size == _size(other) > 0 and _digest(one) == _digest(other)


def _digest(response: Response) -> int:
    return response.gist.digest if response.gist is not None else digest_of(response.body)


def _language(response: Response) -> str:
    """What the page says, in lower case, or ""."""
    body = response.body
    if not body:
        return response.gist.language if response.gist is not None else ""
    found = _LANGUAGE.search(body, 0, _HEAD) if b"lang" in body[:_HEAD] else None
    return found[1].decode().lower() if found else ""

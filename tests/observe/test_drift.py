"""The alarm, page by page. `tests/drift` has the table of what happens to sites, and whole runs."""

import dataclasses
from typing import Any

import attrs
import msgspec
import pydantic
import pytest

from crawler import Expect, Request, Response
from crawler.digest import digest_of
from crawler.observe.drift import Drift, Watched
from crawler.observe.events import BlockedPage, PageYielded
from crawler.observe.profile import Profile
from crawler.reading import ItemError, PageError, Reading
from crawler.response import Gist

SITE = "http://127.0.0.1"
GOOD = [{"title": "One", "score": "9.5"}, {"title": "Two", "score": None}]


def yielded(number, items=GOOD, body=None, callback="parse", requests=("next",), place="list", **reading):
    url = f"{SITE}/{place}/{number}"
    body = f"<html>{number}</html>" if body is None else body
    links = [Request(f"{SITE}/{link}") for link in requests]
    return PageYielded(Request(url), callback, Response(url, 200, (), body.encode()), Reading(items, links, **reading))


def hear(drift, *pages):
    for page in pages:
        drift.hear(page)


def good_pages(number=50, **more):
    return [yielded(one, **more) for one in range(number)]


def watched(*runs, expect=None, arguments=""):
    """A spider with good runs behind it, each of these pages."""
    history = []
    for pages in runs:
        drift = Drift([Watched("films", arguments=arguments)])
        hear(drift, *pages)
        assert drift.alarms == []
        history.append(msgspec.json.decode(msgspec.json.encode(drift.profiles()[0][0]), type=Profile))
    return Watched("films", expect, tuple(history), arguments)


def told(drift):
    return [(alarm.what, alarm.field) for alarm in drift.alarms]


FOUR = GOOD * 2
BAD = {
    "no items": {"items": []},
    "few items": {"items": GOOD[:1]},
    "no links": {"requests": ()},
    "empty field": {"items": [{"title": "", "score": "9.5"}, {"title": None, "score": "9.1"}] * 2},
    "other form": {"items": [{"title": "One", "score": "9,5"}] * 4},
    "same page": {"body": '<html lang="en">always'},
    "other language": {"lang": "fr"},
}


@pytest.mark.parametrize("what", BAD)
def test_what_can_be_wrong(what):
    def english(number, items=FOUR, lang="en", **more):
        return yielded(number, items, **{"body": f'<html lang="{lang}">{number}', **more})

    drift = Drift([watched([english(number) for number in range(50)])])
    hear(drift, *[english(number) for number in range(5)])
    hear(drift, *[english(number, **BAD[what]) for number in range(100, 110)])
    [alarm] = drift.alarms
    assert alarm.what == what
    assert alarm.field == {"empty field": "title", "other form": "score"}.get(what, "")
    assert alarm.pages >= 8
    assert alarm.after <= 5
    first = 101 if what == "same page" else 100  # before it is seen twice it may be right
    last = 100 if what == "same page" else 4
    assert (alarm.good_url, alarm.bad_url) == (f"{SITE}/list/{last}", f"{SITE}/list/{first}")


def test_without_good_runs_and_expectations_nothing_is_told():
    drift = Drift([Watched("films")])
    hear(drift, *good_pages(3), *good_pages(50, items=[]))
    drift.end()
    assert drift.alarms == []


def test_the_first_alarm_says_all_of_a_page_without_items():
    drift = Drift([watched(good_pages())])
    hear(drift, *[yielded(number, items=[], requests=()) for number in range(100, 110)])
    assert told(drift) == [("no items", "")]
    assert drift.alarms[0].pages == 10


def test_zero_and_false_are_something():
    drift = Drift([watched(good_pages(items=[{"votes": 5, "is_new": True}]))])
    hear(drift, *[yielded(number, [{"votes": 0, "is_new": False}]) for number in range(100, 120)])
    hear(drift, *[yielded(number, [{}, {"votes": 0, "is_new": False}]) for number in range(120, 140)])
    assert drift.alarms == []


def test_a_page_that_raises_gives_nothing_and_its_line_is_told():
    drift = Drift([watched(good_pages())])
    error = PageError(f"{SITE}/list/100", "parse", "KeyError", "'items'", "films.py:7")
    hear(drift, *[yielded(number, [], error=error) for number in range(100, 105)])
    assert told(drift) == [("no items", "")]
    assert (drift.alarms[0].where, drift.alarms[0].selector) == ("films.py:7", "KeyError: 'items'")
    assert drift.alarms[0].after == 3


def test_items_that_are_refused_were_there_all_the_same():
    drift = Drift([watched(good_pages())])
    wrong = ItemError("Film.score", "parse", "expected float")
    hear(drift, *[yielded(number, [], item_errors=[wrong], dropped=["known"]) for number in range(100, 110)])
    assert drift.alarms == []


def test_kinds_of_pages_are_told_apart():
    past = [*good_pages(), *good_pages(items=[], place="category")]
    drift = Drift([watched(past)])
    hear(drift, *good_pages(20, items=[], place="category"))
    assert drift.alarms == []
    hear(drift, *[yielded(number, items=[]) for number in range(100, 104)])
    assert told(drift) == [("no items", "")]


def test_an_address_that_is_new_is_compared_with_all_of_the_callback():
    drift = Drift([watched(good_pages())])
    hear(drift, *good_pages(5, items=[], place="moved"))
    assert told(drift) == [("no items", "")]


def test_with_other_arguments_only_the_same_kind_of_address_is_compared():
    spider = watched(good_pages(), arguments="a")
    other = msgspec.structs.replace(spider, arguments="b")
    for place, alarms in (("item", []), ("list", [("no items", "")])):
        drift = Drift([other])
        hear(drift, *[yielded(number, [], place=place) for number in range(10)])
        assert told(drift) == alarms
    # Of runs with the same arguments and others only those with the same ones count.
    few = watched(good_pages(items=GOOD[:1]), arguments="b")
    drift = Drift([msgspec.structs.replace(other, history=(*spider.history, *few.history))])
    hear(drift, *good_pages(10, items=GOOD[:1]))
    assert drift.alarms == []


def test_callbacks_and_spiders_are_told_apart():
    drift = Drift([watched(good_pages()), Watched("other")])
    hear(drift, *good_pages(20, items=[], callback="parse_other"))
    for page in good_pages(20, items=[]):
        drift.hear(msgspec.structs.replace(page, request=page.request.replace(spider=1)))
    assert drift.alarms == []


def test_strange_items_hold_nobody_up():
    class Strange:
        def __bool__(self):
            raise RuntimeError

    drift = Drift([watched(good_pages())])
    hear(drift, *[yielded(number, [{"title": Strange()}]) for number in range(100, 110)])


# -- fields inside others -------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Seller:
    name: object


@attrs.define
class Film:
    title: object
    rank: object


class Offer(msgspec.Struct):
    price: object
    seller: object


class Whole(pydantic.BaseModel):
    film: dict[str, Any]
    offers: list[dict[str, Any]]


def nested(title="One", price="9.50", seller="Ann", rank=1):
    return {
        "id": 1,
        "film": {"title": title, "rank": rank},
        "offers": [{"price": None, "seller": {"name": None}}, {"price": price, "seller": {"name": seller}}],
    }


def in_objects(title="One", price="9.50", seller="Ann", rank=1):
    offers = [Offer(None, Seller(None)), Offer(price, Seller(seller))]
    return {"id": 1, "film": Film(title, rank), "offers": offers}


def in_a_model(**changed):
    return Whole(**nested(**changed))


INSIDE = [
    ({"title": ""}, "empty field", "film.title"),
    ({"title": "\u4e00"}, "other form", "film.title"),
    ({"rank": "1st"}, "other form", "film.rank"),
    ({"price": ""}, "empty field", "offers[].price"),
    ({"price": "9,50"}, "other form", "offers[].price"),
    ({"seller": None}, "empty field", "offers[].seller.name"),
]


@pytest.mark.parametrize("make", [nested, in_objects, in_a_model])
@pytest.mark.parametrize(("changed", "what", "field"), INSIDE)
def test_fields_inside_others_are_fields_of_their_own(make, changed, what, field):
    drift = Drift([watched(good_pages(items=[make()] * 2))])
    hear(drift, *good_pages(5, items=[make()] * 2))
    hear(drift, *[yielded(number, [make(**changed)] * 2) for number in range(100, 110)])
    [alarm] = drift.alarms
    assert (alarm.what, alarm.field) == (what, field)
    assert alarm.message.startswith(f"{field} is ")
    assert alarm.after <= 5
    assert (alarm.good_url, alarm.bad_url) == (f"{SITE}/list/4", f"{SITE}/list/100")


def test_of_an_outer_field_that_empties_it_alone_is_told():
    for nothing in (None, {}, []):
        drift = Drift([watched(good_pages(items=[nested()]))])
        hear(drift, *[yielded(number, [{**nested(), "film": nothing}]) for number in range(100, 120)])
        hear(drift, *[yielded(number, [{**nested(), "offers": nothing}]) for number in range(200, 220)])
        drift.end()
        assert told(drift) == [("empty field", "film"), ("empty field", "offers")]


def test_dicts_that_become_text_are_told():
    drift = Drift([watched(good_pages(items=[nested()]))])
    hear(drift, *[yielded(number, [{**nested(), "film": "One", "offers": ["9.50"]}]) for number in range(100, 120)])
    assert sorted(told(drift)) == [
        ("empty field", "offers[].price"),
        ("empty field", "offers[].seller"),
        ("other form", "film"),
    ]


def test_a_page_without_them_says_nothing_about_their_fields():
    """One page of ten has a film; the day on which its titles are gone is noticed all the same."""
    rare = [yielded(number, [nested() if number % 10 == 0 else {"id": 1, "film": None}]) for number in range(300)]
    drift = Drift([watched(rare)])
    hear(drift, *rare)
    assert drift.alarms == []
    for what, changed in (("empty field", {"title": ""}), ("other form", {"title": "\u4e00"})):
        drift = Drift([watched(rare)])
        hear(drift, *rare)
        bad = [nested(**changed) if n % 10 == 0 else {"id": 1, "film": None} for n in range(100)]
        hear(drift, *[yielded(400 + n, [item]) for n, item in enumerate(bad)])
        assert told(drift) == [(what, "film.title")]
        [alarm] = drift.alarms
        assert alarm.pages == 10
        assert (alarm.good_url, alarm.bad_url) == (f"{SITE}/list/290", f"{SITE}/list/400")


def test_the_last_good_page_is_one_that_has_them():
    mixed = [yielded(n, [nested()] if n % 2 else []) for n in range(100)]
    drift = Drift([watched(mixed)])
    hear(drift, *mixed[:9], *[yielded(n, [nested(title="")]) for n in range(101, 110)])
    assert told(drift) == [("empty field", "film.title")]
    assert (drift.alarms[0].good_url, drift.alarms[0].bad_url) == (f"{SITE}/list/7", f"{SITE}/list/101")


def test_what_is_often_empty_where_it_is_there_is_no_alarm():
    """Of pages with films half have no title, which is no sixth of all pages: twelve in a row are no chance then."""

    def pages(start, number):
        items = [[nested(title="One" if n % 6 else "")] if n % 3 == 0 else [{"id": 1}] for n in range(number)]
        return [yielded(start + n, one) for n, one in enumerate(items)]

    drift = Drift([watched(pages(0, 300))])
    hear(drift, *[yielded(n, [nested(title="")]) for n in range(12)])
    assert drift.alarms == []


def forget_inside(profile):
    """Make of it what an earlier version wrote."""
    for kind in profile.kinds.values():
        kind.inside.clear()
        for counted in (kind.tallies, kind.forms, kind.filled):
            for name in [name for name in counted if "." in name]:
                del counted[name]


def test_profiles_without_such_names_say_nothing_about_them():
    """Good runs of an earlier version, alone and beside one of this version."""
    sparse = [yielded(n, [nested(price="", title="" if n % 2 else "One")]) for n in range(50)]
    spider = watched(sparse)
    [profile] = spider.history
    old = msgspec.convert(msgspec.to_builtins(profile), Profile)
    forget_inside(old)
    for history in ((old,), (old, old, old), (profile, old, old, old)):
        drift = Drift([msgspec.structs.replace(spider, history=history)])
        hear(drift, *[yielded(n, [nested(price="", title="" if n % 5 else "One")]) for n in range(50)])
        drift.end()
        assert drift.alarms == []
        assert drift.profiles()[0][0].kinds["parse /list/"].inside == {
            "film": 50,
            "offers[]": 50,
            "offers[].seller": 50,
        }


def test_one_good_run_beside_older_ones_is_only_one():
    spider = watched(*[good_pages(1, items=[nested()])] * 3)
    new, *older = spider.history
    for profile in older:
        forget_inside(profile)
    drift = Drift([msgspec.structs.replace(spider, history=(new, *older))])
    hear(drift, *good_pages(1, items=[nested(title="")]))
    drift.end()
    assert told(drift) == []


def test_a_run_that_goes_on_knows_the_fields_inside_others():
    spider = watched(good_pages(items=[nested()]))
    drift = resumed(Drift([spider]), spider)
    hear(drift, *good_pages(5, items=[nested()]), *[yielded(n, [nested(title="")]) for n in (100, 101)])
    drift = resumed(drift, spider)
    hear(drift, *[yielded(n, [nested(title="")]) for n in range(102, 106)])
    assert told(drift) == [("empty field", "film.title")]
    first = Drift([Watched("films")])
    hear(first, *good_pages(5, items=[nested()]))
    again = resumed(first, Watched("films"))
    hear(again, *good_pages(5, items=[nested()]))
    assert again.profiles()[0][0].kinds["parse /list/"].inside["offers[].seller"] == 10


def test_a_short_run_is_weighed_by_its_fields_inside_others():
    ten = [nested(title=str(number)) for number in range(10)]
    assert few_pages(ten, [{**item, "film": {"title": None, "rank": 1}} for item in ten]) == [
        ("empty field", "film.title")
    ]
    assert few_pages(ten, [{**item, "film": None} for item in ten]) == [("empty field", "film")]
    half = [yielded(n, [nested() if n % 2 else {"id": 1}]) for n in range(6)]
    drift = Drift([watched(half, half, half)])
    hear(drift, *[yielded(n, [nested(title="") if n % 2 else {"id": 1}]) for n in range(4)])
    drift.end()
    assert told(drift) == [("empty field", "film.title")]
    assert few_pages(ten, [{**item, "film": None} for item in ten[1:]] + [nested(title="")]) == []


def test_a_field_that_is_met_late_was_empty_before():
    films = [None, None, None, {"title": "One"}, {"title": "Two"}, {"title": "Three", "year": 1999}]
    drift = Drift([Watched("films")])
    hear(drift, *[yielded(n, [{"film": film}]) for n, film in enumerate(films)])
    [kind] = drift.profiles()[0][0].kinds.values()
    assert kind.inside == {"film": 3}
    assert kind.tallies["field film.year"].bad == 2


def test_strange_keys_and_many_of_them():
    strange = {"a.b": {"c": 1}, "d": {1: 2, "e.f": {"g": 3}, "h": {"i": {"j": {"k": 1}}}}, "l": [[{"m": 1}], 2, None]}
    drift = Drift([watched(good_pages(items=[strange]))])
    hear(drift, *good_pages(items=[strange]))
    drift.end()
    assert told(drift) == []
    [kind] = drift.profiles()[0][0].kinds.values()
    fields = [name.removeprefix("field ") for name in kind.tallies if name.startswith("field ")]
    assert fields == ["a.b", "d", "l", "d.h", "d.h.i"]


def test_keys_that_are_values_are_bounded_and_no_alarm():
    dates = [{"id": 1, "prices": {f"2024-{n}-{place}": place for place in range(9)}} for n in range(50)]
    spider = watched([yielded(n, [one]) for n, one in enumerate(dates)])
    drift = Drift([spider])
    hear(drift, *[yielded(100 + n, [one]) for n, one in enumerate(reversed(dates))])
    drift.end()
    assert told(drift) == []
    for profile in (spider.history[0], drift.profiles()[0][0]):
        assert sum(name.startswith("field ") for name in profile.kinds["parse /list/"].tallies) == 2 + 64
    assert len(spider.history[0].kinds["parse /list/"].forms) == 2 + 64  # there is room for those of the item itself


def test_a_field_that_good_runs_did_not_have_is_none_that_emptied():
    for new in ({"year": None}, {"film": {"year": None, "title": "One"}}):
        drift = Drift([watched(*[good_pages(5, items=[{"id": 1, "film": {"title": "One"}}])] * 3)])
        hear(drift, *good_pages(20, items=[{"id": 1, "film": {"title": "One"}, **new}]))
        drift.end()
        assert told(drift) == []


# -- at the end of a run -------------------------------------------------------------------------------------------


def test_a_run_with_few_pages_is_weighed_when_it_ends():
    drift = Drift([watched(*[good_pages(2)] * 3)])
    hear(drift, *good_pages(2, items=[{"title": "", "score": "9.5"}] * 2))
    assert drift.alarms == []
    drift.end()
    assert told(drift) == [("empty field", "title")]


def test_a_run_without_any_item_needs_only_one_good_one():
    drift = Drift([watched(good_pages(2))])
    hear(drift, *good_pages(1, items=[]))
    drift.end()
    assert told(drift) == [("no items", "")]
    drift = Drift([watched(good_pages(2))])
    hear(drift, *good_pages(1, items=[{"title": "", "score": "9.5"}]))
    drift.end()
    assert drift.alarms == []


def few_pages(before, now):
    drift = Drift([watched(good_pages(1, items=before))])
    hear(drift, *good_pages(1, items=now))
    drift.end()
    return told(drift)


def test_a_field_that_many_items_had_and_none_has_needs_only_one_good_run():
    ten = [{"title": str(number), "score": "9" if number else None} for number in range(10)]
    assert few_pages(ten, [{**item, "score": None} for item in ten]) == [("empty field", "score")]
    assert few_pages(ten, [{"title": item["title"]} for item in ten]) == [("empty field", "score")]


def test_of_few_items_and_of_fields_that_few_had_nothing_is_told():
    ten = [{"title": "One", "score": "9"}, *[{"title": "Two", "score": None}] * 9]
    assert few_pages(ten, [{**item, "score": None} for item in ten]) == []
    four = [{"title": "One", "score": "9"}] * 4
    assert few_pages(four, [{**item, "score": None} for item in four]) == []
    assert few_pages(four * 3, [{**item, "score": None} for item in four * 3][:-1] + four[:1]) == []


def trail(pages, is_part=False, arguments="", past=10):
    run = [yielded(number, requests=("next",) if number < past - 1 else ()) for number in range(past)]
    drift = Drift([msgspec.structs.replace(watched(run), arguments=arguments)])
    hear(drift, *[yielded(number, requests=("next",) if number < pages - 1 else ()) for number in range(pages)])
    drift.end(is_part)
    return told(drift)


def test_a_trail_that_ends_after_its_first_page_is_told():
    assert trail(1) == [("no links", "")]


def test_a_first_page_without_items_is_told_as_that_and_not_as_a_trail():
    drift = Drift([watched(good_pages(10))])
    hear(drift, yielded(0, [], requests=()))
    drift.end()
    assert told(drift) == [("no items", "")]


def test_a_list_that_leads_to_other_callbacks_may_break_too():
    drift = Drift([watched([yielded(0, []), *good_pages(10, callback="parse_film", requests=())])])
    hear(drift, yielded(0, [], requests=()))
    drift.end()
    assert [alarm.message for alarm in drift.alarms] == [
        "leads nowhere any more, and 1 page is all there is; the last good run had 11"
    ]


def test_a_shorter_trail_is_none_that_broke():
    assert trail(3) == []
    assert trail(1, past=4) == []
    assert trail(1, is_part=True) == []
    drift = Drift([watched([yielded(number, requests=("next",) if number else ()) for number in range(9)])])
    hear(drift, *good_pages(2, requests=()))
    drift.end()
    assert drift.alarms == []
    assert trail(1, arguments="pages=1") == []
    drift = Drift([watched([yielded(0, requests=()), *good_pages(10)[1:]])])
    hear(drift, yielded(0, requests=()))  # it never led anywhere
    drift.end()
    assert drift.alarms == []
    drift = Drift([watched(good_pages(10))])
    hear(drift, yielded(100, requests=()))  # began elsewhere
    drift.end()
    assert drift.alarms == []


LAYOUT = '<div class="page"><ul id="list">{}</ul></div>'
ROW = '<li class="row"><a class="title">One</a></li>'
LOGIN = "<form><input name=user><input type=password></form>"


def listing(pages, end=None, depth=0, items=GOOD):
    """A list, page after page; `end`: the body of a further page that gives nothing."""
    found = [
        yielded(
            number, items, LAYOUT.format(ROW * 2) + str(number), requests=("next",) if end or number < pages - 1 else ()
        )
        for number in range(pages)
    ]
    if end is not None:
        found.append(yielded(pages, [], end, requests=()))
    return [
        msgspec.structs.replace(page, request=page.request.replace(depth=depth + number))
        for number, page in enumerate(found)
    ]


def learned(*runs, **end):
    """A spider with these good runs behind it, each to its end."""
    history = []
    for pages in runs:
        drift = Drift([Watched("films", None, tuple(history))])
        hear(drift, *pages)
        drift.end(**end)
        assert drift.alarms == []
        history.insert(0, msgspec.json.decode(msgspec.json.encode(drift.profiles()[0][0]), type=Profile))
    return Watched("films", None, tuple(history))


def ended(watched, pages, **end):
    drift = Drift([watched])
    hear(drift, *pages)
    drift.end(**end)
    return [alarm.message for alarm in drift.alarms]


EMPTY = LAYOUT.format("")


@pytest.mark.parametrize("runs", [1, 3])
def test_a_list_that_a_page_cuts_off_which_is_none_of_it_is_told(runs):
    before = learned(*[listing(30)] * runs)
    of = "the last good run had 30" if runs == 1 else "the last 3 good runs had 30 or more"
    for pages in (1, 3, 10, 29):
        so_far = "1 page" if pages == 1 else f"{pages} pages"
        assert ended(before, listing(pages, LOGIN)) == [
            f"ends with a page that gives neither items nor links, after {so_far}; {of}"
        ]
    assert ended(before, listing(10, "")) != []
    assert ended(before, listing(10, EMPTY)) != []  # what comes may look like all of the site


def test_a_list_that_got_shorter_was_not_cut_off():
    before = learned(*[listing(30)] * 3)
    assert ended(before, listing(3)) == []
    assert ended(before, listing(28, EMPTY)) == []
    assert ended(before, listing(30, LOGIN)) == []  # all of it was there
    assert ended(learned(listing(30)), listing(20, EMPTY)) == []


def test_a_list_that_always_ends_with_nothing():
    before = learned(*[listing(30, EMPTY)] * 3)
    for pages in (3, 20, 40):
        assert ended(before, listing(pages, EMPTY)) == []
    assert ended(before, listing(20, LOGIN)) == []
    assert ended(before, listing(10, LOGIN)) != []
    assert ended(before, listing(10, LAYOUT.format("Nothing more. " * 20))) == []


def test_a_login_form_within_the_layout_of_the_site():
    before = learned(listing(30))
    assert ended(before, listing(20, LAYOUT.format("<li class=row>Hello"))) == []
    assert ended(before, listing(20, LAYOUT.format(LOGIN.replace("input", "input class=row") + ROW * 3))) != []


def test_where_pages_give_nothing_here_and_there_no_single_one_is_told():
    def crawl(pages, nothing):
        found = listing(pages)
        for number in nothing:
            body = LOGIN if number % 2 else EMPTY
            found[number] = msgspec.structs.replace(
                yielded(number, [], body, requests=()), request=found[number].request
            )
        return found

    before = learned(*[crawl(30, (4, 9, 20))] * 3)
    assert ended(before, crawl(20, (3, 11))) == []
    flat = [msgspec.structs.replace(page, request=page.request.replace(depth=1)) for page in listing(30)]
    assert ended(learned(*[flat] * 3), [*flat[:20], yielded(40, [], LOGIN, requests=())]) == []
    few = flat[:6]
    assert ended(learned(*[few] * 3), [*few[:2], yielded(40, [], LOGIN, requests=())]) == []
    wide = [*listing(3), *flat]  # many lists at once: what is bad there comes in a row
    assert ended(learned(wide), [*flat[:20], yielded(40, [], LOGIN, requests=())]) == []


def test_one_callback_may_read_lists_and_what_they_lead_to():
    def crawl(pages, end=None):
        items = [yielded(number, requests=(), place="item") for number in range(pages)]
        return [page for both in zip(listing(pages, end), items, strict=False) for page in both] + (
            listing(pages, end)[-1:] if end else []
        )

    before = learned(*[crawl(30)] * 3)
    assert ended(before, crawl(20)) == []
    assert ended(before, crawl(10, LOGIN)) == [
        "ends with a page that gives neither items nor links, after 10 pages; the last 3 good runs had 30 or more"
    ]


def test_a_run_with_a_limit_says_nothing_of_where_a_list_ends():
    before = learned(*[listing(30)] * 3)
    assert ended(before, listing(10, LOGIN), is_limited=True) == []
    assert ended(before, listing(10, LOGIN), is_part=True) == []
    short = learned(listing(4), is_limited=True)
    both = Watched("films", None, (*short.history, *before.history))
    assert ended(both, listing(10, LOGIN)) != []
    assert ended(learned(listing(20), is_limited=True), listing(10, LOGIN)) != []


# -- what the spider expects ---------------------------------------------------------------------------------------


def expecting(expect, *pages):
    drift = Drift([Watched("films", expect)])
    hear(drift, *pages)
    drift.end()
    return [(alarm.what, alarm.field, alarm.message) for alarm in drift.alarms]


def test_what_is_expected_is_told_with_the_first_page():
    assert expecting(Expect(items_per_page=(3, None)), *good_pages(1)) == [
        ("expected", "", "gives 2 items; items_per_page expects 3 or more")
    ]
    assert expecting(Expect(required=("title", "score")), *good_pages(1)) == [
        ("expected", "score", "score is required, and an item has none")
    ]
    assert expecting(Expect(matches={"score": r"\d"}), *good_pages(1)) == [
        ("expected", "score", r"score is '9.5'; matches expects \d")
    ]


def test_what_is_as_expected_is_not_told():
    expect = Expect(
        items_per_page=2, required="title", matches={"score": r"\d\.\d", "title": "One|Two"}, filled={"score": 0.5}
    )
    assert expecting(expect, *good_pages()) == []


def test_a_share_is_told_while_it_goes_on_and_when_it_ends():
    drift = Drift([Watched("films", Expect(filled={"score": 0.9}))])
    for number in range(10):
        drift.hear(yielded(number, GOOD[1:] * 2))
        if drift.alarms:
            break
    assert drift.alarms[0].message == "score is filled in 0 of 6 items; expected are 90%"
    assert drift.alarms[0].after == 3
    some = [{"score": "1"}] * 8 + [{"score": ""}] * 2
    ended = expecting(Expect(filled={"score": 0.9}), *good_pages(2, items=some))
    assert ended == [("expected", "score", "score is filled in 16 of 20 items; expected are 90%")]


def test_fields_inside_others_may_be_expected():
    pages = good_pages(items=[nested()] * 2)
    good = Expect(
        required=("film.title", "offers[].price", "offers[].seller.name"),
        matches={"film.title": "One", "offers[].price": r"\d\.\d\d"},
        filled={"offers[].price": 0.9, "offers[].seller.name": 0.9},
    )
    assert expecting(good, *pages) == []
    assert expecting(good, *good_pages(items=[in_objects()] * 2)) == []
    dotted = [{"film.title": "One", "film": {"title": "Two"}}]
    assert expecting(Expect(matches={"film.title": "One"}), *good_pages(items=dotted)) == []
    for bad in ({}, {"film": None}, {"film": "One"}, {"film": {"title": ""}}, {"film": [{"title": "One"}]}):
        assert expecting(Expect(required="film.title"), *good_pages(1, items=[nested(), bad])) == [
            ("expected", "film.title", "film.title is required, and an item has none")
        ]
    offers = [{"price": "9.50"}, {"price": "9,50"}]
    assert expecting(Expect(matches={"offers[].price": r"\d\.\d\d"}), *good_pages(1, items=[{"offers": offers}])) == [
        ("expected", "offers[].price", r"offers[].price is '9,50'; matches expects \d\.\d\d")
    ]
    assert expecting(Expect(filled={"offers[].price": 0.9}), *good_pages(2, items=[nested(price="")] * 10)) == [
        ("expected", "offers[].price", "offers[].price is filled in 0 of 20 items; expected are 90%")
    ]
    assert expecting(Expect(matches={"tags[]": "[a-z]+"}), *good_pages(1, items=[{"tags": ["a", "b!"]}])) == [
        ("expected", "tags[]", "tags[] is 'b!'; matches expects [a-z]+")
    ]


def test_so_many_in_a_row():
    expect = Expect(items_per_page=2, in_a_row=2)
    good, bad = good_pages(1)[0], yielded(99, GOOD[:1])
    assert expecting(expect, good, bad, good, good, bad) == []
    assert len(expecting(expect, good, bad, bad)) == 1
    assert len(expecting(expect, *[good, bad] * 10)) == 1


def test_what_is_declared_is_not_compared():
    past = good_pages(items=GOOD * 5)
    declared = Expect(items_per_page=(1, 10), required="title")
    drift = Drift([watched(past, expect=declared)])
    hear(drift, *good_pages(20, items=GOOD[:1]))
    assert drift.alarms == []
    drift = Drift([watched(past, expect=Expect(required="title", in_a_row=10))])
    hear(drift, *good_pages(9, items=[{"title": "", "score": "9.5"}] * 10))
    assert drift.alarms == []


def test_it_may_be_about_one_callback():
    expect = {"parse_film": Expect(items_per_page=1)}
    assert expecting(expect, *good_pages(3)) == []
    assert len(expecting(expect, *good_pages(3, callback="parse_film"))) == 1


# -- blocked pages, and runs that go on -----------------------------------------------------------------------------


def test_blocked_pages_are_kept_and_counted():
    kept = []
    drift = Drift([Watched("films")], keep=lambda name, response: kept.append((name, response.body)) or name)
    request = Request(f"{SITE}/list/1")
    for _ in range(3):
        drift.hear(BlockedPage(request, Response(request.url, 200, (), b"prove it"), "blocked: verification page"))
    [alarm] = drift.alarms
    assert (alarm.what, alarm.message, alarm.pages) == ("blocked", "blocked: verification page", 3)
    assert (alarm.bad_file, kept) == ("parse-blocked", [("parse-blocked", b"prove it")])


def resumed(drift, spider):
    return Drift([spider], msgspec.json.decode(msgspec.json.encode(drift.carried())))


def test_a_run_that_goes_on_knows_what_it_has_counted():
    spider = watched(good_pages())
    drift = Drift([spider])
    hear(drift, *good_pages(10), *[yielded(number, items=[]) for number in (100, 101)])
    drift = resumed(drift, spider)
    drift.hear(yielded(102, items=[]))
    assert told(drift) == [("no items", "")]
    assert drift.profiles()[0][0].kinds["parse /list/"].pages == 13


def test_what_was_told_stays_told_and_is_told_again_only_if_it_goes_on():
    heard = []
    spider = watched(good_pages())
    drift = Drift([spider])
    hear(drift, *good_pages(5, items=[]))
    drift = Drift([spider], msgspec.json.decode(msgspec.json.encode(drift.carried())), alarmed=heard.append)
    hear(drift, *good_pages(1, items=[]), *good_pages(10))
    assert (told(drift), heard) == ([("no items", "")], [])
    hear(drift, *good_pages(5, items=[]))
    assert len(heard) == 1
    assert told(drift) == [("no items", "")]


def test_pages_without_items_may_be_the_same():
    drift = Drift([watched(good_pages())])
    hear(drift, *good_pages(10, items=[], body="nothing"))
    assert told(drift) == [("no items", "")]


def test_files_have_no_body_and_are_not_the_same_page():
    drift = Drift([watched(good_pages())])
    hear(drift, *good_pages(20, body=""))
    assert drift.alarms == []


def elsewhere(page, has_body=False):
    """The same page, as it comes from a worker that has read it."""
    response = page.response
    gist = Gist(len(response.body), digest_of(response.body), "en")
    body = response.body if has_body else b""
    return msgspec.structs.replace(page, response=msgspec.structs.replace(response, body=body, gist=gist))


def test_of_pages_that_were_read_elsewhere_the_nearest_with_a_body_are_told():
    kept = []

    def keep(name, response):
        kept.append((name, response.body))
        return name

    empty = [{"title": "", "score": "9.5"}] * 2
    right = [elsewhere(page, has_body=page.request.url.endswith("/2")) for page in good_pages(5)]
    other = elsewhere(yielded(5, [{"title": "One", "score": ""}] * 2), has_body=True)  # wrong in another way
    wrong = [elsewhere(yielded(number, empty), has_body=number == 107) for number in range(100, 110)]
    drift = Drift([watched(good_pages())], keep=keep, blame=lambda *told: ("films.py:1", told[2][1].url))
    hear(drift, *right, other, *wrong[:5])
    assert (drift.alarms[0].bad_url, drift.alarms[0].bad_file) == (f"{SITE}/list/100", "")
    hear(drift, *wrong[5:])
    [alarm] = drift.alarms
    assert (alarm.good_url, alarm.bad_url) == (f"{SITE}/list/5", f"{SITE}/list/107")
    assert (alarm.where, alarm.selector, alarm.after) == ("films.py:1", f"{SITE}/list/5", 3)
    assert kept == [("parse-good", b"<html>5</html>"), ("parse-bad", b"<html>107</html>")]


def test_a_page_that_is_wrong_in_the_same_way_is_no_good_one():
    empty = [{"title": "", "score": "9.5"}] * 2
    drift = Drift([watched(good_pages())])
    one = elsewhere(yielded(3, empty), has_body=True)
    hear(drift, elsewhere(yielded(1), has_body=True), one, *map(elsewhere, good_pages(30)))
    hear(drift, *[elsewhere(yielded(number, empty), has_body=True) for number in range(100, 105)])
    assert drift.alarms[0].good_url == f"{SITE}/list/1"


def test_what_was_read_elsewhere_is_known_by_its_digest():
    same = [elsewhere(yielded(number, body="always")) for number in range(10)]
    assert told_of(same) == [("same page", "")]
    assert told_of([page for one in same for page in (one, yielded(1, body="always"))][:8]) == [("same page", "")]
    assert told_of([elsewhere(yielded(number)) for number in range(10, 20)]) == []
    french = [elsewhere(yielded(number)) for number in range(10)]
    english = [yielded(number, body=f'<html lang="fr">{number}') for number in range(50)]
    assert told_of(french, english) == [("other language", "")]


def told_of(pages, before=None):
    drift = Drift([watched(before or good_pages())])
    hear(drift, *pages)
    return told(drift)


def test_large_pages_are_not_kept_in_mind():
    drift = Drift([watched(good_pages())])
    hear(drift, *[yielded(number, [], body=f"{number}" + "x" * 2_000_001) for number in range(100, 105)])
    assert told(drift) == [("no items", "")]
    assert drift.profiles()[0][1] == {}

import dataclasses
import logging
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import Request
from crawler.frontier.recent import Recent
from crawler.observe.from_workers import FromWorkers
from crawler.packed import NOTHING, Leads, Record, Told, pack, unpack
from crawler.reading import ItemError, PageError, Reading
from crawler.request import is_link
from crawler.saved import Save

URLS = st.sampled_from(["http://a.example/", "http://a.example/2", "", "x\ny", "http://b.example/\n", "\n"])
FIELDS = {
    "data": {"a": [1, 2.5]},
    "method": "POST",
    "headers": {"A": "b"},
    "body": b"q=1",
    "priority": 3,
    "cookies": {"a": "b"},
    "jar": "own",
    "timeout": 1.5,
    "max_body": 1,
    "again": True,
    "on_failure": "parse_failure",
    "save": Save("a"),
    "row": 7,
    "purpose": "robots",
}
MORE = st.one_of(st.just({}), st.just({}), st.sampled_from(list(FIELDS)).map(lambda name: {name: FIELDS[name]}))
CALLBACKS = st.sampled_from([None, "parse_a", "parse_b"])
REQUESTS = st.builds(lambda url, callback, more: Request(url, callback, **more), URLS, CALLBACKS, MORE)


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_is_lost_on_the_way(name):
    requests = [Request("http://a/"), Request("http://a/", **{name: FIELDS[name]}), Request("http://a/")]
    leads = unpack(pack(Reading([], requests)))[0].requests
    assert list(leads) == requests
    assert list(leads.unknown(recent(["http://a/"]))) == requests[1:2]


@given(st.lists(REQUESTS, max_size=12))
def test_requests_cross_as_they_are_and_in_their_order(requests):
    leads, told = unpack(pack(Reading([], requests)))[0].requests, NOTHING
    assert list(leads) == requests
    assert len(leads) == len(requests)
    assert told is NOTHING
    assert [leads[number] for number in range(len(requests))] == requests


@given(st.lists(st.builds(Request, URLS, CALLBACKS), max_size=12))
def test_what_is_known_to_be_links_crosses_in_the_same_way(links):
    assert all(map(is_link, links))
    assert pack(Reading([], links, are_links=True)) == pack(Reading([], links))


@pytest.mark.parametrize("name", FIELDS)
def test_a_link_has_a_url_and_a_callback_and_nothing_else(name):
    assert is_link(Request("http://a/", "parse_a"))
    assert not is_link(Request("http://a/", **{name: FIELDS[name]}))


def recent(urls):
    known = Recent()
    for url in urls:
        known.add(url)
    return known


@given(st.lists(REQUESTS, max_size=12), st.sets(URLS))
def test_only_bare_requests_for_known_urls_are_left_out(requests, known):
    leads = unpack(pack(Reading([], requests)))[0].requests
    assert isinstance(leads, Leads)
    bare = Request("", None)
    left = [
        request
        for request in requests
        if request.url not in known or msgspec.structs.replace(request, url="", callback=None) != bare
    ]
    assert list(leads.unknown(recent(known))) == left
    assert list(leads.unknown(recent(f"jar {url}" for url in known), "jar ")) == left


@dataclasses.dataclass
class Film:
    title: str
    cast: list


def test_items_errors_and_records_cross_as_they_are():
    error = PageError("http://a/", "parse", "KeyError", "'x'", "films.py:3", "Traceback")
    wrong = ItemError("Film.title", "parse", "no text", "films.py:4")
    record = Record("films", logging.WARNING, "hm", "", "films.py", 3, 1.5)
    reading = Reading([Film("A", ["b"]), {"c": (1, {2})}], [], error, [], [wrong], ["by Upper"])
    back, told = unpack(pack(reading, Told((record,), ("a note",))))
    assert dataclasses.replace(back.items[0]) == Film("A", ["b"])
    assert type(back.items[0]) is Film
    assert back.items[1] == {"c": (1, {2})}
    assert (back.error, back.item_errors, back.dropped) == (error, [wrong], ["by Upper"])
    assert told == ((record,), ("a note",))


def local_film():
    @dataclasses.dataclass
    class Local:
        title: str

    return Local("B")


def test_an_item_that_cannot_cross_goes_as_what_would_be_written_of_it():
    reading = Reading([{"n": 1}, local_film(), {"lock": threading.Lock()}])
    back = unpack(pack(reading))[0]
    assert back.items == [{"n": 1}, {"title": "B"}]
    assert [(error.what, "lock" in error.message) for error in back.item_errors] == [("dict", True)]


def test_pipelines_get_no_other_item_than_they_would_get():
    back = unpack(pack(Reading([local_film(), {"n": 1}]), plain=False))[0]
    assert back.items == [{"n": 1}]
    assert "cannot leave its worker" in back.item_errors[0].message


class Refuses:
    def __reduce__(self):
        return (int, ("no number",))


def test_items_that_cannot_be_put_together_again_leave_the_requests():
    back = unpack(pack(Reading([{"a": Refuses()}], [Request("http://a/")])))[0]
    assert (back.items, list(back.requests)) == ([], [Request("http://a/")])
    assert "ValueError" in back.item_errors[0].message


def test_records_are_logged_again_and_a_note_is_said_once(caplog):
    from_workers = FromWorkers()
    record = Record("films", logging.WARNING, "100% sure", "Traceback", "films.py", 3, 1.5)
    quiet = Record("films", logging.DEBUG, "not asked for", "", "films.py", 3, 1.5)
    for _ in range(2):
        from_workers.hear(Told((record, quiet), ("films.py:3: self.n",)))
    assert [one.getMessage() for one in caplog.records] == ["100% sure", "films.py:3: self.n", "100% sure"]
    assert (caplog.records[0].trace, caplog.records[0].created) == ("Traceback", 1.5)


@pytest.mark.parametrize("urls", [[], [""], ["", ""], ["\n"]])
def test_no_url_at_all_is_a_url_too(urls):
    requests = [Request(url) for url in urls]
    assert list(unpack(pack(Reading([], requests)))[0].requests) == requests

"""What became of a URL: found under every name it had, with its way, its attempts and its items."""

import time
from contextlib import closing

import pytest

from crawler.frontier.ledger import Ledger
from crawler.frontier.lookup import Attempt, is_host_waiting, lookup, similar, wanted_callbacks
from crawler.request import Request

SITE = "https://films.example"


@pytest.fixture
def ledger():
    with closing(Ledger(None)) as opened:
        yield opened


def chain(ledger, length):
    """Requests each found on the page of the one before."""
    request = ledger.add(Request(f"{SITE}/0"))
    made = [request]
    for depth in range(1, length):
        made.append(ledger.add(Request(f"{SITE}/{depth}", callback=f"c{depth}", depth=depth, parent_row=made[-1].row)))
    return made


def test_the_way_leads_to_the_start_and_names_the_callback_that_yielded_it(ledger):
    made = chain(ledger, 4)
    ledger.commit()
    (known,) = lookup(ledger, f"{SITE}/3")
    assert known.request.replace(parent="") == made[3]
    assert known.path == [f"{SITE}/0", f"{SITE}/1", f"{SITE}/2"]
    assert known.found_by == "c2"
    (second,) = lookup(ledger, f"{SITE}/1")
    assert second.found_by == "parse"
    (start,) = lookup(ledger, f"{SITE}/0")
    assert (start.found_by, start.path, start.state, start.reason) == ("start()", [], "waiting", "")


def test_what_a_page_that_failed_led_to_was_found_by_on_failure(ledger):
    failed = ledger.add(Request(f"{SITE}/a", callback="film", on_failure="mourn"))
    ledger.end(failed, "failed", "status: 404")
    ledger.add(Request(f"{SITE}/b", parent_row=failed.row))
    ledger.commit()
    assert lookup(ledger, f"{SITE}/b")[0].found_by == "mourn"
    assert lookup(ledger, f"{SITE}/a")[0].reason == "status: 404"


def test_a_way_that_is_lost_or_a_circle_ends(ledger):
    ledger.add(Request(f"{SITE}/lost", parent_row=99))
    ledger.add(Request(f"{SITE}/circle", parent_row=2))
    ledger.commit()
    assert (lookup(ledger, f"{SITE}/lost")[0].found_by, lookup(ledger, f"{SITE}/lost")[0].path) == ("", [])
    assert set(lookup(ledger, f"{SITE}/circle")[0].path) == {f"{SITE}/circle"}


def test_a_request_is_found_by_every_url_of_its_redirects(ledger):
    request = ledger.add(Request(f"{SITE}/old"))
    ledger.attempt(request, 1e9, 0.25, "301")
    hop = request.replace(url=f"{SITE}/older", hops=(f"{SITE}/old",))
    ledger.again(hop)
    ledger.attempt(hop, 1e9 + 1, 0.5, "302")
    last = hop.replace(url=f"{SITE}/new", hops=(f"{SITE}/old", f"{SITE}/older"))
    ledger.again(last, 60.0)
    ledger.commit()
    for name in ("old", "older", "new"):
        (known,) = lookup(ledger, f"{SITE}/{name}")
        assert known.request == last
        assert 0 < known.not_before - time.time() <= 60
        assert known.attempts == [
            Attempt(1e9, 0.25, f"{SITE}/old", "301"),
            Attempt(1e9 + 1, 0.5, f"{SITE}/older", "302"),
        ]
    assert lookup(ledger, f"{SITE}/ol") == []


def test_all_requests_for_a_url_are_told_whatever_their_method_spider_and_body(ledger):
    variants = [
        Request(SITE + "/"),
        Request(SITE + "/", method="POST", body="q=1"),
        Request(SITE + "/", method="POST", body="q=2"),
        Request(SITE + "/", spider=1),
        Request(SITE + "/", again=True),
    ]
    rows = [ledger.add(variant).row for variant in variants]
    ledger.drop(Request(SITE + "/far", depth=9), "depth: 9 is more than 3")
    ledger.add(Request(SITE + "/data", data={"hops": [SITE + "/mentioned"]}))
    ledger.commit()
    assert [known.request.row for known in lookup(ledger, SITE + "/")] == rows
    assert [(known.state, known.reason) for known in lookup(ledger, SITE + "/far")] == [
        ("dropped", "depth: 9 is more than 3")
    ]
    assert lookup(ledger, SITE + "/mentioned") == []


def test_the_first_items_and_their_number(ledger):
    request, other = ledger.add(Request(SITE + "/a")), ledger.add(Request(SITE + "/b"))
    ledger.store(other, [b'{"n":-1}'])
    ledger.store(request, [b'{"n":%d}' % n for n in range(5)])
    ledger.commit()
    (known,) = lookup(ledger, SITE + "/a")
    assert (known.items, known.item_count) == ([b'{"n":0}', b'{"n":1}', b'{"n":2}'], 5)


@pytest.mark.parametrize(
    "typed",
    [
        "https://films.example/List",
        "https://films.example/list/",
        "http://films.example/list",
        "https://www.films.example/list?page=1",
        "films.example/list",
    ],
)
def test_urls_like_one_that_is_not_known(ledger, typed):
    for url in ("/list", "/list?page=7", "/lost", "/list/1", "/list/2"):
        ledger.add(Request(SITE + url))
    ledger.commit()
    assert similar(ledger, typed) == [SITE + "/list", SITE + "/list/1", SITE + "/list/2"]


def test_signs_with_a_meaning_in_sql_are_only_signs(ledger):
    ledger.add(Request(SITE + "/a_b%20"))
    ledger.add(Request(SITE + "/axb%20"))
    ledger.commit()
    assert similar(ledger, SITE + "/a_b%20/") == [SITE + "/a_b%20"]
    assert similar(ledger, SITE + "/%'") == []


def test_the_callbacks_that_waiting_requests_want_are_counted(ledger):
    for number, names in enumerate([{}, {}, {"callback": "film"}, {"callback": "film", "on_failure": "mourn"}]):
        ledger.add(Request(f"{SITE}/{number}", **names))
    ledger.add(Request(f"{SITE}/other", spider=1, on_failure="mourn"))
    ledger.end(ledger.add(Request(f"{SITE}/done", callback="old")), "done")
    ledger.commit()
    assert wanted_callbacks(ledger) == {(0, "parse"): 2, (0, "film"): 2, (0, "mourn"): 1, (1, "mourn"): 1}


def test_a_host_waits_while_one_of_its_requests_does(ledger):
    request = ledger.add(Request(f"{SITE}/a"))
    ledger.add(Request("https://other.example:8080/"))
    ledger.commit()
    assert is_host_waiting(ledger, "films.example")
    assert is_host_waiting(ledger, "other.example:8080")
    assert not is_host_waiting(ledger, "other.example")
    ledger.end(request, "done")
    ledger.commit()
    assert not is_host_waiting(ledger, "films.example")

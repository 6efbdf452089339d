from contextlib import closing

import pytest

from crawler import Request
from crawler.errors import CrawlError
from crawler.frontier.earlier import EarlierRun
from crawler.frontier.ledger import Ledger

HOME = Request("http://a.example/")


@pytest.fixture
def ledger(tmp_path):
    with closing(Ledger(tmp_path / "ledger.db")) as ledger:
        yield ledger


@pytest.fixture
def earlier(ledger, tmp_path):
    """`earlier()`: what is in the ledger now."""
    opened = []

    def open_it():
        ledger.commit()
        opened.append(EarlierRun(tmp_path / "ledger.db", "monday"))
        return opened[-1]

    yield open_it
    for run in opened:
        run.close()


def read(ledger, request, items=b"", reason=None, state="done"):
    """A page that was read."""
    stored = ledger.add(request)
    ledger.remember(stored.row, '"1"', "yesterday", 42)
    ledger.store(stored, [], items)
    ledger.end(stored, state, reason)
    return stored


def test_a_page_is_known_with_what_it_was_and_gave(ledger, earlier):
    numbers = (1, -(2**62), 2**62)
    read(ledger, HOME, b"".join(number.to_bytes(8, "little", signed=True) for number in numbers))
    page = earlier().page(HOME.replace(depth=3, row=99, headers={"A": "b"}))
    assert (page.etag, page.last_modified, page.digest, page.items) == ('"1"', "yesterday", 42, frozenset(numbers))
    assert (page.leads_to, page.is_whole) == ((), True)


@pytest.mark.parametrize("changes", [{"url": "http://a.example/x"}, {"method": "POST"}, {"body": b"x"}, {"spider": 1}])
def test_another_page_is_not(ledger, earlier, changes):
    read(ledger, HOME)
    assert earlier().page(HOME.replace(**changes)) is None


@pytest.mark.parametrize("state", ["failed", "blocked", "dropped"])
def test_a_page_that_gave_nothing_is_not_known(ledger, earlier, state):
    read(ledger, HOME, state=state)
    assert earlier().page(HOME) is None


def test_a_page_that_waits_is_not_known(ledger, earlier):
    stored = ledger.add(HOME)
    ledger.remember(stored.row, '"1"', None, 42)
    assert earlier().page(HOME) is None


def test_a_page_that_was_not_modified_then_is_known(ledger, earlier):
    stored = ledger.add(HOME)
    ledger.remember(stored.row, '"1"', None, 42, frozenset({3, -4}))
    ledger.end(stored, "done", "since: not modified since sunday")
    assert earlier().page(HOME).items == {3, -4}


def test_what_is_forgotten_is_read_again(ledger, earlier):
    ledger.forget(read(ledger, HOME, bytes(8)))
    page = earlier().page(HOME)
    assert (page.etag, page.last_modified, page.digest, page.items) == (None, None, -1, {0})


def test_it_leads_where_it_led_as_it_was_found(ledger, earlier):
    home = read(ledger, HOME)
    found = [
        Request(f"http://a.example/{number}", callback="parse_film", data={"n": number}, priority=number, jar="j")
        for number in range(3)
    ]
    for request in found:
        ledger.add(request.replace(parent_row=home.row, parent=HOME.url, depth=1))
    ledger.drop(Request("http://b.example/", parent_row=home.row, depth=1), "scope: no")
    other = read(ledger, Request("http://a.example/other"))
    ledger.add(Request("http://a.example/child-of-other", parent_row=other.row))
    page = earlier().page(HOME)
    assert [one.replace(depth=0) for one in page.leads_to] == [*found, Request("http://b.example/")]
    assert page.is_whole


def test_a_redirect_is_known_by_both_ends(ledger, earlier):
    stored = read(ledger, HOME)
    ledger.again(stored.replace(url="http://a.example/end", hops=(HOME.url,)))
    run = earlier()
    assert run.page(HOME) is None
    assert run.page(HOME.replace(url="http://a.example/end")) is None
    assert run.page(HOME.replace(url="http://a.example/end", hops=(HOME.url,))).digest == 42
    assert run.page(HOME.replace(url="http://a.example/elsewhere", hops=(HOME.url,))) is None


@pytest.mark.parametrize("again", [False, True])
def test_what_was_redirected_is_offered_as_it_was_found(ledger, earlier, again):
    home = read(ledger, HOME)
    child = ledger.add(Request("http://a.example/old", parent_row=home.row, again=again))
    ledger.commit()
    ledger.again(child.replace(url="http://a.example/new", hops=("http://a.example/old",), attempts=2))
    page = earlier().page(HOME)
    assert page.leads_to == (Request("http://a.example/old", again=again),)
    assert page.is_whole


def test_a_form_that_was_redirected_is_not_known_any_more(ledger, earlier):
    home = read(ledger, HOME)
    form = ledger.add(Request("http://a.example/form", method="POST", body=b"q", parent_row=home.row))
    ledger.commit()
    ledger.again(form.replace(url="http://a.example/new", hops=(form.url,), method="GET", body=None))
    ledger.add(Request("http://a.example/1", parent_row=home.row))
    page = earlier().page(HOME)
    assert page.leads_to == (Request("http://a.example/1"),)
    assert not page.is_whole


@pytest.mark.parametrize(
    ("changes", "is_whole"),
    [({}, True), ({"data": {"n": (1,)}}, True), ({"data": {"n": [2]}}, False), ({"callback": "parse_x"}, False)],
)
def test_a_page_for_another_purpose_has_to_be_read(ledger, earlier, changes, is_whole):
    request = HOME.replace(callback="parse_film", data={"n": [1]})
    read(ledger, request)
    assert earlier().page(request.replace(**changes)).is_whole == is_whole


def test_the_earlier_ledger_is_not_written_to(ledger, earlier, tmp_path):
    read(ledger, HOME)
    ledger.commit()
    before = (tmp_path / "ledger.db").read_bytes(), (tmp_path / "ledger.db-wal").read_bytes()
    earlier().page(HOME)
    assert ((tmp_path / "ledger.db").read_bytes(), (tmp_path / "ledger.db-wal").read_bytes()) == before


def test_no_ledger_is_told(tmp_path):
    with pytest.raises(CrawlError):
        EarlierRun(tmp_path / "nothing.db", "monday")

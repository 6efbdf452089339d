"""Start requests are taken as needed, and a resumed run does not take those twice that insist on being fetched."""

import pytest

from crawler import Request, Spider
from crawler.engine.starts import BATCH, Starts
from crawler.errors import StopNow
from crawler.frontier.ledger import Ledger
from crawler.reading import PageError


@pytest.fixture
def ledger():
    ledger = Ledger(None)
    yield ledger
    ledger.close()


class Reading(Spider):
    def parse(self, page):
        yield {}


class Many(Reading):
    number: int = 1000

    def start(self):
        for number in range(self.number):
            yield Request(f"http://a.example/{number}", again=number % 2 == 0)


def opened(ledger, *spiders):
    starts = Starts(spiders, ledger)
    starts.open()
    return starts


def numbers(batch):
    return [int(start.url.rpartition("/")[2]) for start in batch]


def test_they_are_taken_in_batches_until_there_are_none(ledger):
    starts = opened(ledger, Many(number=300))
    assert starts
    assert numbers(starts.take(lambda _: None)) == list(range(BATCH))
    assert numbers(starts.take(lambda _: None)) == list(range(BATCH, 300))
    assert not starts
    ledger.commit()
    assert not opened(ledger, Many())


def test_a_resumed_run_leaves_out_those_that_insist_and_were_taken(ledger):
    opened(ledger, Many()).take(lambda _: None)
    ledger.commit()
    again = opened(ledger, Many())
    batch = numbers(again.take(lambda _: None))
    assert batch[: BATCH // 2] == list(range(1, BATCH, 2))
    assert batch[BATCH // 2] == BATCH
    ledger.commit()
    third = numbers(opened(ledger, Many()).take(lambda _: None))
    assert [number for number in third if number % 2 == 0 and number <= batch[-1]] == []


def test_what_was_not_committed_was_not_taken(ledger):
    opened(ledger, Many()).take(lambda _: None)
    assert numbers(opened(ledger, Many()).take(lambda _: None))[0] == 0


def test_what_the_second_ctrl_c_interrupts_was_not_taken(ledger):
    class Hanging(Reading):
        def start(self):
            yield Request("http://a.example/", again=True)
            raise StopNow

    with pytest.raises(StopNow):
        opened(ledger, Hanging()).take(lambda _: None)
    ledger.commit()
    assert ledger.get("taken 0") is None


def test_each_spider_has_its_turn_and_errors_are_among_them(ledger):
    class Broken(Reading):
        def start(self):
            yield Request("http://b.example/")
            raise ValueError("broken")

    told = []
    starts = opened(ledger, Broken(), Many(number=1))
    first, error = starts.take(told.append)
    assert first.url == "http://b.example/"
    assert isinstance(error, PageError)
    (second,) = starts.take(told.append)
    assert second.spider == 1
    assert not starts
    assert told[:2] == ["start() of Broken", ""]

"""What is told of a crawl while it runs."""

import time

from crawler import Request
from crawler.engine.outlook import extra_of, idle_reason, numbers
from crawler.observe.live import Extra
from tests.engine.fake_workers import Pages, Setting, fine, urls


def test_why_it_is_idle():
    setting = Setting(Pages(urls=urls(3)), lambda order: None, per_host=1)
    engine = setting.engine
    reasons = []
    stock_wait = engine._wait

    def wait(next_time):
        reasons.append(idle_reason(engine))
        if len(reasons) == 2:
            for worker in setting.workers:
                worker.answer = fine
        return stock_wait(next_time)

    engine._wait = wait
    setting.run()
    assert reasons[0] == "politeness: hosts rest between requests"
    assert reasons[-1] in ("waiting for the last answers", "")
    engine.reading = ("http://h0.example/1", time.monotonic() - 5)
    assert idle_reason(engine) == "reading http://h0.example/1 for 5 s"
    setting.switch.stop()
    engine._is_over()
    assert idle_reason(engine) == "stopping: waiting for what is in flight"


def test_the_live_numbers():
    setting = Setting(Pages(urls=urls(5)), per_host=1)
    setting.run()
    last = numbers(setting.engine)
    assert {name: last[name] for name in ("pages", "items", "errors", "waiting", "in_flight")} == {
        "pages": 5, "items": 5, "errors": 0, "waiting": 0, "in_flight": 0,
    }  # fmt: skip


def test_a_pause_is_told_with_its_length():
    setting = Setting(Pages(urls=urls(1)))
    engine = setting.engine
    setting.frontier.push(setting.ledger.add(Request("http://h0.example/1")))
    engine.next_time = time.monotonic() + 30
    assert idle_reason(engine) == "politeness and pauses after failures: the next request may go in 30 s"
    engine.next_time = None
    assert idle_reason(engine) == "politeness: hosts rest between requests"


def test_a_page_that_is_long_in_reading_is_named_to_the_live_view_and_to_other_terminals():
    setting = Setting(Pages(urls=urls(3)))
    engine = setting.engine
    setting.frontier.push(setting.ledger.add(Request("http://h0.example/1")))
    assert extra_of(engine) == Extra(queue=1, idle="politeness: hosts rest between requests")
    assert "reading" not in numbers(engine)
    engine.reading = ("http://h0.example/2", time.monotonic() - 5)
    extra = extra_of(engine)
    assert (extra.parsing, round(extra.parsing_seconds)) == ("http://h0.example/2", 5)
    assert extra.idle == "reading http://h0.example/2 for 5 s"
    assert numbers(engine)["reading"] == "http://h0.example/2 for 5 s"

"""Workers that die on the way: what they had is done all the same, and only who is to blame is set aside."""

import time

import pytest

from crawler import CrawlError
from crawler.observe import events
from crawler.response import Failure
from tests.engine.fake_workers import Dies, FakeWorker, Pages, Setting, Watched, fine, urls


def test_the_arrival_of_a_replaced_worker_is_ignored():
    setting = Setting(Pages(urls=urls(3)), workers=1)
    engine = setting.engine
    stock_land = engine.land
    old = []

    def land(arrival):
        if not old:
            old.append(arrival)
            return engine._lose(arrival.lane, "killed by signal 9")
        assert stock_land(old[0]) == []
        return stock_land(arrival)

    engine.land = land
    assert setting.run() == "finished"
    assert sorted(setting.items) == urls(3)
    (lost,) = setting.heard.of(events.WorkerLost)
    assert (lost.reason, lost.requests) == ("killed by signal 9", 3)


def test_what_flew_in_a_dead_worker_is_done_one_at_a_time_by_a_worker_of_its_own():
    class FirstDies(Watched):
        def answer_of(self, number, answer):
            def dies(order):
                raise Dies("exited with code 1")

            return dies if number == 0 else answer

    together = []

    def answer(order):
        together.append(len(setting.workers[2].held) if len(setting.workers) > 2 else 0)
        return fine(order)

    setting = FirstDies(Pages(urls=urls(4)), answer, workers=1)
    assert setting.run() == "finished"
    assert sorted(setting.items) == urls(4)
    assert len(setting.workers) == 3  # the one that died, its successor, and the one for suspects
    assert max(together) == 1
    assert all(worker.closed == 1 for worker in setting.workers)
    assert [event.requests for event in setting.heard.of(events.WorkerLost)] == [4]
    assert not setting.heard.of(events.FetchFailed)


def test_what_kills_its_worker_three_times_alone_is_set_aside_and_nobody_else():
    def answer(order):
        if order.url.endswith("/7"):
            raise Dies("killed by signal 11")
        return fine(order)

    setting = Watched(Pages(urls=urls(20, hosts=3)), answer, workers=2)
    assert setting.run() == "finished"
    assert sorted(setting.items) == sorted(url for url in urls(20, hosts=3) if not url.endswith("/7"))
    (failed,) = setting.heard.of(events.FetchFailed)
    assert (failed.url, failed.kind, failed.error) == ("http://h1.example/7", "worker", True)
    assert failed.detail == "killed its worker, three times alone: killed by signal 11"
    assert len(setting.heard.of(events.WorkerLost)) == 4


def test_several_killers_that_meet_are_all_found_and_the_crawl_goes_on():
    guilty = {"/3", "/4", "/5"}

    def answer(order):
        if order.url[-2:] in guilty:
            raise Dies("killed by signal 11")
        return fine(order)

    setting = Watched(Pages(urls=urls(10)), answer, workers=1, per_host=10)
    assert setting.run() == "finished"
    assert len(setting.items) == 7
    assert {event.url[-2:] for event in setting.heard.of(events.FetchFailed)} == guilty


def test_a_worker_that_dies_before_it_begins_accuses_nobody():
    class NeverBegin(Watched):
        def answer_of(self, number, answer):
            return None if number < 3 else answer

    class Stillborn(FakeWorker):
        def apply_async(self, func, args, callback, error_callback):
            if self.answer is None:
                self.dead = "exited with code 1"
                return
            super().apply_async(func, args, callback, error_callback)

    setting = NeverBegin(Pages(urls=urls(4)), workers=1)
    stock = setting.lanes._new_lane

    def new_lane(number, one_at_a_time):
        lane = stock(number, one_at_a_time)
        lane.pool.__class__ = Stillborn
        return lane

    setting.lanes._new_lane = new_lane
    assert setting.run() == "finished"
    assert sorted(setting.items) == urls(4)
    assert len(setting.workers) == 4
    assert not setting.lanes._deaths


def test_one_without_memory_is_tried_by_a_worker_of_its_own():
    def answer(order):
        return Failure(order.url, "worker", "MemoryError") if order.url.endswith("/2") else fine(order)

    setting = Watched(Pages(urls=urls(5)), answer, workers=1)
    assert setting.run() == "finished"
    assert len(setting.items) == 4
    (failed,) = setting.heard.of(events.FetchFailed)
    assert failed.detail == "killed its worker, three times alone: MemoryError"


def test_workers_that_always_die_end_the_crawl_with_an_error():
    class Dead(FakeWorker):
        def apply_async(self, func, args, callback, error_callback):
            self.dead = "exited with code 1"

    setting = Watched(Pages(urls=urls(50)), workers=1)
    stock = setting.lanes._new_lane

    def new_lane(number, one_at_a_time):
        lane = stock(number, one_at_a_time)
        lane.pool.__class__ = Dead
        return lane

    setting.lanes._new_lane = new_lane
    with pytest.raises(CrawlError, match="7 workers in a row were lost before they began") as raised:
        setting.run()
    assert raised.value.exit_code == 6
    assert all(worker.closed for worker in setting.workers)


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_a_site_where_every_page_kills_its_worker_is_gone_through(workers):
    def answer(order):
        raise Dies("exited with code 3")

    setting = Watched(Pages(urls=urls(12, hosts=4)), answer, workers=workers)
    assert setting.run() == "finished"
    assert len(setting.heard.of(events.FetchFailed)) == 12


def test_any_number_of_workers_may_be_killed_at_once():
    class Killed(Watched):
        def answer_of(self, number, answer):
            def dies(order):
                raise Dies("killed by signal 9")

            return dies if number < 8 else answer

    setting = Killed(Pages(urls=urls(64, hosts=32)), workers=8, per_host=2)
    assert setting.run() == "finished"
    assert sorted(setting.items) == sorted(urls(64, hosts=32))


def test_any_number_of_workers_may_be_lost_as_long_as_pages_land_between():
    class OnePage(FakeWorker):
        def apply_async(self, func, args, callback, error_callback):
            if self.is_used:
                self.dead = "exited with code 1"
                return
            self.is_used = True
            super().apply_async(func, args, callback, error_callback)

    setting = Watched(Pages(urls=urls(12)), workers=1, per_host=1)
    stock = setting.lanes._new_lane

    def new_lane(number, one_at_a_time):
        lane = stock(number, one_at_a_time)
        lane.pool.__class__ = OnePage
        lane.pool.is_used = False
        return lane

    setting.lanes._new_lane = new_lane
    assert setting.run() == "finished"
    assert sorted(setting.items) == sorted(urls(12))
    assert len(setting.heard.of(events.WorkerLost)) > 7


def test_a_worker_is_lost_once_however_often_it_is_told():
    setting = Setting(Pages(urls=[]), workers=1)
    setting.lanes.open(lambda: True)
    (lane,) = setting.lanes
    for _ in range(2):
        assert setting.engine._lose(lane, "silent") == []
    assert len(setting.workers) == 2
    assert len(setting.heard.of(events.WorkerLost)) == 1


def test_what_was_begun_when_a_worker_died_counts_as_an_attempt_at_its_time_of_day():
    class FirstDies(Watched):
        def answer_of(self, number, answer):
            def dies(order):
                raise Dies("killed by signal 9")

            return dies if number == 0 else answer

    setting = FirstDies(Pages(urls=urls(1)), workers=1)
    before = time.time()
    assert setting.engine.run() == "finished"
    (died, landed) = setting.ledger.select("SELECT at, seconds, outcome FROM attempts")
    assert (died[2], landed[2]) == ("worker: killed by signal 9", "200")
    assert before - 1 < died[0] < time.time() + 1
    assert 0 <= died[1] < 60

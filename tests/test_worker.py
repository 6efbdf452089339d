"""The worker's end of the pipe: exchange takes orders, gives back what is done, and never raises."""

import pickle
import time

import pytest

from crawler import worker
from crawler.control.gauges import Gauges
from crawler.fetch.limits import FetchLimits
from crawler.response import Failure, Order, Response
from crawler.worker import Setup, close_worker, exchange, open_worker

LIMITS = FetchLimits(only=("127.0.0.0/8",), allow=("127.0.0.0/8",))


@pytest.fixture
def gauges():
    return Gauges(2)


@pytest.fixture(params=["requests", "inline", "curl", "curl inline"])
def opened(request, gauges):
    """`opened(limits=LIMITS)`: the key of a worker that is closed with the test."""
    keys = []

    def start(limits=LIMITS):
        keys.append(f"test-{len(keys)}")
        open_worker(Setup(keys[-1], 1, request.param, limits), gauges)
        return keys[-1]

    yield start
    for key in keys:
        close_worker(key)


def all_of(key, orders, number):
    landings = list(exchange(key, tuple(orders), 5.0))
    while len(landings) < number:
        batch = exchange(key, (), 5.0)
        assert batch, f"only {len(landings)} of {number} came back"
        landings += batch
    return landings


def test_every_order_comes_back_with_its_token(opened, site):
    key = opened()
    landings = all_of(key, [Order(token, site.url + "/board/7") for token in range(5)], 5)
    assert sorted(landing.token for landing in landings) == list(range(5))
    assert all(isinstance(landing.outcome, Response) for landing in landings)


def test_what_goes_wrong_comes_back_as_a_failure(opened, serve):
    site = serve({"/": None})
    (landing,) = all_of(opened(), [Order(1, site.url + "/")], 1)
    assert isinstance(landing.outcome, Failure)


def test_the_guard_holds_in_the_worker(opened):
    (landing,) = all_of(opened(), [Order(1, "http://8.8.8.8/")], 1)
    assert landing.outcome.kind == "guard"


def test_with_nothing_to_do_nothing_comes_back(opened):
    assert exchange(opened(), (), 0.01) == ()


def test_the_gauges_tell_what_was_done(opened, gauges, site):
    landings = all_of(opened(), [Order(token, site.url + "/board/7") for token in range(3)], 3)
    row = gauges.row(1)
    assert row.requests == 3
    assert row.size == sum(len(landing.outcome.body) for landing in landings)
    assert row.heartbeat >= max(landing.started for landing in landings)
    assert gauges.row(0).requests == 0


def test_an_exchange_without_a_landing_is_a_sign_of_life(opened, gauges):
    key = opened()
    exchange(key, (), 0.0)
    first = gauges.row(1).heartbeat
    exchange(key, (), 0.0)
    assert gauges.row(1).heartbeat > first > 0


def test_workers_of_one_process_do_not_mix(opened, site):
    one, other = opened(), opened()
    exchange(one, (Order(1, site.url + "/board/7", start=0.0),), 0.0)
    assert exchange(other, (), 0.05) == ()


def test_a_worker_that_could_not_start_says_so_and_has_begun_with_nothing(opened, gauges):
    key = opened(FetchLimits(only=("no network",)))
    with pytest.raises(RuntimeError, match="the worker could not start: ValueError: 'no network'"):
        exchange(key, (Order(1, "http://a.example/"), Order(2, "http://b.example/")), 0.0)
    assert gauges.row(1).heartbeat == 0.0


def test_whatever_goes_wrong_in_an_exchange_can_be_sent(opened, monkeypatch):
    class Odd(BaseException):
        def __init__(self, one, two):
            super().__init__(one)

    def collect(linger):
        raise Odd("lost", lambda: None)

    key = opened()
    monkeypatch.setattr(worker._workers[key].fetcher, "collect", collect)
    with pytest.raises(RuntimeError, match=r"^Odd: lost$") as raised:
        exchange(key, (), 0.0)
    assert str(pickle.loads(pickle.dumps(raised.value))) == "Odd: lost"


def test_the_gauges_tell_how_many_orders_are_in_flight(opened, gauges, monkeypatch):
    key = opened()
    monkeypatch.setattr(worker._workers[key].fetcher, "collect", lambda linger: ())
    later = time.monotonic() + 1000
    exchange(key, tuple(Order(token, "http://127.0.0.1:9/", start=later) for token in range(3)), 0.0)
    assert gauges.row(1).in_flight == 3
    opened()
    assert gauges.row(1).in_flight == 0


def test_closing_frees_the_worker_and_closing_again_is_harmless(opened):
    key = opened()
    assert key in worker._workers
    close_worker(key)
    close_worker(key)
    assert key not in worker._workers

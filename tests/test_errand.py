"""A few orders for one host, in turn."""

import time

import pytest

from crawler.errand import close_client, fetch_in_turn, open_client
from crawler.fetch.limits import FetchLimits
from crawler.response import Failure, Order, Route


@pytest.fixture(autouse=True)
def client():
    open_client(FetchLimits(only=("127.0.0.0/8",)))
    yield
    close_client()


def test_orders_keep_their_start_and_their_gap(serve):
    server = serve({"*": "x"})
    private = Route(private=True)
    start = time.monotonic() + 0.1
    orders = [Order(n, f"{server.url}/{n}", start=start if n == 1 else 0.0, gap=0.1, route=private) for n in (1, 2, 3)]
    landings = fetch_in_turn(tuple(orders))
    assert [landing.token for landing in landings] == [1, 2, 3]
    first, second, third = (landing.started for landing in landings)
    assert first >= start
    assert min(second - first, third - second) >= 0.1
    assert server.paths == ["/1", "/2", "/3"]


def test_what_fails_is_an_outcome():
    (landing,) = fetch_in_turn((Order(1, "http://127.0.0.1:1/", route=Route(private=True)),))
    assert isinstance(landing.outcome, Failure)
    assert landing.outcome.kind == "connect"

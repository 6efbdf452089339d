"""Sockets that end at the deadline of their thread's order, whatever timeout they were given."""

import math
import socket
import ssl
import threading
import time

import pytest

from crawler.fetch.client import Client
from crawler.fetch.deadline import Timed, TimedTLS, left, watch
from crawler.fetch.faults import Fault
from crawler.fetch.limits import FetchLimits
from crawler.response import Order


@pytest.fixture
def order():
    """`order(seconds)`: this thread works on an order that ends in so many seconds."""

    def begin(seconds):
        watch.until = time.monotonic() + seconds

    yield begin
    watch.until = watch.most = math.inf
    watch.came = 0


@pytest.fixture
def pair():
    """Our end, with a timeout that nobody waits for, and the other end."""
    ours, other = socket.socketpair()
    with Timed(fileno=ours.detach()) as ours, other:
        ours.settimeout(30.0)
        yield ours, other


OPERATIONS = {
    "recv": lambda ours: ours.recv(1),
    "recv_into": lambda ours: ours.recv_into(bytearray(1)),
    "sendall": lambda ours: ours.sendall(bytes(20_000_000)),
    "send": lambda ours: [ours.send(bytes(1 << 20)) for _ in range(100)],
    "makefile": lambda ours: ours.makefile("rb").readline(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_ends_at_the_deadline(pair, order, name):
    order(0.05)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        OPERATIONS[name](pair[0])
    assert time.monotonic() - began < 5
    with pytest.raises(TimeoutError, match="the deadline has passed"):
        OPERATIONS[name](pair[0])


def test_a_handshake_ends_at_the_deadline(pair, order):
    context = ssl.create_default_context()
    context.sslsocket_class = TimedTLS
    order(0.05)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        context.wrap_socket(pair[0], server_hostname="a.example")
    assert time.monotonic() - began < 5


def test_single_bytes_do_not_put_it_off(pair, order):
    ours, other = pair
    over = threading.Event()

    def drip():
        for _ in range(1000):
            other.sendall(b"x")
            if over.wait(0.01):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    order(0.1)
    began = time.monotonic()
    with pytest.raises(TimeoutError), ours.makefile("rb") as file:
        file.readline()
    over.set()
    thread.join()
    assert time.monotonic() - began < 5


def test_a_shorter_timeout_stays_and_none_is_none(pair, order):
    ours, other = pair
    order(30)
    ours.settimeout(0.02)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    assert ours.gettimeout() == 0.02
    order(math.inf)
    ours.settimeout(None)
    other.sendall(b"x")
    assert ours.recv(1) == b"x"
    assert ours.gettimeout() is None
    order(0.02)
    with pytest.raises(TimeoutError):
        ours.recv(1)


def test_the_deadline_is_that_of_the_thread_not_of_the_socket(pair, order):
    order(-1)
    ours, other = pair
    other.sendall(b"x")
    received = []
    thread = threading.Thread(target=lambda: received.append(ours.recv(1)))
    thread.start()
    thread.join()
    assert received == [b"x"]
    with pytest.raises(TimeoutError):
        left()


def test_more_bytes_than_may_come_are_a_fault(pair, order):
    ours, other = pair
    watch.came, watch.most, watch.too_many = 0, 10, "too many"
    other.sendall(bytes(20))
    assert len(ours.recv(6)) == 6
    assert ours.recv_into(bytearray(4)) == 4
    with pytest.raises(Fault, match="too many") as told:
        ours.recv(1)
    assert told.value.kind == "too_large"


@pytest.mark.parametrize("path", ["/ok", "/garbage"])
def test_after_an_order_its_thread_has_no_deadline(host, path):
    client = Client(FetchLimits(allow=("127.0.0.0/8",)))
    client.fetch(Order(1, host.url + path))
    client.close()
    assert (watch.until, watch.most) == (math.inf, math.inf)


def test_a_kept_connection_that_nobody_reads_any_more_ends_at_the_deadline():
    """The library sets the timeout anew for each request; the body is more than what the system takes in advance."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                over.wait(30)

        over = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        client = Client(FetchLimits(allow=("127.0.0.0/8",), timeout=0.3))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert client.fetch(Order(1, url)).outcome.status == 200
        outcome = client.fetch(Order(2, url, "POST", body=bytes(20_000_000))).outcome
        client.close()
        over.set()
        thread.join()
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.3 s")
    assert outcome.seconds < 2

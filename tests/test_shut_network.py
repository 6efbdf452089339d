"""The network of a process is shut for some threads, and open again for all in whatever order they end."""

import socket
import threading

import pytest

from crawler.shut_network import Door, NetworkIsShut

NAMES = ("connect", "connect_ex", "sendto", "sendmsg")


def own():
    return {name: vars(socket.socket).get(name) for name in NAMES}, socket.getaddrinfo


def test_two_that_overlap_leave_everything_as_it_was():
    before = own()
    first, second = Door("the first is shut").shut(), Door("the second is shut").shut()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(NetworkIsShut, match=r"the second is shut, and 127\.0\.0\.1:9 was to be reached"):
        socket.create_connection(("127.0.0.1", 9), 1)
    second.__exit__(None, None, None)
    assert own() == before


def test_threads_that_were_there_before_go_on():
    go, answers = threading.Event(), []

    def look_up():
        go.wait(5)
        answers.append(socket.getaddrinfo("127.0.0.1", 9))

    thread = threading.Thread(target=look_up)
    thread.start()
    with Door("it is shut").shut():
        go.set()
        thread.join()
    assert len(answers) == 1


def test_only_the_methods_that_were_named_are_at_large():
    class Database:
        size = 3

        def save(self):
            return socket.getaddrinfo("127.0.0.1", 9)

        def look(self):
            return socket.getaddrinfo("127.0.0.1", 9)

    door = Door("it is shut")
    database = door.at_large(Database(), "save")
    with door.shut():
        assert database.save()
        assert database.size == 3
        with pytest.raises(NetworkIsShut):
            database.look()

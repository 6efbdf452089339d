"""The head of an answer: read whole or not at all, one bad line spoils no other, nothing is smuggled in."""

import http.client
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.fetch.faults import Fault
from crawler.fetch.http_head import Head


class Wire:
    """What `http.client` takes for a socket."""

    def __init__(self, data):
        self._data = data

    def makefile(self, mode):
        return io.BufferedReader(io.BytesIO(self._data))


def head(fields, status=b"HTTP/1.1 200 OK\r\n", end=b"\r\n", rest=b"", method="GET"):
    answer = Head(Wire(status + fields + end + rest), method=method)
    answer.begin()
    return answer


def items(fields):
    return head(fields).msg.items()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"A: b\r\nC: d\r\n", [("A", "b"), ("C", "d")]),
        (b"A: b\nC:d\n", [("A", "b"), ("C", "d")]),
        (b"A:  b c \t\r\na:\r\n", [("A", "b c"), ("a", "")]),
        (b"A : b\r\n", [("A", "b")]),
        (b"A: b:c\r\n", [("A", "b:c")]),
        (b"A: b\r\n c\r\n\td\r\nE: f\r\n", [("A", "b c d"), ("E", "f")]),
        (b" c\r\nE: f\r\n", [("E", "f")]),
        (b"no field\r\n c\r\nE: f\r\n", [("E", "f")]),
        (b": nameless\r\nE: f\r\n", [("E", "f")]),
        (b"A: b\rSet-Cookie: evil=1\r\nE: f\r\n", [("A", "b Set-Cookie: evil=1"), ("E", "f")]),
        (b"A: b\r\r\nE: f\r\n", [("A", "b"), ("E", "f")]),
        (b"A: b\0c\r\n", [("A", "b c")]),
        (b"A: \xe4\xbd\xa0\r\n", [("A", "\xe4\xbd\xa0")]),
        (b"A: b\x0bC: d\x85E: f\x1c\r\n", [("A", "b\x0bC: d\x85E: f\x1c")]),
        (b"", []),
    ],
)
def test_fields(fields, expected):
    assert items(fields) == expected


@pytest.mark.parametrize("cut", [b"", b"A: b", b"A: b\r\n", b"A: b\r\nContent-Le"])
def test_half_a_head_is_none(cut):
    with pytest.raises(Fault, match="not complete") as told:
        head(cut, end=b"")
    assert told.value.kind == "partial"


def test_limits():
    assert len(items(b"A: b\r\n" * 100)) == 100
    assert len(items(b"A: " + b"x" * 65_000 + b"\r\n")) == 1
    for fields in (b"A: b\r\n" * 101, b"none\r\n" * 101, b"A: " + b"x" * 65_536 + b"\r\n"):
        with pytest.raises(Fault) as told:
            items(fields)
        assert told.value.kind == "too_large"


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"])
def test_interim_answers_are_skipped(interim):
    answer = head(b"C: d\r\n", status=interim * 3 + b"HTTP/1.1 404 Not Found\r\n")
    assert (answer.status, answer.reason, answer.msg.items()) == (404, "Not Found", [("C", "d")])


@pytest.mark.parametrize(
    ("fields", "length", "chunked", "will_close"),
    [
        (b"Content-Length: 5\r\n", 5, False, False),
        (b"Content-Length: 5\r\nConnection: close\r\n", 5, False, True),
        (b"Content-Length: 5, 5\r\nContent-Length: 5\r\n", 5, False, False),
        (b"broken line\r\nContent-Length: 5\r\n", 5, False, False),
        (b"Transfer-Encoding: Chunked\r\nContent-Length: 5\r\n", None, True, False),
        (b"", None, False, True),
        (b"Content-Length: -5\r\n", None, False, True),
        (b"Content-Length: 5_0\r\n", None, False, True),
        (b"Content-Length: \xb2\r\n", None, False, True),
    ],
)
def test_how_a_body_ends(fields, length, chunked, will_close):
    answer = head(fields)
    assert (answer.length, answer.chunked, answer.will_close) == (length, chunked, will_close)


@pytest.mark.parametrize("status", [101, 204, 304])
def test_some_answers_have_no_body_whatever_they_say(status):
    answer = head(b"Content-Length: 5\r\n", status=b"HTTP/1.1 %d X\r\n" % status)
    assert (answer.length, answer.read()) == (0, b"")
    assert head(b"Content-Length: 5\r\n", method="HEAD").length == 0


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_a_body_of_which_nobody_knows_the_end_is_refused(fields):
    with pytest.raises(Fault) as told:
        head(fields)
    assert told.value.kind == "protocol"


def test_version_1_0_closes_unless_it_says_otherwise():
    old = b"HTTP/1.0 200 OK\r\n"
    assert head(b"Content-Length: 1\r\n", status=old).will_close
    assert not head(b"Content-Length: 1\r\nConnection: keep-alive\r\n", status=old).will_close


@settings(max_examples=200)
@given(
    st.binary(max_size=200),
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b":", b" ", b"Content-Length", b"5", b"\0"])),
)
def test_whatever_comes_is_a_head_or_a_fault(noise, pieces):
    data = b"HTTP/1.1 200 OK\r\n" + b"".join(pieces) + noise
    try:
        answer = head(data, status=b"", end=b"")
    except (Fault, http.client.HTTPException):
        return
    for name, value in answer.msg.items():
        assert name.strip() == name != ""
        assert not {"\r", "\n", "\0"} & set(name + value)

import gzip
import os
import zlib
from contextlib import suppress

import pytest

from crawler.archive import members
from crawler.archive.gzip_head import GZIP_HEAD, gzip_head, length_in
from crawler.archive.head import Cut


@pytest.fixture
def opened(record, page):
    """An archive with a small page, one that is longer than what is read at once, and an empty one."""
    bodies = {"small": b"<p>", "large": os.urandom(300_000), "bomb": bytes(5_000_000), "empty": b""}
    path = record("a.warc.gz", *(page(f"http://h/{name}", body) for name, body in bodies.items()))
    with path.open("rb") as file:
        yield file, bodies


def test_all_records_are_found_and_each_is_read_by_its_place(opened):
    file, bodies = opened
    assert members.is_own(file, b"crawler/")
    assert not members.is_own(file, b"another/")
    found = list(members.records(file))
    assert [head.kind for head, _ in found] == ["warcinfo", *["response", "metadata"] * 4]
    for (head, _), (_, told), (name, body) in zip(found[1::2], found[2::2], bodies.items(), strict=True):
        assert head.url == f"http://h/{name}"
        assert b"crawlerKey: " in told()
        again, block = members.read_at(file, head.offset)
        assert again == head
        assert block.partition(b"\r\n\r\n")[2] == body


def test_no_more_of_a_body_is_kept_than_its_head(opened, monkeypatch):
    file, _ = opened
    kept = []
    true = members._read
    monkeypatch.setattr(members, "_read", lambda text, offset: kept.append(len(text)) or true(text, offset))
    list(members.records(file))
    assert max(kept) < 5_000_000


def test_members_tell_where_they_end(opened):
    file, _ = opened
    members_of = members._Members(file, 100_000)
    offset = 0
    while not members_of.is_end(offset):
        assert length_in(members_of._piece(offset)) > GZIP_HEAD
        text, end = members_of.at(offset)
        assert members_of.beginning(offset) == (text[:4096], end)
        offset = end


def test_a_head_may_be_long(record, page):
    url = f"http://h/{'long' * 3000}"
    with record("long.warc.gz", page(url, bytes(100_000))).open("rb") as file:
        assert [head.url for head, _ in members.records(file)] == ["", url, url]


def test_members_that_do_not_tell_it_are_read_as_well(opened, tmp_path):
    file, _ = opened
    rest, plain = file.read(), b""
    while rest:
        member = zlib.decompressobj(31)
        plain += gzip.compress(member.decompress(rest))
        rest = member.unused_data
    (tmp_path / "plain.warc.gz").write_bytes(plain)
    with (tmp_path / "plain.warc.gz").open("rb") as other:
        found = [(head[1:], block()) for head, block in members.records(other)]
    assert found == [(head[1:], block()) for head, block in members.records(file)]


def test_lengths_that_have_no_room_are_not_told():
    assert length_in(gzip_head(100, 1 << 32)) == length_in(gzip_head(1 << 33, 5)) == 0
    assert length_in(gzip_head(100, 5)) == 100
    assert length_in(gzip_head(100, 5)[:-1]) == length_in(gzip.compress(b"some text that is long enough")) == 0


def test_a_file_that_is_cut_anywhere_gives_what_is_whole(record, page, tmp_path):
    path = record("a.warc.gz", page("http://h/1", b"<p>one"), page("http://h/2", b"<p>two"))
    whole = path.read_bytes()
    with path.open("rb") as file:
        offsets = [head.offset for head, _ in members.records(file)]
    for size in range(len(whole) - 1, 0, -31):
        path.write_bytes(whole[:size])
        found = []
        with path.open("rb") as file, suppress(Cut):
            found.extend(head.offset for head, _ in members.records(file))
        assert found == offsets[: len(found)]
        assert len(found) >= sum(offset < size for offset in offsets) - 1


@pytest.mark.parametrize(
    "text",
    [b"", b"no head", b"WARC/1.1\r\nWARC-Type: response\r\n\r\n", b"WARC/1.1\r\nnothing\r\n\r\n", b"\xff\r\n\r\n"],
)
def test_a_member_that_is_no_record_is_told(tmp_path, text):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(zlib.compress(text, wbits=31))
    with path.open("rb") as file, pytest.raises(Cut):
        members.read_at(file, 0)


def test_a_record_that_is_shorter_than_it_says_is_told(tmp_path):
    path = tmp_path / "a.warc.gz"
    head = b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <x>\r\nContent-Length: 100\r\n\r\n"
    path.write_bytes(zlib.compress(head + b"short", wbits=31))
    with path.open("rb") as file, pytest.raises(Cut, match="100 bytes were to come, and 5 did"):
        members.read_at(file, 0)

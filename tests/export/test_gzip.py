import gzip
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import OutputError
from crawler.export.compressed import PIECE as MEMBER
from crawler.export.csv import Csv
from crawler.export.gzip import GzipFile
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl
from crawler.item import to_json

noise = random.Random(1).randbytes  # does not get smaller


@pytest.fixture
def file(tmp_path):
    file = GzipFile(str(tmp_path / "out.gz"))
    file.open()
    yield file
    file.close()


def content(file):
    with open(file.path, "rb") as reading:
        return gzip.decompress(reading.read())


def test_a_file_without_records_is_valid(file):
    assert content(file) == b""
    assert os.stat(file.path).st_size > 0  # a file of 0 bytes is none, for gzip itself
    file.close()
    assert content(file) == b""


def test_little_data_waits_in_memory_and_is_not_before_the_mark(file):
    file.append(b"one\n", lines=1)
    file.append(b"two\n", lines=1)
    assert content(file) == b""
    assert file.length == 8
    mark, behind = file.mark()
    assert behind == 2
    assert mark["length"] == 0


def test_a_member_is_written_when_there_is_enough(file):
    file.append(b"x" * (MEMBER - 1), lines=3)
    assert content(file) == b""
    file.append(b"y", lines=1)
    assert content(file) == b"x" * (MEMBER - 1) + b"y"
    mark, behind = file.mark()
    assert behind == 0
    assert mark["length"] == MEMBER


def test_flush_and_close_write_what_waits(file):
    file.append(b"one\n", lines=1)
    file.flush()
    assert content(file) == b"one\n"
    assert file.mark()[1] == 0
    file.append(b"two\n", lines=1)
    file.close()
    assert content(file) == b"one\ntwo\n"
    assert file.mark()[1] == 0


def test_lines_without_records_count_only_behind_others(file):
    file.append(b"", lines=1)
    assert file.mark()[1] == 0
    file.append(b"one\n", lines=1)
    file.append(b"", lines=1)
    assert file.mark()[1] == 2


def test_the_same_records_make_the_same_file(file, tmp_path):
    other = GzipFile(str(tmp_path / "a longer name.gz"))
    other.open()
    for each in (file, other):
        each.append(b"x" * MEMBER)
        each.append(b"y")
        each.close()
    assert (tmp_path / "out.gz").read_bytes() == (tmp_path / "a longer name.gz").read_bytes()


def test_a_resumed_file_is_cut_back_to_the_end_of_a_member(file):
    file.append(b"1" * MEMBER, lines=1)
    mark, _ = file.mark()
    file.append(b"2" * MEMBER, lines=1)
    file.append(b"3", lines=1)
    file.close()
    other = GzipFile(file.path)
    assert other.resume(mark)
    assert content(file) == b"1" * MEMBER
    assert other.length == MEMBER
    assert other.mark() == (mark, 0)
    other.append(b"4")
    other.close()
    assert content(file) == b"1" * MEMBER + b"4"


def test_a_full_disk_leaves_what_was_written_and_what_waits(file, limit_files):
    file.append(b"1" * MEMBER, lines=1)
    file.append(b"waits", lines=1)
    before = file.mark()
    limit_files(os.stat(file.path).st_size + 1000)
    with pytest.raises(OutputError, match="File too large"):
        file.append(noise(MEMBER), lines=5)
    assert content(file) == b"1" * MEMBER
    assert file.mark() == before
    limit_files(None)
    file.close()
    assert content(file) == b"1" * MEMBER + b"waits"


def test_a_disk_that_is_full_at_close_is_an_output_error_and_the_mark_stays(file, limit_files):
    file.append(noise(1000), lines=2)
    before = file.mark()
    descriptors = len(os.listdir("/dev/fd"))
    limit_files(100)
    with pytest.raises(OutputError, match="File too large"):
        file.close()
    assert len(os.listdir("/dev/fd")) == descriptors - 1
    assert file.mark() == before
    file.close()  # nothing more to say
    assert content(file) == b""


def test_a_pipe_takes_members_one_after_the_other(tmp_path):
    path = tmp_path / "pipe.jsonl.gz"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    exporter = Jsonl(str(path), GzipFile)
    exporter.open()
    exporter.write([b'{"a":1}'])
    assert exporter.mark() == ({}, 1)
    exporter.flush(sync=True)
    assert exporter.mark() == ({}, 0)
    exporter.write([b'{"a":2}'])
    exporter.close()
    assert gzip.decompress(os.read(reading, 1000)) == b'{"a":1}\n{"a":2}\n'
    os.close(reading)


def test_a_json_array_is_valid_at_every_moment(tmp_path):
    exporter = JsonArray(str(tmp_path / "out.json.gz"), GzipFile)
    exporter.open()
    assert content(exporter) == b"[\n]\n"
    exporter.write([b'{"a":1}'])
    assert content(exporter) == b"[\n]\n"
    exporter.flush(sync=False)
    assert content(exporter) == b'[\n{"a":1}\n]\n'
    exporter.write([b'{"a":2}'])
    exporter.close()
    assert content(exporter) == b'[\n{"a":1},\n{"a":2}\n]\n'


def test_a_csv_file_gets_more_columns(tmp_path):
    exporter = Csv(str(tmp_path / "out.csv.gz"), GzipFile)
    exporter.open()
    exporter.write([to_json({"a": "x" * MEMBER})])  # in the file
    exporter.write([b'{"a":"waits"}'])
    exporter.write([b'{"b":"new"}'])
    assert exporter.mark()[1] == 1
    exporter.close()
    assert content(exporter) == b"a,b\r\n" + b"x" * MEMBER + b",\r\nwaits,\r\n,new\r\n"
    assert os.listdir(tmp_path) == ["out.csv.gz"]


def test_rows_that_got_more_columns_are_before_the_mark_however_few_they_are(tmp_path):
    exporter = Csv(str(tmp_path / "out.csv.gz"), GzipFile)
    exporter.open()
    exporter.write([b'{"a":"old"}'])
    exporter.write([b'{"b":"new"}'])
    mark, behind = exporter.mark()
    assert mark["length"] == len(b"a,b\r\nold,\r\n")
    assert behind == 1
    exporter.close()


def test_a_csv_file_damaged_by_somebody_else_is_an_output_error_when_it_needs_more_columns(tmp_path):
    path = tmp_path / "out.csv.gz"
    exporter = Csv(str(path), GzipFile)
    exporter.open()
    exporter.write([to_json({"a": noise(MEMBER).hex()})])
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(OutputError, match=r"cannot write .*out\.csv\.gz"):
        exporter.write([b'{"b":"new"}'])
    exporter.close()
    assert os.listdir(tmp_path) == ["out.csv.gz"]


@given(st.lists(st.tuples(st.binary(max_size=100), st.integers(0, 3), st.booleans()), max_size=20))
def test_whatever_is_appended_is_read_back_and_the_mark_says_what_waits(tmp_path_factory, appends):
    file = GzipFile(str(tmp_path_factory.getbasetemp() / "property.gz"))
    file.open()
    written = b""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crawler.export.compressed.PIECE", 150)
        for records, lines, flush in appends:
            file.append(records, lines)
            written += records
            if flush:
                file.flush()
            mark, behind = file.mark()
            assert content(file) == written[: mark["length"]]
            assert file.length == len(written)
            assert behind == 0 or mark["length"] < len(written)
            assert len(written) - mark["length"] < 150
    file.close()
    assert content(file) == written

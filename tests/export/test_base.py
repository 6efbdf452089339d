import errno
import os
import resource
import signal

import pytest

from crawler.errors import OutputError
from crawler.export.base import output_error
from crawler.export.csv import Csv
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old\nolder\n")
    exporter = Jsonl(str(path))
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert path.read_text() == '{"a":1}\n'


def test_what_was_written_is_in_the_file_before_close(tmp_path):
    path = tmp_path / "out.jsonl"
    exporter = Jsonl(str(path))
    exporter.open()
    exporter.write([b'{"a":1}', b'{"a":2}'])
    assert path.read_text() == '{"a":1}\n{"a":2}\n'
    exporter.close()


def test_one_batch_is_one_call_of_the_operating_system(tmp_path, monkeypatch):
    exporter = Jsonl(str(tmp_path / "out.jsonl"))
    exporter.open()
    calls = []
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: calls.append(len(data)) or real(fd, data, offset))
    exporter.write([b'{"a":1}'] * 100)
    assert calls == [800]
    exporter.close()


def test_close_may_be_called_twice_and_without_open(tmp_path):
    exporter = Jsonl(str(tmp_path / "out.jsonl"))
    exporter.close()
    exporter.open()
    exporter.close()
    exporter.close()


def test_close_frees_the_descriptor(tmp_path):
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        exporter = Jsonl(str(tmp_path / "out.jsonl"))
        exporter.open()
        exporter.close()
    assert len(os.listdir("/dev/fd")) == before


def test_a_missing_folder_is_an_output_error_that_says_what_to_type(tmp_path):
    path = tmp_path / "no such" / "out.jsonl"
    with pytest.raises(OutputError) as caught:
        Jsonl(str(path)).open()
    assert caught.value.message == f"cannot write {path}: No such file or directory"
    assert caught.value.hint == f"create its folder first: mkdir -p '{path.parent}'"
    assert caught.value.exit_code == 5


def test_a_folder_as_output_is_an_output_error(tmp_path):
    folder = tmp_path / "out.jsonl"
    folder.mkdir()
    with pytest.raises(OutputError, match="Is a directory") as caught:
        Jsonl(str(folder)).open()
    assert "items.jsonl" in caught.value.hint


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EPIPE, errno.EROFS])
def test_common_faults_have_a_hint(number):
    error = output_error("out.jsonl", OSError(number, os.strerror(number)))
    assert error.message == f"cannot write out.jsonl: {os.strerror(number)}"
    assert error.hint


def test_standard_output_is_named_in_words():
    assert "cannot write standard output: " in output_error("-", OSError(errno.EPIPE, "Broken pipe")).message


@pytest.fixture
def small_files():
    """Files cannot grow beyond 1000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Jsonl, b'{"a":"whole"}\n'),
        (JsonArray, b'[\n{"a":"whole"}\n]\n'),
        (Csv, b"a\r\nwhole\r\n"),
    ],
)
def test_a_full_disk_leaves_only_whole_records(tmp_path, small_files, kind, expected):
    path = tmp_path / "out"
    exporter = kind(str(path))
    exporter.open()
    exporter.write([b'{"a":"whole"}'])
    with pytest.raises(OutputError, match="File too large"):
        exporter.write([b'{"a":"' + b"x" * 700 + b'"}'] * 2)
    assert path.read_bytes() == expected
    exporter.write([b'{"a":"after"}'])  # and it goes on from there
    exporter.close()
    assert path.read_bytes().count(b"after") == 1
    assert b"xxx" not in path.read_bytes()


def test_a_pipe_takes_lines_in_whole_and_a_reader_that_left_is_an_output_error(tmp_path):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as some programs leave it; here it never fills up
    exporter = Jsonl("-")
    saved = os.dup(1)
    try:
        os.dup2(writing, 1)
        exporter.open()
        exporter.write([b'{"a":1}'])
        assert os.read(reading, 100) == b'{"a":1}\n'
        os.close(reading)
        with pytest.raises(OutputError, match="standard output: Broken pipe"):
            exporter.write([b'{"a":2}'])
        exporter.close()
        os.fstat(1)  # close left it open
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(writing)


def test_a_full_pipe_that_does_not_block_is_waited_for():
    import threading

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    exporter = Jsonl("-")
    line = b'{"a":"' + b"x" * 1000 + b'"}'
    received = bytearray()

    def read_all():
        while data := os.read(reading, 65536):
            received.extend(data)

    saved = os.dup(1)
    reader = threading.Thread(target=read_all)
    try:
        os.dup2(writing, 1)
        os.close(writing)
        reader.start()
        exporter.open()
        exporter.write([line] * 1000)
        exporter.close()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        reader.join()
        os.close(reading)
    assert bytes(received) == (line + b"\n") * 1000

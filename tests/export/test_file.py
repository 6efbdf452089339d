import errno
import os
import threading

import pytest

from crawler.errors import OutputError
from crawler.export.csv import Csv
from crawler.export.file import File, output_error
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


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="there is no /proc")
def test_where_no_file_can_be_made_no_folder_is_missing():
    with pytest.raises(OutputError) as caught:
        Jsonl("/proc/out.jsonl").open()
    assert caught.value.hint == "choose a file that you may write to"


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


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Jsonl, b'{"a":"whole"}\n'),
        (JsonArray, b'[\n{"a":"whole"}\n]\n'),
        (Csv, b"a\r\nwhole\r\n"),
    ],
)
def test_a_full_disk_leaves_only_whole_records(tmp_path, limit_files, kind, expected):
    path = tmp_path / "out"
    exporter = kind(str(path))
    exporter.open()
    exporter.write([b'{"a":"whole"}'])
    limit_files(1000)
    with pytest.raises(OutputError, match="File too large"):
        exporter.write([b'{"a":"' + b"x" * 700 + b'"}'] * 2)
    assert path.read_bytes() == expected
    exporter.write([b'{"a":"after"}'])  # and it goes on from there
    exporter.close()
    assert path.read_bytes().count(b"after") == 1
    assert b"xxx" not in path.read_bytes()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_device_is_an_output_error_that_says_what_to_do(tmp_path):
    os.symlink("/dev/full", tmp_path / "out.jsonl")
    exporter = Jsonl(str(tmp_path / "out.jsonl"))
    exporter.open()
    with pytest.raises(OutputError, match="No space left on device") as caught:
        exporter.write([b'{"a":1}'])
    assert "make room" in caught.value.hint
    exporter.close()


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


@pytest.fixture
def file(tmp_path):
    file = File(str(tmp_path / "out"), tail=b"]")
    file.open()
    yield file
    file.close()


def content(file):
    with open(file.path, "rb") as reading:
        return reading.read()


def resumed(file, mark):
    """Another `File` on the same path, as in the next process, if it can be resumed at `mark`."""
    file.close()
    other = File(file.path, tail=b"]")
    return other if other.resume(mark) else None


def test_the_tail_always_follows_the_last_record(file):
    assert content(file) == b"]"
    file.append(b"one,")
    assert content(file) == b"one,]"
    file.append(b"two,")
    assert content(file) == b"one,two,]"
    assert file.length == 8


def test_a_resumed_file_is_cut_back_to_the_mark_and_goes_on(file):
    file.append(b"one,")
    mark, behind = file.mark()
    assert behind == 0
    file.append(b"two,")
    other = resumed(file, mark)
    assert content(other) == b"one,]"
    other.append(b"2,")
    other.close()
    assert content(other) == b"one,2,]"


def test_a_mark_of_a_resumed_file_is_as_good_as_one_of_the_first_process(file):
    file.append(b"one,")
    other = resumed(file, file.mark()[0])
    other.append(b"two,")
    third = resumed(other, other.mark()[0])
    assert content(third) == b"one,two,]"
    third.close()


def test_marks_can_be_asked_after_close(file):
    file.append(b"one,")
    before = file.mark()
    file.close()
    assert file.mark() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"one,tw"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"One,two,]"),
        lambda path: path.write_bytes(bytes(9)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.symlink("/dev/null", path)),
    ],
    ids=["missing", "shorter", "empty", "edited", "zeros", "a folder", "a device"],
)
def test_a_file_that_is_not_what_was_written_is_not_resumed(file, tmp_path, change):
    file.append(b"one,two,")
    file.close()
    change(tmp_path / "out")
    descriptors = len(os.listdir("/dev/fd"))
    assert not File(file.path).resume(file.mark()[0])
    assert len(os.listdir("/dev/fd")) == descriptors


def test_what_is_no_regular_file_is_resumed_by_writing_on(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = File(str(path))
    file.open()
    file.append(b"one,")
    mark, behind = file.mark()
    assert (mark, behind) == ({}, 0)
    file.close()
    assert file.resume(mark)
    file.append(b"two,")
    file.close()
    assert os.read(reading, 100) == b"one,two,"
    os.close(reading)


def test_standard_output_goes_on_after_the_mark(capfd):
    file = File("-")
    assert file.resume({})
    file.append(b"two\n")
    file.flush(sync=True)  # nothing to wait for
    file.close()
    assert capfd.readouterr().out == "two\n"
    os.fstat(1)


def test_sync_waits_for_the_disk_and_once_for_the_name_in_the_folder(file, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
    file.append(b"one,")
    file.flush()
    assert synced == []
    file.flush(sync=True)
    file.flush(sync=True)
    itself, folder = (tmp_path / "out").stat().st_ino, tmp_path.stat().st_ino
    assert synced == [itself, folder, itself]


def test_a_disk_that_fails_to_sync_is_an_output_error(file, monkeypatch):
    def fails(fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutputError, match="Input/output error"):
        file.flush(sync=True)


def test_ctrl_c_in_the_middle_of_a_long_write_leaves_the_file_as_it_was(file, monkeypatch):
    file.append(b"one,")
    real = os.pwrite

    def interrupted(fd, data, offset):
        if len(data) < 10:
            return real(fd, data, offset)
        real(fd, data[:10], offset)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "pwrite", interrupted)
    with pytest.raises(KeyboardInterrupt):
        file.append(b"two," * 10)
    assert content(file) == b"one,]"
    file.append(b"2,")
    assert content(file) == b"one,2,]"

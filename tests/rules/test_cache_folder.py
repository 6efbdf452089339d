import os
import stat
import zlib

import pytest

from crawler import Request
from crawler.errors import OutputError
from crawler.rules import cache_folder
from crawler.rules.cache_folder import CacheFolder, Stored

REQUEST = Request("http://a.example/film?id=1")
STORED = Stored(1.5, 200, (("Set-Cookie", "a=1"), ("Set-Cookie", "b=é")), b"\0page\xff", "jar", (("accept", "x"),))


@pytest.fixture
def folder(tmp_path):
    return CacheFolder(tmp_path / "cache" / "always")


def files(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_what_was_written_is_read(folder):
    assert folder.read(REQUEST) == ()
    folder.write(REQUEST, (STORED, STORED))
    assert folder.read(REQUEST) == (STORED, STORED)
    folder.write(REQUEST, (STORED,))
    assert folder.read(REQUEST) == (STORED,)


def test_no_answers_remove_the_file(folder, tmp_path):
    folder.write(REQUEST, ())
    folder.write(REQUEST, (STORED,))
    folder.write(REQUEST, ())
    assert files(tmp_path) == []


@pytest.mark.parametrize("changes", [{"url": "http://a.example/film?id=2"}, {"method": "POST"}, {"body": b"q"}])
def test_another_question_has_another_answer(folder, changes):
    folder.write(REQUEST, (STORED,))
    assert folder.read(REQUEST.replace(**changes)) == ()


def test_a_request_is_the_same_whoever_asks(folder):
    folder.write(REQUEST.replace(body="é"), (STORED,))
    assert folder.read(REQUEST.replace(body="é".encode(), depth=3, spider=1, data={"x": 1})) == (STORED,)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"not compressed",
        lambda data: zlib.compress(b"not what is kept here"),
        lambda data: zlib.compress(zlib.decompress(data)[:-3]),
        lambda data: data[:20] + bytes([data[20] ^ 0xFF]) + data[21:],
    ],
)
def test_a_damaged_file_is_a_miss_and_is_removed(folder, tmp_path, damage):
    folder.write(REQUEST, (STORED,))
    [path] = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert folder.read(REQUEST) == ()
    assert files(tmp_path) == []


def test_a_file_that_unpacks_to_more_than_is_kept_is_damaged(folder, tmp_path, monkeypatch):
    folder.write(REQUEST, (STORED,))
    monkeypatch.setattr(cache_folder, "_MOST", 20)
    assert folder.read(REQUEST) == ()
    folder.write(REQUEST, (STORED,))  # more than that is not written at all
    assert files(tmp_path) == []


def test_a_file_in_the_place_of_another_is_no_answer(folder, tmp_path):
    folder.write(REQUEST, (STORED,))
    [path] = files(tmp_path)
    other = REQUEST.replace(url="http://a.example/other")
    folder.write(other, (STORED,))
    [copy] = set(files(tmp_path)) - {path}
    copy.write_bytes(path.read_bytes())
    assert folder.read(other) == ()


def test_only_the_owner_may_read_it(folder, tmp_path):
    old = os.umask(0)
    try:
        folder.write(REQUEST, (STORED,))
    finally:
        os.umask(old)
    [path] = files(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_a_folder_that_is_removed_meanwhile_is_made_again(folder, tmp_path):
    folder.write(REQUEST, (STORED,))
    (tmp_path / "cache").rename(tmp_path / "gone")
    assert folder.read(REQUEST) == ()
    folder.write(REQUEST, (STORED,))
    assert folder.read(REQUEST) == (STORED,)


def test_the_place_stays_when_the_working_folder_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = CacheFolder(cache_folder.Path("cache"))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    folder.write(REQUEST, (STORED,))
    assert len(files(tmp_path)) == 1


def test_a_write_that_fails_is_told_and_leaves_the_old_file(folder, tmp_path, monkeypatch):
    folder.write(REQUEST, (STORED,))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"cannot write the cache .*always: No space left on device"):
        folder.write(REQUEST, (STORED, STORED))
    assert len(files(tmp_path)) == 1
    assert folder.read(REQUEST) == (STORED,)


def test_a_pipe_is_not_waited_for(tmp_path):
    folder = CacheFolder(tmp_path)
    folder.write(REQUEST, (STORED,))
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.unlink()
    os.mkfifo(path)
    assert folder.read(REQUEST) == ()
    assert not path.exists()


def test_a_place_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match="cannot read the cache"):
        CacheFolder(tmp_path / "cache").read(REQUEST)

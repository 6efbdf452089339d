"""A body that goes to disk: whole, checked and bounded, or not at all."""

import gzip
import hashlib
import os

import pytest

from crawler.response import Failure, Response
from crawler.saved import Into

BODY = b"<p>hello</p>"


@pytest.fixture
def save(get, host, tmp_path):
    """`save("/ok", types=(...))`: the outcome of an order whose body goes to a file; nothing else is left."""
    folder = tmp_path / "parts"
    folder.mkdir()

    def fetch(target, limits=None, **into):
        for path in folder.iterdir():
            path.unlink()
        outcome = get(target, limits=limits, into=Into(str(folder), **into))
        left = sorted(path.name for path in folder.iterdir())
        expected = [os.path.basename(outcome.part.path)] if isinstance(outcome, Response) and outcome.part else []
        assert left == expected, outcome
        return outcome

    return fetch


def answer(host, path, body, *fields):
    head = "".join(f"{field}\r\n" for field in fields)
    host.bodies[path] = f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("target", ["/ok", "/chunked", "/until-close"])
def test_a_body_is_written_counted_and_digested(save, get, target):
    body = get(target).body
    outcome = save(target)
    with open(outcome.part.path, "rb") as file:
        assert file.read() == body
    assert (outcome.part.size, outcome.part.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert not outcome.truncated


def test_a_file_is_for_whom_the_umask_says(save):
    path = save("/ok").part.path
    mask = os.umask(0)
    os.umask(mask)
    assert os.stat(path).st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("target", ["/short", "/cut-chunks", "/reset-in-body", "/broken-chunks", "/bad-gzip"])
def test_what_breaks_in_the_middle_leaves_no_file(save, get, target):
    outcome = save(target)
    assert isinstance(outcome, Failure)
    assert outcome.kind == get(target).kind


def test_the_deadline_is_that_of_files(save):
    assert save("/drip", timeout=0.3, limits={"timeout": 60.0}).kind == "timeout"
    assert save("/slow?0.3", timeout=0.0, limits={"timeout": 0.1}).part  # 0 is no limit


def test_the_limit_is_that_of_files_and_nothing_is_cut(save, host):
    answer(host, "/large", bytes(200_000))
    outcome = save("/large", limits={"max_body": 1000})
    assert (outcome.part.size, outcome.truncated) == (200_000, False)
    told = save("/large", max_size=199_999)
    assert (told.kind, told.detail) == ("too_large", "a file of 200,000 bytes, and 199,999 are taken")
    assert save("/large", max_size=200_000).part


def test_a_file_that_does_not_tell_its_size_is_stopped_at_the_limit(save):
    told = save("/endless", max_size=100_000)
    assert (told.kind, told.detail) == ("too_large", "a file of more than 100,000 bytes")


def test_a_bomb_is_one_for_files_too(save):
    told = save("/bomb")
    assert told.kind == "too_large"
    assert "a bomb" in told.detail


def test_a_coding_is_undone_but_for_an_archive_that_is_packed_itself(save, host):
    packed = gzip.compress(BODY)
    answer(host, "/coded", packed, "Content-Encoding: gzip", "Content-Type: text/plain")
    assert save("/coded").part.sha256 == hashlib.sha256(BODY).hexdigest()
    answer(host, "/archive", packed, "Content-Encoding: x-gzip", "Content-Type: application/x-gzip")
    assert save("/archive").part.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize(
    ("field", "types", "refused"),
    [
        ("Content-Type: Image/PNG; a=b", ("image/*",), ""),
        ("Content-Type: image/png", ("application/pdf", "image/png"), ""),
        ("Content-Type: text/html", (), ""),
        ("Content-Type: text/html", ("image/*", "a/b"), "of the type text/html, not image/* or a/b"),
        ("Content-Type: image/pngx", ("image/png",), "of the type image/pngx, not image/png"),
        ("X-Other: 1", ("image/*",), "of the type (not told), not image/*"),
    ],
)
def test_only_the_types_that_are_wanted_are_taken(save, host, field, types, refused):
    answer(host, "/typed", BODY, field)
    outcome = save("/typed", types=types)
    told = outcome.detail if isinstance(outcome, Failure) else ""
    assert told == refused
    assert not refused or outcome.kind == "file"


@pytest.mark.parametrize(
    ("body", "types", "refused"),
    [
        (b"\xef\xbb\xbf \n<!DOCTYPE html><p>log in</p>", ("image/*",), True),
        (b"<HTML><body>", ("image/png", "a/b"), True),
        (b"<HTML><body>", (), False),  # any file is wanted
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ("image/*",), False),
        (b"\x89PNG <html>", ("image/*",), False),
    ],
)
def test_a_page_that_is_declared_as_the_file_that_is_wanted_is_none(save, host, body, types, refused):
    answer(host, "/lie", body, "Content-Type: image/png")
    outcome = save("/lie", types=types)
    told = (outcome.kind, outcome.detail) if isinstance(outcome, Failure) else None
    assert told == (("file", "a page that is declared as image/png") if refused else None)


def test_another_checksum_is_another_file(save, host):
    answer(host, "/sum", BODY)
    right = hashlib.sha256(BODY).hexdigest()
    wrong = hashlib.sha256(b"").hexdigest()
    told = save("/sum", sha256=wrong)
    assert (told.kind, told.detail) == ("file", f"with the SHA-256 {right}, not {wrong}")
    assert save("/sum", sha256=right).part


@pytest.mark.parametrize("code", [404, 503])
def test_what_is_no_success_is_an_ordinary_answer(save, code):
    outcome = save(f"/status?{code}")
    assert (outcome.status, outcome.part) == (code, None)


def test_the_beginning_of_a_page_is_there_for_who_wants_to_know_what_it_says(save, host):
    page = b"<title>verify</title>" + b"x" * 10_000
    answer(host, "/page", page, "Content-Type: text/html")
    assert save("/page").body == page[:4096]
    answer(host, "/image", page, "Content-Type: image/png")
    assert save("/image").body == b""


def test_a_folder_that_cannot_be_written_is_told(get, tmp_path):
    told = get("/ok", into=Into(str(tmp_path / "gone")))
    assert (told.kind, told.detail) == ("disk", f"{tmp_path / 'gone'}: No such file or directory")


def test_a_disk_that_is_full_is_told_and_the_part_is_gone(save, host, monkeypatch):
    from crawler.fetch import part_file

    def full(*_):
        raise OSError(28, "No space left on device")

    real = part_file.open_inside

    class Full:
        def __init__(self, file):
            self.write, self.close = full, file.close

    monkeypatch.setattr(part_file, "open_inside", lambda *place: Full(real(*place)))
    told = save("/ok")
    assert told.kind == "disk"
    assert told.detail.endswith("No space left on device")

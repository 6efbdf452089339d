"""Which files are asked for, under which conditions, and what becomes of the answers."""

import hashlib
import os

import pytest

from crawler import Download, Request, Response
from crawler.download_folder import DownloadFolder
from crawler.errors import OutputError
from crawler.response import Failure
from crawler.rules.downloads import Downloads
from crawler.saved import Part
from crawler.verdict import GO, KEEP, Answer, Go

URL = "https://films.example/a.pdf"
FIELDS = (("Content-Type", "application/pdf"), ("ETag", '"1"'), ("Last-Modified", "then"))
AS_IT_IS = (("Accept-Encoding", "identity"), ("Accept", "*/*"))
ASKS = (("If-None-Match", '"1"'), ("If-Modified-Since", "then"))


@pytest.fixture
def rule(tmp_path):
    """`rule(run="1")`: the rule of a run in the folder of the test."""
    folders = []

    def make(run="1"):
        folders.append(DownloadFolder(str(tmp_path), "files", run))
        return Downloads(folders[-1], ("Image/*",), 1000, 60.0)

    yield make
    for folder in folders:
        folder.close()


def fetch(rule, request, body=b"abc", fields=FIELDS):
    """As if a worker had written the body; what the rule makes of it."""
    into = rule.before(request).into
    path = os.path.join(into.folder, "part")
    with open(path, "wb") as file:
        file.write(body)
    part = Part(path, len(body), hashlib.sha256(body).hexdigest())
    return rule.after(request, Response(request.url, 200, fields, b"head", 0.5, part=part))


def test_pages_are_none_of_its_business(rule):
    page = Request(URL)
    assert rule().before(page) is GO
    for outcome in (Response(URL, 200), Response(URL, 304), Failure(URL, "disk")):
        assert rule().after(page, outcome) is KEEP


def test_a_worker_is_told_what_is_wanted(rule):
    into = rule().before(Download(URL)).into
    assert (into.types, into.max_size, into.timeout, into.sha256) == (("image/*",), 1000, 60.0, "")
    own = rule().before(Download(URL, types=[], max_size=5, sha256="ab" * 32, timeout=3.0))
    assert own.header_pairs == AS_IT_IS
    assert (own.into.types, own.into.max_size, own.into.timeout, own.into.sha256) == ((), 5, 3.0, "ab" * 32)


def test_what_was_written_gets_its_name(rule, tmp_path):
    verdict = fetch(rule(), Download(URL))
    saved = verdict.response.file
    assert verdict == Answer(Response(URL, 200, FIELDS, b"", 0.5, file=saved))
    assert (saved.url, saved.path, saved.size, saved.content_type) == (URL, "files/a.pdf", 3, "application/pdf")
    assert (tmp_path / "a.pdf").read_bytes() == b"abc"
    assert rule().after(Download(URL), verdict.response) is KEEP


def test_a_resumed_run_asks_for_nothing_that_it_has_saved(rule):
    saved = fetch(rule(), Download(URL)).response.file
    verdict = rule().before(Download(URL))
    assert verdict == Answer(Response(URL, 200, FIELDS, cached=True, file=saved), by="the download folder")


def test_another_run_asks_whether_it_has_changed(rule):
    saved = fetch(rule(), Download(URL)).response.file
    later = rule("2")
    verdict = later.before(Download(URL))
    assert isinstance(verdict, Go)
    assert verdict.header_pairs == (*AS_IT_IS, *ASKS)
    assert later.after(Download(URL), Response(URL, 304)).response.file == saved


def test_what_has_not_changed_is_asked_for_once_in_a_run(rule):
    fetch(rule(), Download(URL))
    later = rule("2")
    later.after(Download(URL, data=1), Response(URL, 304, ()))
    assert isinstance(later.before(Download(URL, data=2)), Answer)
    assert isinstance(rule("3").before(Download(URL)), Go)


def test_a_304_for_a_file_that_is_gone_meanwhile_is_none(rule, tmp_path):
    fetch(rule(), Download(URL))
    (tmp_path / "a.pdf").unlink()
    assert rule("2").before(Download(URL)).header_pairs == AS_IT_IS
    assert rule("2").after(Download(URL), Response(URL, 304)) is KEEP


@pytest.mark.parametrize("run", ["1", "2"])
def test_a_file_whose_checksum_is_known_is_not_asked_for(rule, run):
    fetch(rule(), Download(URL))
    right, wrong = (hashlib.sha256(body).hexdigest() for body in (b"abc", b"x"))
    assert isinstance(rule(run).before(Download(URL, sha256=right)), Answer)
    assert rule(run).before(Download(URL, sha256=wrong)).header_pairs == AS_IT_IS


def test_who_insists_gets_it_fetched(rule):
    fetch(rule(), Download(URL))
    assert rule().before(Download(URL, again=True)).header_pairs == AS_IT_IS


def test_after_a_redirect_the_first_url_counts(rule):
    hop = Download("https://cdn.example/9f8e", name="").replace(hops=(URL,))
    saved = fetch(rule(), hop).response.file
    assert (saved.url, saved.path) == ("https://cdn.example/9f8e", "files/a.pdf")
    later = rule("2")
    assert later.before(Download(URL)).header_pairs == AS_IT_IS  # the validators are those of the other place
    assert later.before(hop).header_pairs == (*AS_IT_IS, *ASKS)


def test_two_forms_that_are_sent_to_one_url_are_two_files(rule, tmp_path):
    for body in ("1", "2"):
        fetch(rule(), Download(URL, method="POST", body=body), body.encode())
    assert sorted(path.read_text() for path in tmp_path.glob("a*.pdf")) == ["1", "2"]


def test_a_full_disk_ends_the_run(rule):
    with pytest.raises(OutputError, match="No space left") as told:
        rule().after(Download(URL), Failure(URL, "disk", "/x: No space left on device"))
    assert told.value.exit_code == 5


def test_other_failures_and_statuses_are_for_others(rule):
    for outcome in (Failure(URL, "file", "of another type"), Response(URL, 404, (), b"gone"), Response(URL, 304)):
        assert rule().after(Download(URL), outcome) is KEEP

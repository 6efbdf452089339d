import os

import pytest

from crawler import Request, Response
from crawler.good_runs import RunPages, recall
from crawler.observe.profile import Kind, Profile
from crawler.runs.folder import RunFolder

HTML = (("content-type", "text/html; charset=utf-8"),)
PAGE = (Request("http://127.0.0.1/1", data={"page": 1}), Response("http://127.0.0.1/1", 200, HTML, b"<p>one"))


@pytest.fixture
def run(tmp_path):
    """`run("name")`: what the run of that name keeps."""

    def pages(name, at=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return RunPages(RunFolder(folder))

    return pages


def keep(run, name, at, spider="films", pages=1, **more):
    kept = run(name)
    kept.keep_profiles([(Profile(spider, kinds={"parse /": Kind(pages=pages)}), {"parse": PAGE})], **more)
    place = kept._folder.ledger.parent / "profile.json"
    os.utime(place, (at, at))


def numbers(history):
    return [profile.kinds["parse /"].pages for profile in history]


def test_the_last_good_runs_beside_it_come_first(run):
    for number in range(1, 13):
        keep(run, f"run-{number}", at=number * 10, pages=number)
    keep(run, "other", at=1000, spider="other")
    assert numbers(run("now").history("films")) == [
        12,
        11,
        10,
        9,
        8,
        7,
        6,
        5,
        4,
    ]  # of ten runs one was the other spider's


def test_a_run_is_not_compared_with_itself(run):
    keep(run, "now", at=10)
    assert run("now").history("films") == ()


def test_what_was_before_a_first_run_is_forgotten(run):
    keep(run, "old", at=10, pages=1)
    keep(run, "first", at=20, pages=2, is_first=True)
    keep(run, "later", at=30, pages=3)
    assert numbers(run("now").history("films")) == [3, 2]


def test_a_damaged_profile_counts_as_none(run, tmp_path):
    keep(run, "one", at=10, pages=1)
    keep(run, "two", at=20, pages=2)
    (tmp_path / "two" / "profile.json").write_bytes(b'[{"spider"')
    assert numbers(run("now").history("films")) == [1]


def test_a_good_page_comes_back_with_its_data(run, tmp_path):
    keep(run, "one", at=10)
    sample = run("now").history("films")[0].samples["parse"]
    assert recall(sample) == PAGE[1].__class__("http://127.0.0.1/1", 200, HTML, b"<p>one")
    assert sample.data == {"page": 1}
    assert sample.file == str(tmp_path / "one" / "good" / "parse.html")
    os.unlink(sample.file)
    assert recall(sample) is None


def test_a_profile_names_no_file_outside_its_folder(run, tmp_path):
    keep(run, "one", at=10)
    place = tmp_path / "one" / "profile.json"
    place.write_text(place.read_text().replace("parse.html", "../../secret"))
    assert run("now").history("films")[0].samples["parse"].file == str(tmp_path / "one" / "good" / "secret")


def test_data_that_is_no_json_is_left_out(run):
    kept = run("one")
    request = Request("http://127.0.0.1/1", data="x" * 20_000)
    kept.keep_profiles([(Profile("films"), {"parse": (request, PAGE[1])})])
    assert run("now").history("films")[0].samples["parse"].data is None


def test_a_run_that_goes_on_keeps_its_pages_anew(run, tmp_path):
    keep(run, "one", at=10)
    keep(run, "one", at=20)
    assert [path.name for path in (tmp_path / "one" / "good").iterdir()] == ["parse.html"]


def test_forgotten_profiles_leave_no_pages(run, tmp_path):
    keep(run, "one", at=10)
    run("one").forget_profiles()
    assert list((tmp_path / "one" / "good").iterdir()) == []
    assert run("now").history("films") == ()


def test_pages_of_one_name_are_numbered_and_called_by_their_type(run):
    pages = run("one")
    json = Response("http://127.0.0.1/1", 200, (("Content-Type", "application/json"),), b"{}")
    names = [pages.keep("parse-bad", one).rpartition("/")[2] for one in (PAGE[1], PAGE[1], json)]
    assert names == ["parse-bad.html", "parse-bad-2.html", "parse-bad.json"]


def test_names_from_outside_stay_inside(run, tmp_path):
    path = run("one").keep("../../../tmp/x", PAGE[1])
    assert os.path.dirname(path) == str(tmp_path / "one" / "drift")


def test_without_a_folder_nothing_is_kept():
    pages = RunPages(None)
    pages.keep_profiles([(Profile("films"), {"parse": PAGE})])
    pages.forget_profiles()
    assert (pages.keep("x", PAGE[1]), pages.history("films")) == ("", ())

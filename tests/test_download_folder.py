"""The folder of downloads: names, what is whole, and what a kill leaves behind."""

import hashlib
import os
import subprocess
import sys

import pytest

from crawler.download_folder import DownloadFolder, DownloadFolders
from crawler.errors import OutputError
from crawler.saved import Part, Save

SITE = "https://films.example"
ANY = Save()


@pytest.fixture
def open_folder(tmp_path):
    """`open_folder(run="1")`: the folder `downloads` of the test, as one run has it."""
    opened = []

    def make(run="1", **options):
        opened.append(DownloadFolder(str(tmp_path / "downloads"), "downloads", run, **options))
        return opened[-1]

    yield make
    for folder in opened:
        folder.close()


@pytest.fixture
def folder(open_folder):
    return open_folder()


def put(folder, url, body=b"a", save=ANY, kind="", disposition="", **more):
    path = os.path.join(folder.parts, os.urandom(4).hex())
    with open(path, "wb") as file:
        file.write(body)
    part = Part(path, len(body), hashlib.sha256(body).hexdigest())
    return folder.keep(part, save, url, url, kind, disposition, **more)


def names(tmp_path):
    return sorted(
        str(path.relative_to(tmp_path / "downloads"))
        for path in (tmp_path / "downloads").rglob("*")
        if path.is_file() and path.name != ".downloads.jsonl"
    )


@pytest.mark.parametrize(
    ("url", "save", "kind", "disposition", "name"),
    [
        ("/a.pdf", Save(), "", "", "a.pdf"),
        ("/a.pdf?x=1", Save("press"), "", "", "press/a.pdf"),
        ("/get", Save(), "application/pdf", "", "get.pdf"),
        ("/", Save(), "application/pdf", "", "films.example.pdf"),
        ("", Save(), "", "", "films.example"),
        ("/get", Save(), "", 'attachment; filename="b c.txt"', "b c.txt"),
        ("/a.pdf", Save(name="x"), "application/pdf", "", "x"),
        ("/a.pdf", Save("../../etc", "../passwd"), "", "", "unnamed/unnamed/etc/_passwd"),
        ("/a.pdf", Save("/etc//cron.d/", ".hidden"), "", "", "etc/cron.d/hidden"),
        ("/..%2f..%2fa", Save(), "", "", "_.._a"),
        ("/a", Save(), "", "attachment; filename=../../.downloads.jsonl", "downloads.jsonl"),
        ("/a", Save("a\\..\\b"), "", "", "a/unnamed/b/a"),
    ],
)
def test_where_a_file_goes(folder, tmp_path, url, save, kind, disposition, name):
    saved = put(folder, SITE + url, save=save, kind=kind, disposition=disposition)
    assert saved.path == f"downloads/{name}"
    assert names(tmp_path) == [name]


def test_two_urls_of_one_name_do_not_share_a_file(folder, tmp_path):
    for number in range(3):
        put(folder, f"{SITE}/{number}/sheet.pdf", b"%d" % number)
    put(folder, f"{SITE}/3/SHEET.pdf", b"3")
    assert names(tmp_path) == ["SHEET-4.pdf", "sheet-2.pdf", "sheet-3.pdf", "sheet.pdf"]  # also where case counts not


def test_a_url_keeps_its_file_in_later_runs(folder, open_folder, tmp_path):
    first = [put(folder, f"{SITE}/{number}/a.txt", b"%d" % number).path for number in range(3)]
    later = open_folder("2")
    again = [put(later, f"{SITE}/{number}/a.txt", b"new %d" % number).path for number in (2, 0, 1)]
    assert [again[1], again[2], again[0]] == first
    assert [(tmp_path / path).read_bytes() for path in first] == [b"new 0", b"new 1", b"new 2"]


def test_what_somebody_else_put_there_is_left_alone(folder, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "a.txt").write_text("mine")
    (tmp_path / "downloads" / "a-2.txt").symlink_to("nowhere")
    assert put(folder, f"{SITE}/a.txt").path == "downloads/a-3.txt"
    assert (tmp_path / "downloads" / "a.txt").read_text() == "mine"


def test_a_folder_with_the_name_of_a_file_gets_a_number(folder, open_folder, tmp_path):
    assert put(folder, f"{SITE}/1", save=Save(name="press")).path == "downloads/press"
    for number in (2, 3):
        assert put(folder, f"{SITE}/{number}", save=Save("press")).path == f"downloads/press-2/{number}"
    assert put(folder, f"{SITE}/4", save=Save(name="press")).path == "downloads/press-3"
    assert put(open_folder("2"), f"{SITE}/5", save=Save("press/new")).path == "downloads/press-2/new/5"
    assert put(folder, f"{SITE}/6", save=Save("press-2")).path == "downloads/press-2/6"
    assert put(folder, f"{SITE}/7", save=Save(name="press-2")).path == "downloads/press-2-2"


def test_where_a_folder_or_file_stands_in_the_way_of_a_known_file_it_is_saved_elsewhere(folder, tmp_path):
    put(folder, f"{SITE}/a", save=Save("press"))
    put(folder, f"{SITE}/b")
    (tmp_path / "downloads" / "press" / "a").unlink()
    (tmp_path / "downloads" / "press").rmdir()
    (tmp_path / "downloads" / "press").write_text("mine")
    (tmp_path / "downloads" / "b").unlink()
    (tmp_path / "downloads" / "b").mkdir()
    assert put(folder, f"{SITE}/a", save=Save("press")).path == "downloads/press-2/a"
    assert put(folder, f"{SITE}/b").path == "downloads/b-2"


def test_a_folder_that_a_killed_crawl_was_about_to_make_is_taken(folder, open_folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(folder, "_rename", lambda *_: None)
        put(folder, f"{SITE}/a", save=Save("press"))
    assert put(open_folder("2"), f"{SITE}/b", save=Save(name="press")).path == "downloads/press-2"


def test_one_url_in_two_places_is_two_files_which_are_both_known(folder, open_folder, tmp_path):
    for place in (Save("one"), Save("two"), Save("two", "b")):
        put(folder, f"{SITE}/a", save=place)
    assert names(tmp_path) == ["one/a", "two/a", "two/b"]
    later = open_folder("2")
    assert [later.known(f"{SITE}/a", place).path for place in (Save("one"), Save("two"))] == ["one/a", "two/a"]


def test_a_file_that_is_there_is_known(folder, open_folder):
    saved = put(folder, f"{SITE}/a.txt", b"abc", kind="text/plain", etag='"1"', last_modified="then")
    for one in (folder, open_folder("2")):
        known = one.known(f"{SITE}/a.txt", ANY)
        assert one.shown(known) == saved
        assert (known.run, known.etag, known.last_modified) == ("1", '"1"', "then")
    assert folder.known(f"{SITE}/b.txt", ANY) is None
    assert folder.known(f"{SITE}/a.txt", Save("elsewhere")) is None


def test_a_file_that_was_touched_is_known_if_its_checksum_is_right(folder, tmp_path):
    put(folder, f"{SITE}/a.txt", b"abc")
    path = tmp_path / "downloads" / "a.txt"
    os.utime(path, (1, 1))
    assert folder.known(f"{SITE}/a.txt", ANY)
    for spoil in (lambda: path.write_bytes(b"abd"), lambda: path.write_bytes(b"ab"), path.unlink):
        spoil()
        assert folder.known(f"{SITE}/a.txt", ANY) is None
    path.symlink_to("/etc/hostname")
    assert folder.known(f"{SITE}/a.txt", ANY) is None


def test_the_same_file_is_not_written_again(folder, tmp_path):
    put(folder, f"{SITE}/a.txt", b"abc")
    before = (tmp_path / "downloads" / "a.txt").stat()
    put(folder, f"{SITE}/a.txt", b"abc", etag='"2"')
    after = (tmp_path / "downloads" / "a.txt").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert folder.known(f"{SITE}/a.txt", ANY).etag == '"2"'


def test_a_crawl_sees_what_another_one_saves_meanwhile(folder, open_folder, tmp_path):
    other = open_folder("2")
    assert put(folder, f"{SITE}/1/a.txt").path == "downloads/a.txt"
    assert put(other, f"{SITE}/2/a.txt").path == "downloads/a-2.txt"
    assert put(folder, f"{SITE}/3/a.txt").path == "downloads/a-3.txt"


def test_a_kill_between_the_line_and_the_rename_leaves_a_file_that_is_fetched_again(folder, open_folder, monkeypatch):
    put(folder, f"{SITE}/a.txt", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_rename", lambda *_: None)
        put(folder, f"{SITE}/a.txt", b"new!")
    later = open_folder("2")
    assert later.known(f"{SITE}/a.txt", ANY) is None
    assert put(later, f"{SITE}/a.txt", b"new!").path == "downloads/a.txt"
    assert later.known(f"{SITE}/a.txt", ANY)


def test_a_line_that_was_cut_off_spoils_no_other(folder, open_folder, tmp_path):
    for name in "ab":
        put(folder, f"{SITE}/{name}.txt")
    index = tmp_path / "downloads" / ".downloads.jsonl"
    index.write_bytes(index.read_bytes()[:-20])
    later = open_folder("2")
    assert later.known(f"{SITE}/a.txt", ANY)
    assert later.known(f"{SITE}/b.txt", ANY) is None
    put(later, f"{SITE}/c.txt")
    assert open_folder("3").known(f"{SITE}/c.txt", ANY)


def test_parts_of_crawls_that_are_dead_are_removed_and_those_of_living_ones_stay(folder, tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for pid in (dead.stdout.strip(), os.getpid()):
        (tmp_path / "downloads" / f".partial-{pid}-x").mkdir(parents=True)
    assert folder.parts
    left = [path.name for path in (tmp_path / "downloads").glob(".partial-*")]
    assert sorted(left) == sorted([f".partial-{os.getpid()}-x", os.path.basename(folder.parts)])


def test_a_folder_that_nobody_uses_is_not_made_and_an_empty_one_goes(open_folder, tmp_path):
    unused = open_folder()
    assert unused.known(f"{SITE}/a.txt", ANY) is None
    unused.close()
    assert not (tmp_path / "downloads").exists()
    used = open_folder()
    assert os.path.isdir(used.parts)
    used.close()
    assert not (tmp_path / "downloads").exists()


def test_a_body_in_memory_is_saved_likewise(folder, tmp_path):
    saved = folder.save(b"<p>x", Save("pages"), f"{SITE}/films/1", f"{SITE}/films/1", "text/html", "")
    assert saved.path == "downloads/pages/1.html"
    assert (tmp_path / saved.path).read_bytes() == b"<p>x"
    assert saved.sha256 == hashlib.sha256(b"<p>x").hexdigest()


def test_a_place_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot save files in below") as told:
        _ = DownloadFolder(str(tmp_path / "file" / "below"), "below").parts
    assert told.value.exit_code == 5
    assert "download.folder" in told.value.hint


def test_a_run_that_goes_on_elsewhere_saves_where_it_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = DownloadFolders("run", False, {})
    assert first.of("downloads") is first.of("downloads")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    later = DownloadFolders("run", False, first.places).of("downloads")
    put(later, f"{SITE}/a.txt")
    assert (tmp_path / "downloads" / "a.txt").exists()
    later.close()

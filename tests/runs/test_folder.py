"""Folders of runs: found by every name people use, owned by one process, pruned by age."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from crawler.errors import OutputError, UsageError
from crawler.runs.folder import RunFolder, all_runs, create, find, prune


@pytest.fixture
def runs(tmp_path):
    """Three runs of two spiders, oldest first."""
    made = []
    for name in ("films/20240101-000001", "books/20240101-000002", "films/20240101-000003"):
        path = tmp_path / name
        path.mkdir(parents=True)
        (path / "ledger.db").touch()
        made.append(path)
    return made


def test_runs_are_found_by_path_name_spider_or_as_the_latest(runs, tmp_path):
    assert [run.path for run in all_runs(tmp_path)] == runs
    assert find(str(runs[0]), tmp_path).path == runs[0]
    assert find("20240101-000002", tmp_path).path == runs[1]
    assert find("films", tmp_path).path == runs[2]
    assert find("books", tmp_path).path == runs[1]
    assert find(None, tmp_path).path == runs[2]


def test_a_run_that_does_not_exist_is_said_so(runs, tmp_path):
    with pytest.raises(UsageError, match="there is no run 'nothing'"):
        find("nothing", tmp_path)
    with pytest.raises(UsageError) as told:
        find("flims", tmp_path)
    assert told.value.hint == "did you mean films? crawl runs lists them"
    with pytest.raises(UsageError, match="there are no runs"):
        find(None, tmp_path / "elsewhere")


def test_new_runs_get_names_of_their_own(tmp_path):
    made = [create("films", tmp_path) for _ in range(3)]
    assert len({run.name for run in made}) == 3
    assert all(run.path.parent == tmp_path / "films" for run in made)
    for run in made:
        run.unlock()


@pytest.mark.parametrize("spider", ["../../x", "/tmp/x", "..", "a/b", "-rf", "con", "tab\there"])
def test_a_spider_may_be_called_anything_and_its_runs_stay_inside(spider, tmp_path):
    run = create(spider, tmp_path)
    assert run.path.parent.parent == tmp_path
    assert run.path.resolve().is_relative_to(tmp_path)
    run.ledger.touch()
    assert find(spider, tmp_path).path == run.path
    assert prune(run.path.parent.name, [run], 0) == [run]
    run.unlock()


def test_a_given_folder_is_used_once(tmp_path):
    run = create("films", path=tmp_path / "mine")
    assert run.path == tmp_path / "mine"
    run.ledger.touch()
    run.unlock()
    with pytest.raises(UsageError, match="holds a run already"):
        create("films", path=tmp_path / "mine")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot make the folder"):
        create("films", tmp_path / "x")


def test_a_file_in_the_way_is_an_output_error(tmp_path):
    (tmp_path / "films").touch()
    with pytest.raises(OutputError, match="cannot make the folder"):
        create("films", tmp_path)


def test_a_folder_has_one_owner_at_a_time(tmp_path):
    run = create("films", tmp_path)
    assert run.owner() == os.getpid()
    with pytest.raises(UsageError, match="in use by this process"):
        find_again(run).lock()
    # Looking at it from here must not give the lock away, and nobody else gets it.
    other = (
        "import sys; from pathlib import Path; from crawler.runs.folder import RunFolder\n"
        "folder = RunFolder(Path(sys.argv[1])); print(folder.owner())\n"
        "try: folder.lock()\n"
        "except Exception as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", other, str(run.path)], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [str(os.getpid()), f"the run {run.path} is in use by process {os.getpid()}"]
    run.unlock()
    assert run.owner() is None
    said = subprocess.run([sys.executable, "-c", other, str(run.path)], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["None"]


@pytest.fixture
def hold(tmp_path):
    """`hold(folder, pid, seconds)`: another process has the lock for so long, and `pid` stands in the file."""
    held = []

    def start(folder, pid, seconds):
        holder = (
            "import fcntl, sys, time\n"
            "file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); file.write(sys.argv[2]); file.flush()\n"
            "print('held', flush=True); time.sleep(float(sys.argv[3]))\n"
        )
        arguments = [sys.executable, "-c", holder, str(folder.path / "lock"), str(pid), str(seconds)]
        held.append(subprocess.Popen(arguments, stdout=subprocess.PIPE))
        held[-1].stdout.readline()

    yield start
    for process in held:
        process.kill()
        process.communicate()


@pytest.fixture
def ended():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("is_named", [False, True])
def test_somebody_who_only_looks_does_not_keep_a_run_from_its_next_owner(is_named, ended, hold, tmp_path):
    folder = RunFolder(tmp_path)
    hold(folder, ended if is_named else "", 0.1)
    folder.lock()
    assert folder.owner() == os.getpid()
    folder.unlock()


def test_an_owner_that_nobody_knows_is_refused_in_the_end(hold, tmp_path):
    hold(RunFolder(tmp_path), "", 30)
    with pytest.raises(UsageError, match="in use by process unknown"):
        RunFolder(tmp_path).lock()


def find_again(run):
    return type(run)(run.path)


def test_how_to_reach_the_room_is_for_the_owner_only(tmp_path):
    run = create("films", tmp_path)
    run.announce("/tmp/room", b"\x01\x02")
    assert stat.S_IMODE(run.control.stat().st_mode) == 0o600
    assert msgspec.json.decode(run.control.read_bytes()) == {
        "address": "/tmp/room",
        "key": "0102",
        "pid": os.getpid(),
    }
    run.withdraw()
    assert not run.control.exists()
    run.withdraw()
    run.unlock()


def test_the_next_owner_removes_the_note_of_a_room_that_is_gone(tmp_path):
    run = create("films", tmp_path)
    run.control.write_text("no json")
    run.unlock()
    run.lock()
    assert not run.control.exists()
    run.unlock()


def test_the_oldest_runs_of_one_spider_are_pruned(runs, tmp_path):
    gone = prune("films", all_runs(tmp_path), 1)
    assert [run.path for run in gone] == [runs[0]]
    assert [run.path for run in all_runs(tmp_path)] == runs[1:]


def test_a_report_is_kept_whole_or_not_at_all(tmp_path):
    folder = create("films", tmp_path)
    folder.keep_report('{"a": "\udc80"}', "one\ntwo \udc80")
    assert folder.report_json.read_text() == '{"a": "\\udc80"}\n'
    assert folder.report_text.read_text() == "one\ntwo \\udc80\n"
    folder.report_text.unlink()
    (folder.path / "report.txt.new").mkdir()  # now it cannot be written
    folder.keep_report("{}", "three")
    assert not folder.report_json.exists()  # nor does the one of an earlier part stay
    assert not folder.report_text.exists()
    folder.unlock()


def test_a_relative_folder_stays_where_it_is_when_the_working_folder_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    folder = create("films", path=Path("kept"))
    monkeypatch.chdir("elsewhere")
    assert folder.owner() == os.getpid()
    folder.announce("/tmp/room", b"\x01")
    folder.keep_report("{}", "text")
    assert folder.path == Path("kept")  # what people are told
    kept = tmp_path / "kept"
    assert folder.ledger == kept / "ledger.db"
    assert sorted(path.name for path in kept.iterdir()) == ["control.json", "lock", "report.json", "report.txt"]
    folder.unlock()
    assert folder.owner() is None

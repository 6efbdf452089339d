"""A file that a crawl is writing is not written by another one."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from crawler.errors import UsageError
from crawler.export import file as files
from crawler.export.registry import exporter_for

NO_PARQUET = pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is missing: pip install pyarrow")
NAMES = ["out.jsonl", "out.csv.gz", "out.sqlite", pytest.param("out.parquet", marks=NO_PARQUET)]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(files, "_PATIENCE", 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_being_written_is_refused_and_stays_as_it_is(name, tmp_path):
    path = tmp_path / name
    link = tmp_path / f"link-{name}"
    link.symlink_to(path)
    first = exporter_for(str(path))
    first.open()
    first.write([b'{"a":1}'])
    first.flush(sync=False)
    before = path.read_bytes()
    for other in (path, link):
        with pytest.raises(UsageError, match="is being written by another crawl"):
            exporter_for(str(other)).open()
    assert path.read_bytes() == before
    first.close()
    second = exporter_for(str(path))
    second.open()
    second.close()


def test_a_file_whose_header_has_grown_is_still_refused(tmp_path):
    path = str(tmp_path / "out.csv")
    first = exporter_for(path)
    first.open()
    first.write([b'{"a":1}'])
    first.write([b'{"b":1}'])
    with pytest.raises(UsageError):
        exporter_for(path).open()
    first.close()


def test_reading_the_file_in_this_process_does_not_release_it(tmp_path):
    path = tmp_path / "out.jsonl"
    first = exporter_for(str(path))
    first.open()
    path.read_bytes()
    with pytest.raises(UsageError):
        exporter_for(str(path)).open()
    first.close()


def test_a_killed_process_holds_nothing(tmp_path, monkeypatch):
    path = str(tmp_path / "out.jsonl")
    code = (
        "import sys; from crawler.export.registry import exporter_for\n"
        "exporter = exporter_for(sys.argv[1]); exporter.open(); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(UsageError):
            exporter_for(path).open()
        other.kill()
        assert other.wait() == -signal.SIGKILL
    mine = exporter_for(path)
    mine.open()
    mine.close()


def test_what_is_no_regular_file_is_written_by_many(tmp_path):
    exporters = [exporter_for(str(tmp_path / "out.jsonl")) for _ in range(2)]
    os.symlink("/dev/null", tmp_path / "out.jsonl")
    for exporter in exporters:
        exporter.open()
    for exporter in exporters:
        exporter.close()


def test_a_crawl_says_so_and_ends_with_2(tmp_path, crawl_here, films):
    exporter = exporter_for(str(tmp_path / "out.jsonl"))
    exporter.open()
    done = crawl_here("run", films.name, "-o", "out.jsonl", "--pool", "inline")
    exporter.close()
    assert done.rc == 2
    assert "out.jsonl is being written by another crawl" in done.stderr
    assert not list(tmp_path.glob(".crawl/*/*")), "nothing was run"

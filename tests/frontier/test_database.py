"""The file under a ledger: whoever only reads sees one moment of it and changes nothing, wherever it lies."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from crawler.errors import OutputError
from crawler.frontier.ledger import Ledger
from crawler.request import Request

URL = "https://films.example/1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def test_reading_shows_one_moment_and_writes_nothing(path):
    writer = Ledger(path)
    writer.add(Request(URL))
    writer.commit()
    files = {file.name: file.read_bytes() for file in path.parent.glob("*") if not file.name.endswith("-shm")}
    reader = Ledger(path, read_only=True)
    assert reader.count() == {"waiting": 1}
    writer.add(Request(URL + "/2"))
    writer.commit()
    assert reader.count() == {"waiting": 1}
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("DELETE FROM requests")
    reader.close()
    assert path.read_bytes() == files["ledger.db"]
    second = Ledger(path, read_only=True)
    assert second.count() == {"waiting": 2}
    second.close()
    writer.close()


def test_reading_needs_a_file(path):
    with pytest.raises(OutputError, match="cannot read the ledger"):
        Ledger(path, read_only=True)
    assert not path.exists()


@pytest.fixture
def killed(path):
    """A ledger whose writer was killed: its last transaction is in the WAL only."""
    writer = (
        "import os, sys; from pathlib import Path\n"
        "from crawler.frontier.ledger import Ledger; from crawler.request import Request\n"
        "ledger = Ledger(Path(sys.argv[1])); ledger.add(Request('https://films.example/1')); ledger.commit()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", writer, str(path)]).returncode == -signal.SIGKILL
    return path


def test_a_ledger_whose_writer_was_killed_can_be_read(killed):
    before = killed.read_bytes(), killed.with_name("ledger.db-wal").read_bytes()
    ledger = Ledger(killed, read_only=True)
    assert ledger.count() == {"waiting": 1}
    ledger.close()
    assert (killed.read_bytes(), killed.with_name("ledger.db-wal").read_bytes()) == before


READER = (
    "import sys; from pathlib import Path\n"
    "from crawler.errors import CrawlError; from crawler.frontier.ledger import Ledger\n"
    "try: print(Ledger(Path(sys.argv[1]), read_only=True).count())\n"
    "except CrawlError as error: print(error, error.hint)\n"
)


@pytest.mark.parametrize("was_killed", [False, True])
@pytest.mark.parametrize("has_index", [False, True])
def test_a_folder_that_cannot_be_written_can_be_read(was_killed, has_index, killed, path):
    if not was_killed:
        Ledger(path).close()  # what is in the WAL goes into the file, and the WAL goes
    if not has_index:
        path.with_name("ledger.db-shm").unlink(missing_ok=True)
    before = sorted(file.name for file in path.parent.iterdir())
    path.parent.chmod(0o555)
    command = [sys.executable, "-c", READER, str(path)]
    if os.geteuid() == 0:  # root may write everywhere, unless it gives that up
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    done = subprocess.run(command, capture_output=True, text=True)
    path.parent.chmod(0o755)
    assert sorted(file.name for file in path.parent.iterdir()) == before
    if was_killed and not has_index:
        assert "cannot read the ledger" in done.stdout, done
        assert "read a copy of the whole folder" in done.stdout
    else:
        assert done.stdout == "{'waiting': 1}\n", done


def test_the_file_is_for_its_owner_only(tmp_path):
    from crawler.frontier.ledger import Ledger
    from crawler.request import Request

    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.add(Request("http://a.example/"))
    ledger.commit()
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    ledger.close()

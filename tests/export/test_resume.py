"""Files are a view of the ledger's items: whatever happens to a process or a file, a resumed run makes it whole."""

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.errors import OutputError
from crawler.frontier.ledger import Ledger
from crawler.item import to_json
from crawler.items.chain import Chain


class Run:
    """A run with one output, and as much of a ledger as an output needs. `marks` is what the ledger has of them."""

    def __init__(self, path, exporter_of):
        self.path = path
        self.exporter_of = exporter_of
        self.items = []
        self.marks = {}
        self.chain = self._chain()
        self.chain.open()

    def _chain(self):
        return Chain([self.exporter_of(self.path)], meta=False)

    def add(self, items):
        self.items += items
        self.chain.write([to_json(item) for item in items], len(self.items))

    def mark(self):
        self.marks = {path: (mark, item) for path, mark, item in self.chain.marks()}

    def resume(self):
        self.chain = self._chain()
        self.chain.open(self.marks, self._after)

    def _after(self, number):
        return ((at, to_json(item)) for at, item in enumerate(self.items[number:], number + 1))

    def killed(self):
        """The process is gone, and the file as it is now."""
        content = self.path.read_bytes()
        with suppress(OutputError):
            self.chain.close()
        self.path.write_bytes(content)

    def marked_size(self):
        return next((mark["size"] for mark, _ in self.marks.values()), 0)


def lose_the_end(run, amount):
    """The last writes did not reach the disk, or only in part."""
    size = run.path.stat().st_size
    os.truncate(run.path, max(min(run.marked_size(), size), size - amount))


def lose_more_than_the_end(run, amount):
    os.truncate(run.path, max(0, run.path.stat().st_size - amount))


def add_garbage(run, amount):
    with open(run.path, "ab") as file:
        file.write(bytes(range(256))[:amount])


def overwrite_after_the_mark(run, amount):
    with open(run.path, "r+b") as file:
        file.seek(run.marked_size())
        file.write(b"\0" * amount)


def edit_before_the_mark(run, amount):
    content = bytearray(run.path.read_bytes())
    if content:
        content[amount % len(content)] ^= 1
    run.path.write_bytes(content)


def remove(run, amount):
    run.path.unlink()


def leave_half_a_wider_file(run, amount):
    (run.path.parent / f".{run.path.name}.wider").write_bytes(b"x" * amount)


def nothing(run, amount):
    pass


DAMAGES = [
    nothing,
    lose_the_end,
    lose_more_than_the_end,
    add_garbage,
    overwrite_after_the_mark,
    edit_before_the_mark,
    remove,
    leave_half_a_wider_file,
]

texts = st.text(alphabet='xyz霸é", \n', max_size=30)
batches = st.lists(st.dictionaries(st.sampled_from("abcdefghijkl"), texts, max_size=3), max_size=4)
steps = st.one_of(
    st.tuples(st.just("items"), batches),
    st.tuples(st.just("items"), batches),
    st.just(("mark", None)),
    st.just(("mark", None)),
    st.tuples(st.just("flush"), st.booleans()),
    st.tuples(st.just("kill"), st.tuples(st.sampled_from(DAMAGES), st.integers(1, 200))),
    st.just(("finish", None)),
)


@pytest.mark.timeout(400)  # making a failing plan shorter takes its time
@settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=st.lists(steps, min_size=8, max_size=30))
def test_whatever_happens_the_file_has_every_item_once_and_in_order(
    name, tmp_path, monkeypatch, exporter_of, items_of, shown, plan
):
    monkeypatch.setattr("crawler.export.compressed.PIECE", 100)
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    run = Run(tmp_path / name, exporter_of)
    for step, what in plan:
        match step:
            case "items":
                run.add(what)
            case "mark":
                run.mark()
            case "flush":
                run.chain.flush(what)
            case "kill":
                damage, amount = what
                items_of(run.path)  # can be read at any time
                run.killed()
                damage(run, amount)
                run.resume()
            case "finish":
                run.chain.close()
                run.mark()
                assert items_of(run.path) == shown(name, run.items)
                run.resume()
    run.chain.close()
    assert items_of(run.path) == shown(name, run.items)


def test_a_mark_may_be_much_older_than_the_file(name, tmp_path, exporter_of, items_of, shown):
    run = Run(tmp_path / name, exporter_of)
    run.add([{"a": "first", "b": "x"}])
    run.chain.flush(sync=False)
    run.mark()
    run.add([{"a": os.urandom(500).hex(), "b": str(number)} for number in range(500)])
    run.killed()
    run.resume()
    run.add([{"a": "last", "b": "x"}])
    run.chain.close()
    assert items_of(run.path) == shown(name, run.items)


def test_a_resumed_file_is_not_written_anew(name, tmp_path, exporter_of):
    """It is cut and written on: what is before the mark is not touched, however much it is."""
    run = Run(tmp_path / name, exporter_of)
    run.add([{"a": os.urandom(500).hex()} for number in range(500)])
    run.mark()
    run.add([{"a": "after"}])
    inode = run.path.stat().st_ino
    run.killed()
    asked = []
    run.chain = run._chain()
    run.chain.open(run.marks, lambda item: asked.append(item) or run._after(item))
    run.chain.close()
    assert asked == [500]
    assert run.path.stat().st_ino == inode


def test_a_full_disk_stops_the_output_and_a_later_run_goes_on(
    name, tmp_path, exporter_of, items_of, shown, limit_files
):
    run = Run(tmp_path / name, exporter_of)
    run.add([{"a": "first"}, {"a": "second"}])
    run.chain.flush(sync=False)
    run.mark()
    limit_files(run.path.stat().st_size + 1000)
    with pytest.raises(OutputError, match="File too large"):
        run.add([{"a": os.urandom(500).hex()} for _ in range(200)])
    with suppress(OutputError):
        run.chain.close()
    run.mark()
    assert items_of(run.path) == shown(name, run.items[:2])
    with pytest.raises(OutputError):  # still no room
        run.resume()
    limit_files(None)
    run.resume()
    run.add([{"a": "last"}])
    run.chain.close()
    assert items_of(run.path) == shown(name, run.items)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.json.gz", "out.csv.gz", "out.txt.gz"])
def test_a_disk_that_is_full_at_the_end_loses_nothing(name, tmp_path, exporter_of, items_of, shown, limit_files):
    run = Run(tmp_path / name, exporter_of)
    run.add([{"a": os.urandom(500).hex()} for _ in range(200)])
    limit_files(run.path.stat().st_size + 100)
    run.add([{"a": os.urandom(500).hex()} for _ in range(10)])  # waits for more
    with pytest.raises(OutputError, match="File too large"):
        run.chain.close()
    run.mark()
    assert next(iter(run.marks.values()))[1] == 200
    assert items_of(run.path) == shown(name, run.items[:200])
    limit_files(None)
    run.resume()
    run.chain.close()
    assert items_of(run.path) == shown(name, run.items)


def test_a_full_disk_while_a_csv_file_gets_more_columns(tmp_path, exporter_of, items_of, shown, limit_files):
    run = Run(tmp_path / "out.csv", exporter_of)
    run.add([{"a": str(number)} for number in range(500)])
    run.mark()
    limit_files(run.path.stat().st_size + 100)
    with pytest.raises(OutputError, match="File too large"):
        run.add([{"b": "new"}])
    run.chain.close()
    run.mark()
    assert items_of(run.path) == shown("out.csv", run.items[:500])
    limit_files(None)
    run.resume()
    run.chain.close()
    assert items_of(run.path) == shown("out.csv", run.items)
    assert os.listdir(tmp_path) == ["out.csv"]


def test_standard_output_repeats_at_most_what_came_after_its_mark(capfd, exporter_of):
    run = Run.__new__(Run)
    run.path, run.exporter_of, run.items, run.marks = "-", exporter_of, [], {}
    run.chain = run._chain()
    run.chain.open()
    run.add([{"n": 1}])
    run.mark()
    run.add([{"n": 2}])
    run.resume()
    run.add([{"n": 3}])
    run.chain.close()
    assert capfd.readouterr().out == '{"n":1}\n{"n":2}\n{"n":2}\n{"n":3}\n'


WRITER = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from crawler.export.registry import exporter_for
from crawler.frontier.ledger import Ledger
from crawler.item import to_json
from crawler.items.chain import Chain

def say(word):
    os.write(1, word.ljust(1023) + b"\\n")  # so long that the pipe takes few of them ahead of the reader

folder, last = Path(sys.argv[1]), int(sys.argv[2])
ledger = Ledger(folder / "ledger.db")
chain = Chain([exporter_for(str(folder / name)) for name in sys.argv[3:]], meta=False)
say(b"opening")
chain.open(ledger.marks(), ledger.items_after)
say(b"open")
while (item := ledger.last_item) < last:
    lines = []
    for number in range(item + 1, min(item + 30, last) + 1):
        # A new field now and then, and text that does not get smaller.
        lines.append(to_json({"n": str(number), f"f{number // 1500}": os.urandom(200).hex()}))
    ledger.store(SimpleNamespace(row=1, spider=0), lines)
    for mark in chain.marks():
        ledger.mark(*mark)
    ledger.commit()
    say(b"committed")
    chain.write(lines, ledger.last_item)
    say(b"written")
say(b"closing")
chain.close()
for mark in chain.marks():
    ledger.mark(*mark)
ledger.commit()
ledger.close()
say(b"done")
"""


def test_a_writer_killed_again_and_again_leaves_every_item_once(tmp_path, items_of, shown):
    names, last = ["out.csv.gz", "out.json"], 12_000
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(last), *names]
    chance = random.Random()
    # When it dies: sometimes while the files are opened and cut, mostly somewhere on the way.
    for patience in [1, 1, 2, *(chance.randrange(3, 30) for _ in range(7))]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, pipesize=32 * 1024) as writer:
            for _ in range(patience):
                assert writer.stdout.readline()
            writer.kill()
        assert writer.returncode == -signal.SIGKILL
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()[-1] == b"done"
    ledger = Ledger(tmp_path / "ledger.db")
    numbers, lines = zip(*ledger.items_after(0), strict=True)
    marks = ledger.marks()
    ledger.close()
    assert numbers == tuple(range(1, last + 1))
    items = [json.loads(line) for line in lines]
    assert [item["n"] for item in items] == [str(number) for number in numbers]
    for name in names:
        assert items_of(tmp_path / name) == shown(name, items)
        assert marks[str(tmp_path / name)][1] == last
    assert {entry.name for entry in tmp_path.iterdir()} == {"ledger.db", *names}

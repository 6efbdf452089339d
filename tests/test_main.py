"""What the console script settles before and after the command: signals and standard streams. Real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import atexit, os, signal, sys, threading, time, types

def send(name):
    os.kill(os.getpid(), signal.Signals[name])

def command(run):
    sys.modules["crawler.cli"] = types.SimpleNamespace(main=run)

from crawler.__main__ import main
"""


@pytest.fixture
def program(start_command, tmp_path):
    """`program(text)`: a process that calls `main` with a command of its own, to its end."""

    def run(text):
        path = tmp_path / "program.py"
        path.write_text(START + text, encoding="utf-8")
        running = start_command(sys.executable, path)
        running.end(10)
        return running

    return run


def test_ctrl_c_while_the_command_is_imported_is_silent(program):
    running = program("""
class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            send("SIGINT")

sys.meta_path.insert(0, Finder())
main()
""")
    assert (running.rc, running.stderr) == (130, "")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)])
def test_the_first_signal_ends_the_command_and_later_ones_change_nothing(program, name, code):
    running = program(f"""
class Late:
    def __del__(self, send=send):
        send("SIGTERM")  # where Python has taken its own handlers away

late = Late()

def run():
    for number in range(3):
        atexit.register(send, "SIGINT")
    try:
        send("{name}")
    finally:
        send("SIGHUP")

command(run)
main()
""")
    assert (running.rc, running.stderr) == (code, "")


@pytest.mark.parametrize("left", [0, 3, 130])
def test_a_signal_after_the_command_does_not_change_its_exit_code(program, left):
    running = program(f"""
class Late:
    def __del__(self, send=send):
        send("SIGINT")

late = Late()
atexit.register(send, "SIGTERM")
command(lambda: sys.exit({left}))
main()
""")
    assert (running.rc, running.stderr) == (left, "")


def test_a_process_that_does_not_end_is_ended_by_a_signal(program):
    running = program("""
import crawler.__main__

crawler.__main__._PATIENCE = 0.0
threading.Thread(target=time.sleep, args=(60,)).start()
threading.Timer(0.2, send, ["SIGINT"]).start()
command(lambda: sys.exit(3))
main()
""")
    assert (running.rc, running.stderr) == (3, "")


def test_what_was_ignored_stays_ignored(program):
    running = program("""
for name in ("SIGINT", "SIGHUP"):
    signal.signal(signal.Signals[name], signal.SIG_IGN)

def run():
    send("SIGINT")
    send("SIGHUP")
    sys.exit(5)

command(run)
main()
""")
    assert (running.rc, running.stderr) == (5, "")


def test_a_command_of_a_test_can_be_interrupted_where_the_tests_cannot():
    """Run by nohup, or by a script's `&`, tests that send signals would fail."""
    child = "import signal; print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    tests = f"import subprocess, sys, tests.conftest; subprocess.run([sys.executable, '-c', {child!r}])"
    done = subprocess.run(
        ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", sys.executable, "-c", tests],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def shell(command, folder):
    """A command line with `crawl` in it; exit code, standard output and error."""
    line = command.replace("crawl ", f"{sys.executable} -m crawler ", 1)
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def test_a_closed_standard_output_cannot_be_written(films, tmp_path):
    code, _, stderr = shell(f"crawl run {films} -o - >&-", tmp_path)
    assert code == 5
    assert "crawl: cannot write standard output: Bad file descriptor\n" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_that_are_not_needed_do_not_matter(films, tmp_path, closed):
    assert shell(f"crawl run {films} -o out.jsonl {closed}", tmp_path)[0] == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 10
    assert shell(f"crawl resume {closed}", tmp_path)[0] == 2  # its ledger is whole: there is nothing to go on with


def test_a_standard_output_that_has_few_characters_shows_the_others_somehow(tmp_path):
    code, stdout, stderr = shell("PYTHONIOENCODING=ascii crawl demo", tmp_path)
    assert code == 0, stderr
    assert "\\u" in stdout


def test_a_reader_of_standard_output_may_go_away(tmp_path):
    script = f'{{ {sys.executable} -m crawler demo; echo "exit $?" >&2; }} | head -1'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert "exit 5\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []

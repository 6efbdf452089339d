import io
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from crawler.observe import live
from crawler.observe.events import Dropped, Fetched, ItemStored, Started
from crawler.observe.live import Extra, LiveView, line, picture
from crawler.observe.stats import Stats

ROOT = Path(__file__).parents[2]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def stats():
    clock = Clock()
    stats = Stats(clock=clock)
    stats.hear(Started(("maoyan",), 2, "process"))
    for _ in range(4):
        stats.hear(Fetched("https://a.example/", "a.example", 200, 25_000, 0.5))
    stats.hear(ItemStored(40))
    clock.now += 4
    return stats


class Terminal(io.StringIO):
    """A terminal that remembers all it was sent."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def attach(monkeypatch):
    """Makes standard error a terminal. Tests call it, because pytest sets the streams anew before each."""

    def now():
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        return terminal

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.delenv("TTY_INTERACTIVE", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    return now


@pytest.fixture
def still(monkeypatch):
    """The view draws only when told to."""
    monkeypatch.setattr(live, "ON_TERMINAL", 3600.0)
    monkeypatch.setattr(live, "ELSEWHERE", 3600.0)


def test_the_picture_shows_numbers_and_reasons(stats):
    stats.hear(Dropped("u", "scope: x"))
    extra = Extra(queue=1033, in_flight=2, idle="hosts wait", parsing="https://a.example/1", parsing_seconds=12)
    assert picture(stats.snapshot(), extra) == [
        "maoyan  4.0 s   pages 4 (1.0/s now, 1.0/s on average, 100.0 kB)",
        "  items 40   errors 0   retried 0   blocked 0   queue 1,033   in flight 2",
        "  dropped 1 scope",
        "  slowest hosts: a.example 0.50 s",
        "  idle: hosts wait",
        "  parsing https://a.example/1 for 12 s",
    ]


def test_a_page_that_parses_fast_is_not_named(stats):
    lines = picture(stats.snapshot(), Extra(parsing="https://a.example/1", parsing_seconds=0.1))
    assert not any("parsing" in line for line in lines)


def test_foreign_text_is_shown_plain(stats):
    stats.hear(Fetched("https://a.example/", "\x1b[2J", 200, 1, 9.0))
    shown = "".join(picture(stats.snapshot(), Extra(idle="\x1b\n", parsing="\x9b", parsing_seconds=5)))
    assert shown.isprintable()


def test_the_line_for_files_holds_the_essentials(stats):
    assert line(stats.snapshot(), Extra(queue=33, in_flight=2, idle="hosts wait")) == (
        "4.0 s: pages 4 (1.0/s now, 1.0/s on average, 100.0 kB), items 40, errors 0, queue 33, in flight 2, "
        "idle: hosts wait"
    )


def test_elsewhere_each_tick_is_one_plain_line(stats, capsys, still):
    view = LiveView(stats, Extra)
    view.start()
    view.tick()
    view.stop()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("4.0 s: pages 4 ")


def test_a_dumb_terminal_gets_plain_lines(stats, attach, still, monkeypatch):
    terminal = attach()
    monkeypatch.setenv("TERM", "dumb")
    view = LiveView(stats, Extra)
    view.start()
    view.tick()
    view.stop()
    assert "\x1b" not in terminal.getvalue()
    assert "pages 4" in terminal.getvalue()


def test_quiet_shows_nothing_and_starts_nothing(stats, attach):
    terminal = attach()
    threads = threading.active_count()
    view = LiveView(stats, Extra, quiet=True)
    view.start()
    assert threading.active_count() == threads
    view.stop()
    assert terminal.getvalue() == ""


def test_the_view_draws_by_itself(stats, attach, monkeypatch):
    attach()
    drawn = threading.Event()
    monkeypatch.setattr(live, "ON_TERMINAL", 0.001)
    view = LiveView(stats, lambda: drawn.set() or Extra(queue=77))
    view.start()
    assert drawn.wait(10)
    view.stop()


def test_stop_gives_the_streams_back_and_ends_the_thread(stats, attach, still):
    terminal = attach()
    threads = threading.active_count()
    out = sys.stdout
    view = LiveView(stats, Extra)
    view.start()
    assert sys.stderr is not terminal
    assert sys.stdout is out  # no terminal: what is printed there stays where it was sent
    view.stop()
    view.stop()
    assert sys.stderr is terminal
    assert threading.active_count() == threads


def test_stop_without_start_does_nothing(stats):
    LiveView(stats, Extra).stop()


def test_the_cursor_is_never_hidden(stats, attach, still):
    terminal = attach()
    view = LiveView(stats, Extra)
    view.start()
    view.tick()
    view.stop()
    assert "\x1b[?25l" not in terminal.getvalue()


@pytest.mark.parametrize("quiet", [False, True])
def test_asked_for_it_says_a_line_with_the_page_that_is_being_parsed(stats, capsys, still, quiet):
    view = LiveView(stats, lambda: Extra(in_flight=2, parsing="https://a.example/1", parsing_seconds=0.2), quiet=quiet)
    view.start()
    view.say()
    view.stop()
    said = capsys.readouterr().err
    assert said.startswith("crawl: 4.0 s: pages 4 (")
    assert said.endswith("in flight 2, parsing https://a.example/1 for 0.2 s\n")


def test_what_it_says_stands_above_the_picture(stats, attach, still):
    terminal = attach()
    view = LiveView(stats, lambda: Extra(queue=77))
    view.start()
    view.tick()
    view.say()
    sent = terminal.getvalue()
    view.stop()
    said = "crawl: 4.0 s: pages 4 (1.0/s now, 1.0/s on average, 100.0 kB), items 40, errors 0, queue 77, in flight 0\n"
    assert sent.count(said) == 1
    assert sent.rindex("items 40   errors 0") > sent.index(said)  # it is drawn again below


def test_what_is_printed_meanwhile_comes_out_whole_and_in_order(stats, attach, still):
    terminal = attach()
    long = "https://a.example/" + "x" * 300
    view = LiveView(stats, Extra)
    view.start()
    view.tick()
    print("one\ntwo", file=sys.stderr)
    print(long, file=sys.stderr)
    view.tick()
    sys.stderr.write("no line ")
    sys.stderr.write("end")
    view.stop()
    sent = terminal.getvalue()
    positions = [sent.index(text) for text in ("one\n", "two\n", long + "\n", "no line end\n")]
    assert positions == sorted(positions)


def test_a_forked_child_writes_past_the_view(stats, attach, still, monkeypatch):
    terminal = attach()
    view = LiveView(stats, Extra)
    view.start()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        sys.stderr.write("from the child")
    assert terminal.getvalue().endswith("from the child")
    view.stop()
    assert terminal.getvalue().count("from the child") == 1


def test_lines_are_cut_to_the_width_of_the_terminal(stats, attach, still):
    terminal = attach()
    view = LiveView(stats, lambda: Extra(idle="很" * 100))
    view.start()
    view.tick()
    view.stop()
    assert "很" * 30 in terminal.getvalue()
    assert "很" * 34 not in terminal.getvalue()  # two cells each, and room is left for "^C"


@pytest.mark.parametrize(("columns", "lines"), [("1", "1"), ("2", "50"), ("500", "1")])
def test_a_tiny_terminal_is_no_error(stats, attach, still, monkeypatch, columns, lines):
    terminal = attach()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    view = LiveView(stats, Extra)
    view.start()
    view.tick()
    print("log line", file=sys.stderr)
    view.tick()
    view.stop()
    assert "log line\n" in terminal.getvalue()


def test_a_view_that_fails_ends_alone_and_says_so(stats, attach, monkeypatch, caplog):
    terminal = attach()

    def fails():
        raise RuntimeError("no numbers")

    monkeypatch.setattr(live, "ON_TERMINAL", 0.001)
    view = LiveView(stats, fails)
    view.start()
    view._thread.join(10)
    assert sys.stderr is terminal
    assert "the live view has ended: RuntimeError('no numbers')" in caplog.text
    view.stop()


def test_rich_is_not_imported_where_there_is_no_terminal():
    code = """
        import sys
        from crawler.observe.live import Extra, LiveView
        from crawler.observe.stats import Stats
        view = LiveView(Stats(), Extra)
        view.start(); view.tick(); view.stop()
        sys.exit("rich" in sys.modules)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stderr=subprocess.PIPE, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_a_program_that_ends_without_stop_leaves_a_clean_terminal():
    import pty

    code = """
        import sys
        from crawler.observe.live import Extra, LiveView
        from crawler.observe.stats import Stats
        view = LiveView(Stats(), Extra)
        view.start()
        view.tick()
        print("printed", file=sys.stderr)
        raise KeyboardInterrupt
    """
    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    sent = b""
    try:
        while data := os.read(master, 65536):
            sent += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(master)
    process.wait(60)
    assert b"printed\r\n" in sent
    assert b"KeyboardInterrupt" in sent
    assert b"\x1b[?25l" not in sent
    assert sent.endswith(b"\x1b[2K")  # the last thing is the removal of the lines

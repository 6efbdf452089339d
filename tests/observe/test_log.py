import logging
import re
import sys

import pytest

from crawler.errors import OutputError
from crawler.observe.events import (
    Blocked,
    Dropped,
    Fetched,
    FetchFailed,
    Finished,
    ItemFailed,
    PageRead,
    ReadFailed,
    Redirected,
    Retried,
    Started,
    WorkerLost,
)
from crawler.observe.log import LogListener, StandardError, setup
from crawler.reading import PageError

LOGGER = logging.getLogger("crawler")


@pytest.fixture
def log():
    """`setup`, undone after the test."""
    undone = []

    def start(*arguments, **options):
        undone.append(setup(*arguments, **options))

    yield start
    for undo in reversed(undone):
        undo()


def test_a_line_has_time_level_and_message(log, capsys):
    log("info")
    LOGGER.warning("worker %d is gone", 3)
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning  worker 3 is gone\n", capsys.readouterr().err)


def test_lines_of_other_loggers_begin_with_their_name(log, capsys):
    log("info")
    logging.getLogger("maoyan").info("board %s", "4")
    logging.getLogger("crawler.engine").info("x")
    err = capsys.readouterr().err
    assert "info     maoyan: board 4\n" in err
    assert "info     x\n" in err


def test_nothing_goes_to_standard_output(log, capsys):
    log("debug")
    LOGGER.error("x")
    assert capsys.readouterr().out == ""


def test_the_level_is_a_threshold(log, capsys):
    log("warning")
    LOGGER.info("no")
    LOGGER.warning("yes")
    err = capsys.readouterr().err
    assert "yes" in err
    assert "no" not in err.replace("yes", "")


def test_libraries_do_not_talk_about_themselves(log, capsys):
    log("debug")
    logging.getLogger("urllib3.connectionpool").warning("Connection pool is full")
    assert capsys.readouterr().err == ""


def test_quiet_leaves_only_errors_on_the_terminal_and_everything_in_the_file(log, capsys, tmp_path):
    log("info", str(tmp_path / "log"), quiet=True)
    LOGGER.warning("careful")
    LOGGER.error("broken")
    err = capsys.readouterr().err
    assert "broken" in err
    assert "careful" not in err
    assert "careful" in (tmp_path / "log").read_text()


def test_a_message_cannot_forge_a_line_or_control_the_terminal(log, capsys):
    log("info")
    LOGGER.info("title: %s", "x\n12:00:00 info     all fine\x1b[2J")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "x\\n12:00:00 info     all fine\\x1b[2J" in err


def test_a_traceback_follows_indented(log, capsys):
    log("info")
    try:
        raise ValueError("bad\x1b[2J\n12:00:00 info forged")
    except ValueError:
        LOGGER.exception("it failed")
    head, *trace = capsys.readouterr().err.splitlines()
    assert head.endswith("error    it failed")
    assert trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in trace)
    assert trace[-2] == "    ValueError: bad\\x1b[2J"


def test_the_file_is_appended_to_and_has_the_date(log, tmp_path):
    path = tmp_path / "log"
    path.write_text("before\n")
    log("info", str(path))
    LOGGER.info("霸王别姬")
    before, line = path.read_text(encoding="utf-8").splitlines()
    assert before == "before"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info     霸王别姬", line)


def test_a_log_file_that_cannot_be_opened_is_an_output_error(tmp_path):
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(OutputError, match=r"cannot write the log .*: No such file or directory"):
        setup("info", str(tmp_path / "no" / "log"))
    assert logging.getLogger().handlers == handlers


def test_a_log_file_that_fails_later_is_told_once(log, capsys):
    log("info", "/dev/full") if sys.platform == "linux" else pytest.skip("/dev/full is a device of Linux")
    LOGGER.info("one")
    LOGGER.info("two")
    err = capsys.readouterr().err
    assert err.count("cannot write the log /dev/full any more: No space left on device") == 1
    assert "Traceback" not in err
    assert "two" in err


def test_a_closed_terminal_does_not_disturb(log, monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    log("info")
    monkeypatch.setattr(sys, "stderr", Gone())
    LOGGER.info("x")


def test_a_call_with_wrong_arguments_is_told(capsys):
    StandardError().handle(logging.makeLogRecord({"msg": "%d pages", "args": ("many",)}))
    assert "Logging error" in capsys.readouterr().err


def test_undo_puts_everything_back(capsys, tmp_path):
    root = logging.getLogger()
    before = list(root.handlers), root.level, LOGGER.level, logging.getLogger("urllib3").level
    undo = setup("debug", str(tmp_path / "log"))
    assert root.handlers != before[0]
    undo()
    assert (list(root.handlers), root.level, LOGGER.level, logging.getLogger("urllib3").level) == before


ERROR = PageError(
    "https://a.example/1", "parse", "KeyError", "'x'", "spiders/a.py:3", "Traceback\n  File a.py\nKeyError: 'x'"
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Started(("maoyan",), 2, "process"), "info     maoyan: started, 2 workers (process)"),
        (
            Fetched("https://a.example/1", "a.example", 200, 25_000, 0.25),
            "debug    https://a.example/1 answered 200, 25000 bytes in 0.250 s",
        ),
        (
            Redirected("https://a.example/1", "redirect: 302 to https://a.example/2"),
            "debug    followed: https://a.example/1: redirect: 302 to https://a.example/2",
        ),
        (
            PageRead("https://a.example/1", "parse", 10, 2),
            "debug    parse read https://a.example/1: items 10, requests 2",
        ),
        (
            FetchFailed("https://a.example/1", "timeout", "30 s", True),
            "warning  failed: https://a.example/1: timeout: 30 s",
        ),
        (
            FetchFailed("https://a.example/1", "status", "404", False),
            "info     failed: https://a.example/1: status: 404",
        ),
        (Retried("https://a.example/1", "timeout", 1.5), "info     again in 1.5 s: https://a.example/1: timeout"),
        (Dropped("https://b.example/", "scope: no"), "debug    dropped: https://b.example/: scope: no"),
        (Blocked("https://a.example/", "ban page", True), "warning  blocked: https://a.example/: ban page"),
        (ItemFailed("https://a.example/1", "dict.x: no"), "error    item not stored: https://a.example/1: dict.x: no"),
        (
            WorkerLost(1, "exit code -9", 3),
            "warning  worker 1 is gone (exit code -9); 3 requests go back to the frontier",
        ),
        (Finished("max_pages reached"), "info     ended: max_pages reached"),
    ],
)
def test_events_become_lines(log, capsys, event, line):
    log("debug")
    LogListener().hear(event)
    assert capsys.readouterr().err[9:] == line + "\n"


def test_a_page_error_comes_with_its_traceback(log, capsys):
    log("error")
    LogListener().hear(ReadFailed(ERROR))
    assert capsys.readouterr().err[9:].splitlines() == [
        "error    parse failed on https://a.example/1: KeyError: 'x' at spiders/a.py:3",
        "    Traceback",
        "      File a.py",
        "    KeyError: 'x'",
    ]


def test_the_traceback_of_one_line_of_code_is_shown_three_times(log, capsys):
    log("error")
    listener = LogListener()
    for _ in range(10):
        listener.hear(ReadFailed(ERROR))
    listener.hear(ReadFailed(PageError("", "parse", "ValueError", "", ERROR.where, ERROR.trace)))
    lines = capsys.readouterr().err.splitlines()
    assert sum("parse failed" in line for line in lines) == 11
    assert lines.count("    Traceback") == 4


@pytest.mark.parametrize(
    ("level", "heard", "not_heard"),
    [
        ("debug", {Fetched, PageRead, Dropped, Retried, Blocked}, set()),
        ("info", {Started, Retried, FetchFailed, Blocked}, {Fetched, PageRead, Dropped}),
        ("warning", {FetchFailed, Blocked, WorkerLost, ReadFailed}, {Started, Retried, Fetched}),
        ("error", {ReadFailed, ItemFailed}, {FetchFailed, Blocked, Started}),
    ],
)
def test_only_events_that_would_be_shown_are_heard(log, level, heard, not_heard):
    log(level)
    listener = LogListener()
    assert heard <= set(listener.hears)
    assert not not_heard & set(listener.hears)
    for event in (Fetched("https://a.example/", "a.example", 200, 1, 0.1), Finished("finished")):
        listener.hear(event)  # being told all the same does no harm


def test_what_is_said_of_a_whole_host_is_a_warning_once(log, capsys):
    log("debug")
    listener = LogListener()
    for url in ("http://a.example/1", "http://a.example/2", "http://b.example/1"):
        listener.hear(FetchFailed(url, "host", "given up after 5 failures", True))
    levels = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
    assert levels == ["warning", "debug", "warning"]

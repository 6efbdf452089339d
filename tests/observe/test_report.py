import json
from datetime import UTC, datetime

import pytest

from crawler.observe.report import FailedFetch, Place, Report, duration, size
from crawler.reading import PageError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def report(**fields):
    given = {"pages": 10, "by_status": {200: 10}, "item_count": 5, "seconds": 5.0, "reason": "finished"} | fields
    return Report(spiders=("maoyan",), started=NOON, ended=NOON, **given)


EMPTY = {"item_count": 0}
ERRORS = {"page_error_count": 2, "failed": 1, "item_errors": 1}
BLOCKED = {"blocked_count": 1, "blocked": [("https://a.example/", "verification page")]}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 0),
        (EMPTY, 3),
        (EMPTY | {"allow_empty": True}, 0),
        ({"page_error_count": 1}, 1),
        ({"failed": 1}, 1),
        ({"item_errors": 1}, 1),
        (ERRORS | {"max_errors": 3}, 1),
        (ERRORS | {"max_errors": 4}, 0),
        ({"failure_count": 3}, 0),  # 404s are counted, they are no errors
        (EMPTY | ERRORS, 1),
        (EMPTY | ERRORS | {"max_errors": 4}, 3),
        (BLOCKED, 0),
        (BLOCKED | EMPTY, 4),
        (BLOCKED | EMPTY | {"allow_empty": True}, 4),
        (BLOCKED | {"blocked_start": True}, 4),
        (BLOCKED | EMPTY | ERRORS, 4),
        ({"error_code": 2}, 2),
        (ERRORS | {"error_code": 2}, 2),
        (BLOCKED | EMPTY | {"error_code": 2}, 4),
        (BLOCKED | EMPTY | {"error_code": 5}, 5),
        (BLOCKED | EMPTY | {"error_code": 6}, 6),
        (ERRORS | {"error_code": 6, "ended_by": "SIGINT"}, 130),
        ({"ended_by": "SIGTERM"}, 143),
        ({"ended_by": "SIGHUP"}, 143),
        ({"ended_by": "stop"}, 143),
    ],
)
def test_the_first_reason_from_the_bottom_of_the_table_decides_the_exit_code(fields, code):
    made = report(**fields)
    assert made.exit_code == code
    assert made.ok == (code == 0)


def test_the_summary_of_a_good_run():
    text = report(
        pages=1200,
        by_status={404: 2, 200: 1198},
        bytes=3_100_000,
        seconds=125.0,
        outputs=("films.jsonl", "films.csv"),
        retried=3,
        dropped={"depth": 2, "scope": 38},
    ).summary()
    assert text == (
        "maoyan: finished after 2 min 05 s\n"
        "  pages    1,200 (9.6/s, 3.1 MB); by status 200: 1,198, 404: 2\n"
        "  items    5 in films.jsonl, films.csv\n"
        "  retried  3\n"
        "  dropped  40: 38 scope, 2 depth"
    )


def test_the_summary_of_a_bad_run():
    places = [Place("spiders/a.py:41", "KeyError", "'x'", "https://a.example/1", 3)]
    failures = [
        FailedFetch("https://a.example/404", "status", "404 Not Found", False),
        FailedFetch("https://a.example/2", "timeout", "30 s", True),
        FailedFetch("https://a.example/3", "timeout", "30 s", True),
    ]
    text = report(
        places=places,
        page_error_count=3,
        failures=failures,
        failure_count=3,
        failed=2,
        failures_by_kind={"status": 1, "timeout": 2},
        item_errors=4,
        item_places=[
            Place(
                "spiders/a.py:7",
                "Film.score",
                "Film.score = 'n/a' from parse: no at spiders/a.py:7",
                "https://a.example/2",
                3,
            ),
            Place("", "Film.cover: no", "Film.cover: no", "https://a.example/1", 1),
        ],
        items_dropped={"duplicate url": 12, "cheap": 1},
    ).summary()
    assert text.splitlines()[3:] == [
        "           13 dropped: 12 duplicate url, 1 cheap",
        "  errors   3 exceptions in spider code; those pages gave nothing",
        "    spiders/a.py:41  3 × KeyError: 'x'",
        "      first at https://a.example/1",
        "  errors   4 items could not be stored",
        "    3 × Film.score = 'n/a' from parse: no at spiders/a.py:7",
        "      first at https://a.example/2",
        "    Film.cover: no  https://a.example/1",
        "  failed   3 requests: 2 timeout, 1 status",
        "    2 × timeout: 30 s",
        "      first at https://a.example/2",
        "    1 × status: 404 Not Found",
        "      first at https://a.example/404",
        "exit code 1: 9 errors, and max_errors allows 0",
        "  every decision, page by page: run it again with -v",
    ]


def test_only_what_read_a_page_gave_nothing():
    def lines(*callbacks):
        places = [Place("a.py:1", "KeyError", "'x'", "", 1, callback) for callback in callbacks]
        return report(page_error_count=len(places), places=places).summary().splitlines()[3:-2]

    assert lines("start") == ["  errors   1 exception in spider code", "    a.py:1  1 × KeyError in start: 'x'"]
    assert lines("closing", "parse")[0] == (
        "  errors   2 exceptions in spider code; pages that were being read gave nothing"
    )
    assert lines("blocked")[0] == (
        "  errors   1 exception in spider code; where blocked raised, the page was read as any other"
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        (EMPTY, "no items"),
        (ERRORS, "4 errors, and max_errors allows 0"),
        (BLOCKED | EMPTY, "pages were blocked (verification page) and no item was found"),
        (BLOCKED | {"blocked_start": True}, "a start page was blocked (verification page)"),
        ({"error": "no space", "error_code": 5}, "no space"),
        ({"ended_by": "SIGINT"}, "ended by Ctrl-C"),
        ({"ended_by": "SIGHUP"}, "ended by SIGHUP"),
        ({"ended_by": "stop"}, "ended by crawl stop"),
    ],
)
def test_every_exit_code_but_0_has_a_sentence(fields, why):
    assert report(**fields).why == why


def test_a_run_that_was_verbose_is_not_told_to_be():
    assert "-v" in report(**EMPTY).summary()
    assert "-v" not in report(**EMPTY, verbose=True).summary()


def test_bodies_that_were_cut_are_told():
    assert "  cut      3 pages at fetch.max_body: the rest was not read\n" in report(truncated=3).summary()


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (("a.csv",), " in a.csv"),
        (("-",), " on standard output"),
        (("-", "a.csv", "b.csv"), " in a.csv, b.csv and on standard output"),
        ((), ""),
    ],
)
def test_where_the_items_are(outputs, told):
    assert f"  items    5{told}" in report(outputs=outputs).summary().splitlines()


def test_the_summary_of_a_blocked_run_says_what_can_be_done():
    text = report(**BLOCKED, blocked_start=True).summary()
    assert "  blocked  1 answer did not hold the page\n    verification page  https://a.example/\n" in text
    assert "nothing was done to get\n    around it" in text
    for advice in ("later", "--delay", "save the page"):
        assert advice in text
    assert "exit code 4: a start page was blocked" in text


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({}, "--pool inline"),
        ({"pages": 0, "by_status": {}, "dropped": {"scope": 3}}, "every request was dropped"),
        ({"pages": 0, "by_status": {}}, "check the start URLs"),
        ({"by_status": {404: 10}}, "none with a status of success"),
        ({"page_error_count": 1}, "the errors above"),
        ({"pages": 2, "no_pages": {"a PDF file declared as text/html": 2}}, "what arrived were files and no pages"),
        ({"pages": 3, "no_pages": {"a PDF file declared as text/html": 2}}, "--pool inline"),
        (
            {"dropped": {"content": 2}, "no_pages": {"a PDF file": 2}},
            "dropped  2: 2 content\n           2 × a PDF file\n",
        ),
    ],
)
def test_a_run_without_items_says_what_to_look_at(fields, advice):
    text = report(item_count=0, max_errors=0, **fields).summary()
    assert advice in text
    assert f"exit code {1 if 'page_error_count' in fields else 3}: " in text


def test_an_ended_run_says_by_what():
    assert "exit code 130: ended by Ctrl-C" in report(ended_by="SIGINT").summary()
    assert "exit code 143: ended by SIGTERM" in report(ended_by="SIGTERM").summary()
    assert "exit code 143: ended by crawl stop" in report(ended_by="stop").summary()


def test_a_broken_run_says_what_broke_it():
    text = report(error="cannot write out.csv: No space left on device", error_code=5).summary()
    assert text.endswith("exit code 5: cannot write out.csv: No space left on device")


def test_foreign_text_never_reaches_the_terminal_raw():
    nasty = "\x1b[2J\nexit code 0\u202e"
    text = report(
        reason=nasty,
        outputs=(nasty,),
        dropped={nasty: 1},
        places=[Place(nasty, "KeyError", nasty, nasty, 1)],
        page_error_count=1,
        failures=[FailedFetch(nasty, nasty, nasty, True)],
        failure_count=1,
        failures_by_kind={nasty: 1},
        item_errors=1,
        items_dropped={nasty: 1},
        item_places=[Place(nasty, nasty, nasty, nasty, 1), Place(nasty, nasty, nasty, nasty, 2)],
        blocked_count=1,
        blocked=[(nasty, nasty)],
        error=nasty,
        error_code=6,
    ).summary()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("exit code 0") for line in text.splitlines())


@pytest.mark.parametrize(
    "fields",
    [{"ended_by": "SIGINT"}, {"ended_by": "SIGTERM"}, {"ended_by": "stop"}, {"error_code": 5}, {"error_code": 6}],
)
def test_the_last_line_of_a_run_that_can_go_on_says_how(fields):
    told = report(**fields, error="full", run=".crawl/a b/1").summary().splitlines()[-1]
    assert told == "go on with it: crawl resume '.crawl/a b/1'"
    assert "resume" not in report(**fields, error="full").summary()  # without a folder there is nothing to go on with


@pytest.mark.parametrize("fields", [{}, EMPTY, ERRORS, BLOCKED | EMPTY, {"error_code": 2}])
def test_a_run_that_is_over_or_cannot_go_on_says_nothing_of_it(fields):
    assert "resume" not in report(**fields, run=".crawl/a/1").summary()


def test_as_json_it_has_the_exit_code_and_no_items():
    made = report(**ERRORS, items=[{"a": 1}], run="kept", error="猫 \udc80")
    told = json.loads(made.as_json().encode(errors="backslashreplace"))
    assert (told["exit_code"], told["pages"], told["by_status"], told["run"]) == (1, 10, {"200": 10}, "kept")
    assert (told["error"], told["started"]) == ("猫 \udc80", "2024-05-01T12:00:00Z")
    assert "items" not in told


def test_long_messages_and_long_lists_are_cut():
    text = report(
        places=[Place(f"a.py:{n}", "ValueError", "x" * 100_000, "https://a.example/", 1) for n in range(50)],
        page_error_count=50,
        page_errors=[PageError("u", "parse", "ValueError", "x")],
    ).summary()
    assert len(text) < 10_000
    assert "and 40 places more" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (125, "2 min 05 s"), (11_220, "3 h 07 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (812, "812 B"), (25_000, "25.0 kB"), (999_950, "1.0 MB"), (7e15, "7,000.0 TB")]
)
def test_sizes(count, text):
    assert size(count) == text

"""User code that takes too long is cut, whatever it does, and nothing else is."""

import dis
import logging
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest

from crawler.errors import StopNow
from crawler.request import Request
from crawler.response import Failure, Response
from crawler.spider import read, time_limit
from crawler.spider.base import Spider
from crawler.spider.read import read_blocked, read_closing, read_failure, read_page
from crawler.spider.time_limit import TimeLimit, TimeLimitExceeded, is_of_limit

# What is cut may be a finalizer that the garbage collector runs just then: Python shows that and goes on.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

URL = "https://example.com/films"
PAGE = Response(URL, 200, (), b"<p>" + b"<b>x</b>" * 20_000)
SHORT = 0.1
TOLD = "parse took longer than 0.1 s (crawl.parse_timeout)"


class Reader(Spider):
    """All of its code is what the test hands in."""

    def __init__(self, code):
        self.parse = self.failed = self.blocked = self.closing = code


def reading_of(parse, seconds=SHORT):
    return read_page(Reader(parse), PAGE, Request(URL), seconds=seconds)


def alarm_state():
    return signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0] > 0


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = alarm_state()
    yield
    assert alarm_state() == before


def line_of(function, offset):
    return f"test_time_limit.py:{function.__code__.co_firstlineno + offset}"


def sleeping(page):
    time.sleep(60)


def looping(page):
    while True: sum(range(100))  # fmt: skip  # noqa: E701


def matching(page):
    re.match(r"(?:a|a)+$", "a" * 100 + "b")


def waiting_for_a_thread(page):
    threading.Event().wait(60)


def yielding(page):
    while True: yield {"n": 1}  # fmt: skip  # noqa: E701


@pytest.mark.parametrize("parse", [sleeping, looping, matching, waiting_for_a_thread, yielding])
def test_what_never_ends_is_cut_and_told_with_its_line(parse):
    start = time.monotonic()
    reading = reading_of(parse)
    assert SHORT <= time.monotonic() - start < 1
    assert (reading.items, reading.requests) == ([], [])
    error = reading.error
    assert (error.kind, error.message, error.url, error.callback) == ("TimeoutError", TOLD, URL, "parse")
    assert error.where.endswith(line_of(parse, 1))
    assert error.trace.splitlines()[-1] == f"TimeoutError: {TOLD}"
    assert "time_limit.py" not in error.trace.replace("test_time_limit.py", "")


def endless():
    while True:
        sum(range(100))


def catching_all(page):
    while True:
        try:  # noqa: SIM105
            endless()
        except BaseException:
            pass


def catching_all_twice(page):
    while True:
        try:
            try:  # noqa: SIM105
                endless()
            except BaseException:
                pass
        except BaseException:
            pass


def catching_all_and_waiting(page):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            time.sleep(1000)


@pytest.mark.parametrize("parse", [catching_all, catching_all_twice, catching_all_and_waiting])
def test_who_catches_everything_is_cut_nevertheless(parse):
    start = time.monotonic()
    error = reading_of(parse).error
    assert (error.kind, error.message) == ("TimeoutError", TOLD)
    assert time.monotonic() - start < 10  # after half a second it is a matter of luck, and of milliseconds


def test_who_catches_it_and_goes_on_has_taken_too_long_all_the_same():
    def parse(page):
        try:  # noqa: SIM105
            time.sleep(60)
        except BaseException:
            pass
        return {"n": 1}

    reading = reading_of(parse)
    assert reading.items == []
    assert str(reading.error).startswith(f"TimeoutError: {TOLD} at ")
    assert reading.error.where.endswith(line_of(parse, 2))


def test_who_makes_another_exception_of_it_has_taken_too_long_all_the_same():
    def parse(page):
        try:
            time.sleep(60)
        except BaseException as error:
            raise ValueError("x") from error

    assert reading_of(parse).error.kind == "TimeoutError"


def test_a_call_into_a_c_library_is_an_error_once_it_returns():
    def parse(page):
        page.xpath("count(//b[count(//b) > 0][position() < 200])").get()
        yield {"n": 1}

    page = Response(URL, 200, (), b"<p>" + b"<b>x</b>" * 4_000)
    error = read_page(Reader(parse), page, Request(URL), seconds=0.01).error
    assert error.kind == "TimeoutError"
    assert error.where.endswith(line_of(parse, 1))


def test_iterators_written_in_c_are_cut_too():
    def parse(page):
        return map(re.compile(r"(?:a|a)+$").match, ["a" * 100 + "b"])

    error = reading_of(parse).error
    assert error.kind == "TimeoutError"
    assert error.where.endswith(line_of(parse, 0))


def test_clean_up_after_a_wrong_yield_is_under_the_limit():
    def parse(page):
        try:
            yield 5
        finally:
            time.sleep(60)

    assert reading_of(parse).error.kind == "TimeoutError"


def test_clean_up_of_the_user_gets_a_moment():
    done = []

    def parse(page):
        try:
            time.sleep(60)
        finally:
            time.sleep(0.02)
            done.append(1)

    assert reading_of(parse).error.kind == "TimeoutError"
    assert done


def test_the_limit_holds_for_failures_blocked_and_closing_as_well():
    spider = Reader(sleeping)
    failed = read_failure(spider, Failure(URL, "timeout"), Request(URL, on_failure="failed"), seconds=SHORT).error
    blocked = read_blocked(spider, PAGE, Request(URL), SHORT)
    closing = read_closing(spider, None, SHORT)
    for error, name in ((failed, "failed"), (blocked, "blocked"), (closing, "closing")):
        assert (error.kind, error.message) == ("TimeoutError", TOLD.replace("parse took", f"{name} took"))
        assert error.where.endswith(line_of(sleeping, 1))


def test_what_is_quick_is_not_touched():
    def parse(page):
        yield {"n": 1}
        yield page.follow("/2")

    reading = reading_of(parse, 60)
    assert (reading.error, reading.items, len(reading.requests)) == (None, [{"n": 1}], 1)


def test_without_a_limit_nobody_takes_the_alarm():
    def parse(page):
        yield {"handler": signal.getsignal(signal.SIGALRM)}

    unchanged = [{"handler": signal.getsignal(signal.SIGALRM)}]
    assert reading_of(parse, 0).items == unchanged
    assert reading_of(parse, 60).items != unchanged


# -- together with others ------------------------------------------------------------------------------------------


@pytest.fixture
def alarms():
    """An alarm of somebody else: `alarms` grows with each that comes."""
    came = []
    timer = signal.setitimer(signal.ITIMER_REAL, 0)  # of whoever runs the tests
    before = signal.signal(signal.SIGALRM, lambda *_: came.append(time.monotonic()))
    yield came
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    signal.setitimer(signal.ITIMER_REAL, *timer)


@pytest.mark.parametrize("parse", [sleeping, catching_all, lambda page: None])
def test_the_timer_of_somebody_else_goes_on(alarms, parse):
    signal.setitimer(signal.ITIMER_REAL, 50, 7)
    before = time.monotonic()
    reading_of(parse)
    taken = time.monotonic() - before
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 49.5 - taken < left <= 50 - taken + 0.01
    assert (interval, alarms) == (7, [])


def test_an_alarm_of_somebody_else_that_was_due_comes_afterwards(alarms, wait_until):
    signal.setitimer(signal.ITIMER_REAL, SHORT / 2)
    assert reading_of(sleeping).error.kind == "TimeoutError"
    wait_until(lambda: alarms, 1)
    assert len(alarms) == 1


def test_a_limit_inside_another_one():
    def parse(page):
        yield {"kind": reading_of(sleeping, 0.05).error.kind}

    assert reading_of(parse, 60).items == [{"kind": "TimeoutError"}]


@pytest.mark.parametrize("parse", [looping, sleeping, catching_all])
def test_the_end_of_the_run_goes_through(parse):
    def stop(number, frame):
        raise StopNow

    before = signal.signal(signal.SIGUSR2, stop)
    timer = threading.Timer(0.02, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR2))
    try:
        timer.start()
        if parse is catching_all:
            assert reading_of(parse).error.kind == "TimeoutError"  # it catches that as well
        else:
            with pytest.raises(StopNow):
                reading_of(parse, 60)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR2, before)


def test_outside_the_main_thread_it_is_only_said(caplog):
    readings = []
    thread = threading.Thread(target=lambda: readings.append(reading_of(lambda page: time.sleep(0.2))))
    with caplog.at_level(logging.WARNING, "crawler"):
        thread.start()
        thread.join()
    assert readings[0].error is None
    (record,) = caplog.records
    assert re.fullmatch(
        rf"parse of {URL} took 0\.\d s, longer than 0\.1 s \(crawl\.parse_timeout\); only the main thread can cut it",
        record.getMessage(),
    )


def test_outside_the_main_thread_nothing_is_said_of_what_is_quick(caplog):
    thread = threading.Thread(target=lambda: reading_of(lambda page: None, 60))
    thread.start()
    thread.join()
    assert not caplog.records


# -- at every moment -----------------------------------------------------------------------------------------------


class Steps:
    """Reads a page and calls `act(frame)` at the `number`th step of our own code.

    `looked_at`: only steps at which Python itself looks whether there was a signal: where a function begins, after a
    call into C, where a loop jumps back.
    """

    FILES = (read.__file__, time_limit.__file__)

    def __init__(self, number, act, looked_at=False):
        self.number, self.act, self.looked_at = number, act, looked_at
        self.seen = 0
        self.last = None, ""
        before = sys.gettrace()
        sys.settrace(self.trace)
        try:
            self.reading = reading_of(self.parse, 60)
        finally:
            sys.settrace(before)

    def parse(self, page):
        yield {"n": 1}
        yield page.follow("/2")

    def trace(self, frame, event, argument):
        if frame.f_code.co_filename not in self.FILES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            begins_or_jumps = name in ("RESUME", "JUMP_BACKWARD")
            has_called = self.last[0] is frame and self.last[1].startswith("CALL")
            self.last = frame, name
            if begins_or_jumps or has_called or not self.looked_at:
                self.seen += 1
                if self.seen == self.number:
                    self.act(frame)
        return self.trace


traced = pytest.mark.skipif((3, 12) <= sys.version_info < (3, 13), reason="traces no steps of functions that run")


@traced
def test_an_alarm_at_any_step_of_our_own_code_harms_nothing():
    def alarm(frame):
        handler = signal.getsignal(signal.SIGALRM)
        if getattr(handler, "__func__", None) is TimeLimit._alarm:
            limit = handler.__self__
            start, limit._start = limit._start, float("-inf")  # its time is over
            try:
                handler(signal.SIGALRM, frame)
            finally:
                limit._start = start

    before = alarm_state()
    kinds = []
    for number in range(1, Steps(0, None).seen + 1):
        reading = Steps(number, alarm).reading
        assert alarm_state() == before, number
        assert reading.error or (len(reading.items), len(reading.requests)) == (1, 1)
        kinds.append(reading.error and reading.error.kind)
    assert set(kinds) == {None, "TimeoutError"}
    assert len(kinds) > 200


@traced
def test_the_end_of_the_run_at_any_step_of_our_own_code_leaves_no_timer():
    def stop(frame):
        if not is_of_limit(frame):
            raise StopNow

    before = alarm_state()
    stopped = 0
    for number in range(1, Steps(0, None, looked_at=True).seen + 1):
        try:
            Steps(number, stop, looked_at=True)
        except StopNow:
            stopped += 1
        assert alarm_state() == before, number
    assert stopped > 10


def test_other_threads_have_their_turn_while_a_pattern_never_ends():
    turns = []
    over = threading.Event()

    def count():
        while not over.wait(0.001):
            turns.append(time.monotonic())

    thread = threading.Thread(target=count)
    thread.start()
    before = alarm_state()
    error = reading_of(lambda page: re.match("(a|a)+$", "a" * 100 + "b"), 2.2).error
    over.set()
    thread.join()
    assert error.kind == "TimeoutError"
    assert alarm_state() == before
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert 0.3 < max(gaps) < 1.5
    assert sum(gap > 0.3 for gap in gaps) >= 3


def test_an_alarm_at_any_time_gives_a_whole_page_or_an_error():
    dice = Random(1)
    outcomes = set()

    def parse(page):
        for number in range(20):
            yield {"n": number}
            sum(range(dice.randrange(500)))

    before = alarm_state()
    for _ in range(2000):
        reading = reading_of(parse, dice.uniform(1e-6, 300e-6))
        assert alarm_state() == before
        assert (reading.error is None) == (len(reading.items) == 20)
        outcomes.add(reading.error and reading.error.kind)
    assert outcomes == {None, "TimeoutError"}


def test_used_alone_it_raises():
    with pytest.raises(TimeLimitExceeded, match="work took longer than"), TimeLimit(0.05, "work"):
        endless()


def test_a_limit_may_begin_again_for_each_of_several_calls():
    begun = time.monotonic()
    with TimeLimit(SHORT, "a pipeline") as limit:
        while time.monotonic() - begun < 1.5 * SHORT:
            sum(range(100))
            limit.renew()


def test_a_limit_that_begins_again_cuts_all_the_same():
    def two_calls(limit):
        limit.renew()
        endless()

    with pytest.raises(TimeLimitExceeded), TimeLimit(SHORT, "a pipeline") as limit:
        two_calls(limit)


def test_who_caught_it_is_told_when_the_limit_begins_again():
    def catching(limit):
        with suppress(TimeLimitExceeded):
            endless()
        limit.renew()

    with pytest.raises(TimeLimitExceeded), TimeLimit(SHORT, "a pipeline") as limit:
        catching(limit)

"""Items of a page and the code of the user they go through: errors of one item, with the line to look at."""

import time

import pytest

from crawler import Request, Spider
from crawler.errors import SpiderLoadError, StopNow
from crawler.item import DropItem, WrongItem
from crawler.response import Response
from crawler.spider.read import read_page
from crawler.spider.read_items import build_stages, close_pipelines, open_pipelines

URL = "https://a.example/1"


class Stages:
    """Stages made of functions. `forgotten` are the keys it was told to forget."""

    at = "Fake"
    runs_user_code = True

    def __init__(self, check=None, process=None, opens=None, closes=()):
        self.checks = check is not None
        self.has_pipelines = process is not None
        self.check = check
        self._process = process
        self._opens = opens
        self._closes = closes
        self.forgotten = []

    def open(self, spider, number, is_stored):
        self._opens()

    def process(self, item, page, keys, dropped):
        keys.append(item["n"])
        return self._process(item, page, dropped)

    def forget(self, keys):
        self.forgotten += [key for own in keys for key in own]

    def close(self, failed):
        for close in self._closes:
            try:
                close()
            except BaseException as error:
                failed(error)


def read(values, seconds=0.0, **stages):
    class Site(Spider):
        def parse(self, page):
            yield from values()

    spider = Site()
    spider.item_stages = Stages(**stages)
    reading = read_page(spider, Response(URL, 200), Request(URL), seconds=seconds)
    return reading, spider.item_stages


def three():
    yield {"n": 1}
    yield {"n": 2}  # the line that is told
    yield {"n": 3}


LINE = three.__code__.co_firstlineno + 2
HERE = __file__.rpartition("/")[2]


def only_odd(item):
    if item["n"] == 2:
        raise WrongItem("Film.n", "it is even", "2")
    return item


def test_a_wrong_item_is_left_out_and_told_with_the_line_that_yielded_it():
    reading, _ = read(three, check=only_odd)
    assert [item["n"] for item in reading.items] == [1, 3]
    (error,) = reading.item_errors
    assert str(error).startswith("Film.n = 2 from parse: it is even at ")
    assert error.where.endswith(f"{HERE}:{LINE}")
    assert error.trace == ""
    assert reading.error is None


def test_code_of_the_user_that_found_it_out_is_told_instead():
    def check(item):
        try:
            1 / (item["n"] - 2)
        except ZeroDivisionError as error:
            raise WrongItem("n", "ZeroDivisionError: division by zero") from error
        return item

    reading, _ = read(three, check=check)
    (error,) = reading.item_errors
    assert error.where.endswith(f"{HERE}:{check.__code__.co_firstlineno + 2}")
    assert error.trace.startswith("Traceback")


def test_an_item_may_be_dropped_while_it_is_checked():
    def check(item):
        raise DropItem("too small" if item["n"] == 1 else "")

    reading, _ = read(three, check=check)
    assert (reading.items, reading.item_errors) == ([], [])
    assert reading.dropped == ["too small", "by its class", "by its class"]


def test_items_are_checked_when_they_are_yielded():
    """A spider that yields one dict again and again, changed, means what it was at that moment."""

    def again():
        item = {}
        for number in (1, 2):
            item["n"] = number
            yield item

    reading, _ = read(again, check=dict)
    assert [item["n"] for item in reading.items] == [1, 2]


def test_a_callback_that_raises_gives_no_errors_of_items_either():
    def fails():
        yield {"n": 2}
        raise KeyError("x")

    seen = []
    reading, _ = read(fails, check=only_odd, process=lambda item, page, dropped: seen.append(item))
    assert reading.error is not None
    assert (reading.items, reading.item_errors, seen) == ([], [], [])


def test_what_pipelines_make_of_an_item_is_stored_with_its_keys():
    def process(item, page, dropped):
        assert page.url == URL
        if item["n"] == 2:
            dropped.append("even")
            return []
        return [item, {"of": item["n"]}]

    reading, stages = read(three, process=process)
    assert reading.items == [{"n": 1}, {"of": 1}, {"n": 3}, {"of": 3}]
    assert reading.keys == [(1,), (), (3,), ()]
    assert reading.dropped == ["even"]
    assert stages.forgotten == [2]


def test_a_pipeline_that_raises_spoils_one_item():
    def process(item, page, dropped):
        dropped.append("half")
        return [item] if 1 / (item["n"] - 2) else []

    reading, stages = read(three, process=process)
    assert [item["n"] for item in reading.items] == [1, 3]
    (error,) = reading.item_errors
    assert str(error).startswith("dict in Fake from parse: ZeroDivisionError: division by zero at ")
    assert error.where.endswith(f"{HERE}:{process.__code__.co_firstlineno + 2}")
    assert f'line {process.__code__.co_firstlineno + 2}, in process\n    return [item] if 1 / (item["n"]' in error.trace
    assert stages.forgotten == [2]
    assert reading.dropped == ["half", "half"]


def test_a_pipeline_that_hangs_is_cut_and_the_other_items_go_on():
    def process(item, page, dropped):
        while item["n"] == 2:
            time.sleep(0)
        return [item]

    reading, stages = read(three, process=process, seconds=0.02)
    assert [item["n"] for item in reading.items] == [1, 3]
    (error,) = reading.item_errors
    assert "TimeoutError: a pipeline took longer than 0.02 s (crawl.parse_timeout)" in str(error)
    assert f"{HERE}:" in error.where
    assert stages.forgotten == [2]


def test_each_item_has_the_time_for_itself():
    def process(item, page, dropped):
        begun = time.monotonic()
        while time.monotonic() - begun < 0.12:
            pass
        return [item]

    reading, _ = read(three, process=process, seconds=0.3)
    assert len(reading.items) == 3


@pytest.mark.parametrize("moment", ["check", "process"])
def test_the_end_of_the_run_goes_through(moment):
    def stop(*_):
        raise StopNow

    with pytest.raises(StopNow):
        read(three, **{moment: stop})


def test_sys_exit_in_a_pipeline_is_an_error_of_an_item():
    def leave(*_):
        raise SystemExit(3)

    reading, _ = read(three, process=leave)
    assert [error.message for error in reading.item_errors] == ["SystemExit: 3"] * 3


def fail():
    raise ConnectionError("no database")


def test_a_pipeline_that_cannot_be_made_or_opened_ends_the_run_before_it_begins():
    with pytest.raises(SpiderLoadError, match=rf"{HERE}:\d+: Fake failed: ConnectionError: no database") as caught:
        open_pipelines(Stages(opens=fail), None, 0, lambda _: False, 0.0)
    assert "in fail" in caught.value.trace
    with pytest.raises(SpiderLoadError, match="a pipeline cannot be made: ConnectionError"):
        build_stages(fail)


def test_opening_has_a_time_limit():
    def hang():
        while True:
            time.sleep(0)

    with pytest.raises(SpiderLoadError, match="TimeoutError: open took longer than"):
        open_pipelines(Stages(opens=hang), None, 0, lambda _: False, 0.02)


def test_what_closing_raises_is_told():
    (error,) = close_pipelines(Stages(closes=[fail, lambda: None]), 0.0)
    assert (error.callback, str(error).partition(" at ")[0]) == ("close", "ConnectionError: no database")


def test_a_pipeline_that_does_not_close_is_told_once():
    def hang():
        while True:
            pass

    (error,) = close_pipelines(Stages(closes=[hang]), 0.05)
    assert (error.callback, error.kind) == ("close", "TimeoutError")
    assert HERE in error.where

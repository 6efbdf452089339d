from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import StopNow, UsageError
from crawler.reading import PageError, Reading
from crawler.request import Request
from crawler.response import Failure, Response
from crawler.spider.base import Spider
from crawler.spider.load import load
from crawler.spider.page import Page
from crawler.spider.read import read_blocked, read_closing, read_failure, read_page, read_start

URL = "https://example.com/films"


@dataclasses.dataclass
class Film:
    title: str


class Reader(Spider):
    """Its parse is whatever the test hands in."""

    def __init__(self, parse: Any) -> None:
        self._parse = parse

    def parse(self, page: Page) -> Any:
        return self._parse(page)


def reading_of(parse: Any, request: Request | None = None, max_yields: int = 1000) -> Reading:
    return read_page(Reader(parse), Response(URL, 200, (), b"<a href=/1>"), request or Request(URL), max_yields)


def error_of(parse: Any, max_yields: int = 1000) -> PageError:
    reading = reading_of(parse, max_yields=max_yields)
    assert reading.error is not None
    assert (reading.items, reading.requests) == ([], [])
    assert (reading.error.url, reading.error.callback) == (URL, "parse")
    return reading.error


def line_of(function: Any, offset: int) -> str:
    return f"test_read.py:{function.__code__.co_firstlineno + offset}"


def test_a_generators_yields_are_collected_in_order() -> None:
    def parse(page: Page) -> Any:
        yield {"n": 1}
        yield page.follow("/2")
        yield Film("a")
        yield from page.links() and [page.follow("/3")]

    reading = reading_of(parse)
    assert reading.error is None
    assert reading.items == [{"n": 1}, Film("a")]
    assert [request.url for request in reading.requests] == ["https://example.com/2", "https://example.com/3"]


def test_an_item_that_is_used_again_is_what_it_was_when_it_was_yielded() -> None:
    def parse(page: Page) -> Any:
        film, row = Film("a"), {"tags": ["x"]}
        yield film
        yield row
        film.title = "b"
        row["tags"].append("y")
        yield film
        yield row

    assert reading_of(parse).items == [Film("a"), {"tags": ["x"]}, Film("b"), {"tags": ["x", "y"]}]


@pytest.mark.parametrize(
    ("result", "items", "urls"),
    [
        (None, 0, 0), ([], 0, 0), ({"a": 1}, 1, 0), (Film("a"), 1, 0), ([{"a": 1}, Request(URL)], 1, 1),
        (Request(URL), 0, 1), (({"a": n} for n in range(3)), 3, 0), ({}, 1, 0), (map(Film, "ab"), 2, 0),
    ],
)  # fmt: skip
def test_a_callback_may_also_return_things(result: Any, items: int, urls: int) -> None:
    reading = reading_of(lambda page: result)
    assert reading.error is None
    assert (len(reading.items), len(reading.requests)) == (items, urls)


def test_requests_stay_as_they_were_yielded() -> None:
    constant = Request(URL + "/own", depth=9, jar="own", data=1, priority=5)
    reading = reading_of(lambda page: [page.follow("/1"), constant], Request(URL, depth=3))
    assert reading.requests == [Request("https://example.com/1"), constant]


class Detail(Request, frozen=True):
    """A request of the user's own kind."""


def test_a_request_of_the_users_own_class_is_one() -> None:
    asked = Detail("https://example.com/1", callback="parse", data={"rank": 1})
    reading = reading_of(lambda page: [asked, {"n": 1}])
    assert (reading.items, reading.requests) == ([{"n": 1}], [Request(asked.url, callback="parse", data={"rank": 1})])
    spider = Reader(None)
    spider.start = lambda: [asked]  # type: ignore[method-assign]
    (start,) = read_start(spider)
    assert start == Request(asked.url, callback="parse", data={"rank": 1})


def test_the_callback_of_the_request_is_called() -> None:
    class Named(Spider):
        def parse_film(self, page: Page) -> Any:
            yield {"data": page.data}

    reading = read_page(Named(), Response(URL, 200), Request(URL, "parse_film", data=7))
    assert reading.items == [{"data": 7}]


def test_a_missing_callback_is_a_page_error() -> None:
    reading = read_page(Spider(), Response(URL, 200), Request(URL, "nothing"))
    assert reading.error is not None
    assert (reading.error.kind, reading.error.callback) == ("UsageError", "nothing")
    assert "no callback 'nothing'" in reading.error.message
    assert "write def nothing(self, page)" in reading.error.message


def test_an_exception_leaves_nothing_of_the_page_but_the_error() -> None:
    def parse(page: Page) -> Any:
        yield {"n": 1}
        yield page.follow("/1")
        helper()

    def helper() -> None:
        raise KeyError("title")

    error = error_of(parse)
    assert (error.kind, error.message) == ("KeyError", "'title'")
    assert error.where.endswith(line_of(helper, 1))
    assert "read.py" not in error.trace.replace("test_read.py", "")
    assert error.trace.splitlines()[0] == "Traceback (most recent call last):"


@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError, StopIteration, BaseException]
)
def test_whatever_user_code_raises_is_a_page_error(kind: type[BaseException]) -> None:
    def parse(page: Page) -> Any:
        raise kind("x")

    assert error_of(parse).kind == kind.__name__

    def parse_lazily(page: Page) -> Any:
        yield {"n": 1}
        raise kind("x")

    assert error_of(parse_lazily).kind in (kind.__name__, "RuntimeError")


def test_endless_recursion_is_a_page_error() -> None:
    def parse(page: Page) -> Any:
        return parse(page)

    assert error_of(parse).kind == "RecursionError"


def test_an_exception_that_cannot_be_shown_is_a_page_error() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise SystemExit

    def parse(page: Page) -> Any:
        raise OddError

    assert error_of(parse).kind == "OddError"


def test_the_crawlers_own_stop_goes_through() -> None:
    def parse(page: Page) -> Any:
        yield {"n": 1}
        raise StopNow

    def stop(_: Any) -> Any:
        yield Request(URL)
        raise StopNow

    with pytest.raises(StopNow):
        reading_of(parse)
    with pytest.raises(StopNow):
        list(read_start(Starter(stop)))
    with pytest.raises(StopNow):
        read_closing(Starter(stop), None)


def test_a_callback_with_the_wrong_arguments_is_placed_at_its_definition() -> None:
    class Wrong(Spider):
        def parse(self) -> Any:  # type: ignore[override]
            return None

    error = read_page(Wrong(), Response(URL, 200), Request(URL)).error
    assert error is not None
    assert error.kind == "TypeError"
    assert error.where.endswith(line_of(Wrong.parse, 0))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "parse yielded None"),
        (3, "parse yielded int 3: a callback yields items"),
        ("https://example.com/", "to fetch it, yield page.follow(...)"),
        ([{"a": 1}], "use yield from"),
        (iter("x"), "use yield from"),
        (dict, "parse yielded type <class 'dict'>"),
        ("x" * 10_000, "..."),
    ],
)
def test_a_yield_that_is_neither_item_nor_request_is_told_with_its_line(value: Any, said: str) -> None:
    def parse(page: Page) -> Any:
        yield {"n": 1}
        yield value

        yield {"n": 2}

    reading = reading_of(parse)
    assert (reading.items, reading.error) == ([{"n": 1}, {"n": 2}], None)
    (error,) = reading.item_errors
    assert said in error.message
    assert len(str(error)) < 300
    assert error.where.endswith(line_of(parse, 2))


def test_the_line_is_that_of_the_innermost_generator() -> None:
    def inner() -> Any:
        yield 3

    def parse(page: Page) -> Any:
        yield from inner()

    (error,) = reading_of(parse).item_errors
    assert error.where.endswith(line_of(inner, 1))


def test_a_callback_that_yields_nothing_of_use_is_an_error() -> None:
    assert len(reading_of(lambda page: ["x"] * 100).item_errors) == 100
    error = error_of(lambda page: ["x"] * 101)
    assert (error.kind, "parse yielded str 'x'" in error.message) == ("TypeError", True)


def test_a_value_that_cannot_be_shown_is_told_by_its_type() -> None:
    class Hidden:
        def __repr__(self) -> str:
            raise SystemExit

    (error,) = reading_of(lambda page: [Hidden()]).item_errors
    assert "Hidden" in error.message


@pytest.mark.parametrize("result", ["text", b"bytes", 3, object()])
def test_a_returned_value_nobody_can_use_is_told(result: Any) -> None:
    error = error_of(lambda page: result)
    assert error.kind == "TypeError"
    assert f"parse returned {type(result).__name__}" in error.message
    assert "test_read.py:" in error.where


def test_async_callbacks_are_told_to_be_plain() -> None:
    async def coroutine(page: Page) -> None: ...

    async def generator(page: Page) -> Any:
        yield {}

    assert "write a plain def" in error_of(coroutine).message
    assert "write a plain def" in error_of(generator).message


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("/relative", "ValueError", "use page.follow('/relative', ...)"),
        ("relative?a=http://x", "ValueError", "only http and https"),
        ("ftp://example.com/", "ValueError", "only http and https can be fetched"),
        ("mailto:a@b.example", "ValueError", "use page.follow"),
        (None, "TypeError", "a Request whose url is None"),
    ],
)
def test_a_request_that_cannot_be_fetched_is_told_with_its_line(url: Any, kind: str, said: str) -> None:
    def parse(page: Page) -> Any:
        yield Request(url)

    error = error_of(parse)
    assert error.kind == kind
    assert said in error.message
    assert error.where.endswith(line_of(parse, 1))


def test_the_scheme_may_be_in_capitals() -> None:
    assert len(reading_of(lambda page: Request("HTTPS://example.com/")).requests) == 1


def test_a_callback_that_never_ends_is_cut() -> None:
    closed = []

    def parse(page: Page) -> Any:
        try:
            while True:
                yield {"n": 1}
        finally:
            closed.append(True)

    error = error_of(parse, max_yields=50)
    assert error.kind == "OverflowError"
    assert "more than 50" in error.message
    assert error.where.endswith(line_of(parse, 3))
    assert closed == [True]
    assert len(reading_of(lambda page: [{}] * 50, max_yields=50).items) == 50


def test_clean_up_that_misbehaves_changes_nothing() -> None:
    def parse(page: Page) -> Any:
        try:
            yield from [3] * 101
        finally:
            yield 4

    assert error_of(parse).kind == "TypeError"


def test_a_failure_goes_to_on_failure() -> None:
    class Patient(Spider):
        def failed(self, failure: Failure) -> Any:
            assert failure.request is not None
            yield {"why": str(failure), "url": failure.request.url}
            yield failure.request.replace(again=True)

    failure = Failure(URL, "timeout", "60 s")
    reading = read_failure(Patient(), failure, Request(URL, on_failure="failed", depth=1))
    assert reading.error is None
    assert reading.items == [{"why": "timeout: 60 s", "url": URL}]
    assert len(reading.requests) == 1
    assert read_failure(Patient(), failure, Request(URL)) == Reading()
    broken = read_failure(Patient(), failure, Request(URL, on_failure="nothing"))
    assert broken.error is not None
    assert broken.error.callback == "nothing"


class Starter(Spider):
    def __init__(self, start: Any) -> None:
        self._start = start

    def parse(self, page: Page) -> None: ...

    def start(self) -> Any:
        return self._start(None)

    def closing(self, report: Any) -> Any:
        return list(self._start(report))


def test_start_is_read_as_far_as_needed() -> None:
    def endless(_: Any) -> Any:
        n = 0
        while True:
            yield Request(f"{URL}/{n}", depth=3, spider=7, parent="x")
            n += 1

    requests = read_start(Starter(endless), 2)
    assert next(requests) == Request(f"{URL}/0", spider=2)
    assert next(requests) == Request(f"{URL}/1", spider=2)
    requests.close()  # type: ignore[attr-defined]


def test_start_may_return_a_list_or_nothing() -> None:
    assert list(read_start(Starter(lambda _: [Request(URL)]))) == [Request(URL)]
    assert list(read_start(Starter(lambda _: None))) == []
    assert list(read_start(Starter(lambda _: Request(URL)))) == [Request(URL)]


def test_what_start_raises_comes_last() -> None:
    def start(_: Any) -> Any:
        yield Request(URL)
        raise SystemExit("over")

    request, error = read_start(Starter(start))
    assert request == Request(URL)
    assert isinstance(error, PageError)
    assert (error.kind, error.message, error.callback) == ("SystemExit", "over", "start")
    assert error.where.endswith(line_of(start, 2))


@pytest.mark.parametrize("value", [{"item": 1}, "https://example.com/", Request("/relative"), None])
def test_start_can_only_yield_requests(value: Any) -> None:
    def start(_: Any) -> Any:
        yield value

    (error,) = read_start(Starter(start))
    assert isinstance(error, PageError)
    assert error.message.startswith("start yielded ")
    if not isinstance(value, Request):
        assert error.message.endswith(': it can only yield requests, such as Request("https://…")')
    assert error.where.endswith(line_of(start, 1))


def test_a_start_that_cannot_be_used_does_not_end_the_others() -> None:
    def start(_: Any) -> Any:
        yield Request("example.com/a")
        yield Request(f" {URL}\n")
        yield 5

    first, request, last = read_start(Starter(start))
    assert isinstance(first, PageError)
    assert isinstance(last, PageError)
    assert (first.url, first.kind) == ("example.com/a", "ValueError")
    assert "it has to begin with https://" in first.message
    assert first.where.endswith(line_of(start, 1))
    assert request == Request(f" {URL}\n")
    assert (last.url, last.kind) == ("", "TypeError")
    assert last.where.endswith(line_of(start, 3))


def test_closing_is_called_and_its_error_told() -> None:
    reports: list[Any] = []

    def fail(report: Any) -> Any:
        raise UsageError("no", hint="say yes")

    assert read_closing(Starter(lambda report: reports.append(report) or []), "report") is None
    assert reports == ["report"]
    error = read_closing(Starter(fail), "report")
    assert error is not None
    assert (error.kind, error.message, error.callback) == ("UsageError", "no (say yes)", "closing")
    assert error.where.endswith(line_of(fail, 1))


@pytest.mark.parametrize(
    ("answer", "said"), [(False, False), (None, False), ("", ""), (1, True), ("ban page", "ban page")]
)
def test_blocked_answers_yes_no_or_what_it_is(answer: Any, said: Any) -> None:
    class Suspicious(Spider):
        def blocked(self, page: Page) -> Any:
            assert page.url == URL
            return answer

    assert read_blocked(Suspicious(), Response(URL, 200), Request(URL)) == said


def test_what_blocked_raises_is_told() -> None:
    class Suspicious(Spider):
        def blocked(self, page: Page) -> Any:
            raise KeyboardInterrupt if page.status == 200 else StopNow

    error = read_blocked(Suspicious(), Response(URL, 200), Request(URL))
    assert isinstance(error, PageError)
    assert (error.kind, error.url, error.callback) == ("KeyboardInterrupt", URL, "blocked")
    assert error.where.endswith(line_of(Suspicious.blocked, 1))
    with pytest.raises(StopNow):
        read_blocked(Suspicious(), Response(URL, 503), Request(URL))


@pytest.mark.parametrize(
    "fields",
    [
        {"data": object()},
        {"priority": "high"},
        {"body": {"a": 1}},
        {"method": None},
        {"timeout": "x"},
        {"headers": {"a": 1}},
    ],
)
def test_a_request_that_cannot_be_stored_or_sent_is_a_page_error(fields: dict[str, Any]) -> None:
    reading = reading_of(lambda page: [page.follow("/good"), page.follow("/bad", **fields)])
    assert reading.error is not None
    assert reading.error.kind == "TypeError"
    assert reading.requests == []


def test_a_callback_that_is_not_there_is_told_at_the_yield() -> None:
    def parse(page: Page) -> Any:
        yield {"n": 1}
        yield page.follow("/2", callback="parse")
        yield page.follow("/3", callback="prase")

    error = error_of(parse)
    assert error.kind == "AttributeError"
    assert error.message.startswith("parse yielded a Request for https://example.com/3, but spider Reader has no ")
    assert "callback 'prase'; callbacks are methods of the spider or functions of its file" in error.message
    assert error.where.endswith(line_of(parse, 3))

    def start(_: Any) -> Any:
        yield Request(URL, on_failure="faield")
        yield Request(URL)

    first, request = read_start(Starter(start))
    assert isinstance(first, PageError)
    assert "has no callback 'faield'" in first.message
    assert first.where.endswith(line_of(start, 1))
    assert request == Request(URL)


def test_a_request_that_nobody_could_read_is_told_at_the_yield() -> None:
    class Typo(Spider):
        def start(self) -> Any:
            yield Request(URL)

        def prase(self, page: Page) -> None: ...

    (error,) = read_start(Typo())
    assert isinstance(error, PageError)
    assert error.message == "start yielded a Request without a callback, and spider Typo has no parse(self, page)"
    assert error.where.endswith(line_of(Typo.start, 1))


def test_one_that_nobody_could_read_is_told_behind_others_that_somebody_can() -> None:
    class Typo(Spider):
        def read(self, page: Page) -> Any:
            yield Request(f"{URL}/1", self.read)
            yield Request(f"{URL}/2")

    error = read_page(Typo(), Response(URL, 200), Request(URL, "read")).error
    assert error is not None
    assert error.message == "read yielded a Request without a callback, and spider Typo has no parse(self, page)"


@pytest.mark.parametrize("raising", ["start", "blocked", "closing"])
def test_an_exception_in_a_module_is_told_from_the_users_file_on(tmp_path: Path, raising: str) -> None:
    path = tmp_path / "films.py"
    path.write_text(f"start_urls = []\n\ndef parse(page): ...\n\ndef {raising}(*given):\n    return 1 / 0\n")
    spider = load(str(path), {})
    error: Any
    if raising == "start":
        (error,) = read_start(spider)
    elif raising == "blocked":
        error = read_blocked(spider, Response(URL, 200), Request(URL))
    else:
        error = read_closing(spider, None)
    assert error.where == f"{path}:6"
    assert error.trace.splitlines()[1] == f'  File "{path}", line 6, in {raising}'


def test_what_a_list_of_a_module_holds_is_told_with_its_function(tmp_path: Path) -> None:
    path = tmp_path / "films.py"
    path.write_text("from crawler import Request\n\ndef parse(page): ...\n\ndef start():\n    return [Request('/a')]\n")
    (error,) = read_start(load(str(path), {}))
    assert isinstance(error, PageError)
    assert error.where == f"{path}:5"


def test_no_line_of_ours_is_named_where_the_user_wrote_none() -> None:
    class Plain(Spider):
        start_urls = ["/a"]

        def parse(self, page: Page) -> None: ...

    (error,) = read_start(Plain())
    assert isinstance(error, PageError)
    assert error.where == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cookies": {"a": "x; b=2"}}, "the cookie 'a'"),
        ({"cookies": {"a b": "x"}}, "the cookie 'a b'"),
        ({"headers": {"X-Name": "中"}}, "header field 'X-Name'"),
        ({"method": ""}, "`$.method`"),
        ({"method": "GET /"}, "`$.method`"),
    ],
)
def test_what_no_request_can_have_is_told_with_its_name(fields: dict[str, Any], said: str) -> None:
    reading = reading_of(lambda page: [Request("https://a.example/", **fields)])
    assert reading.error is not None
    assert said in reading.error.message
    reading = reading_of(
        lambda page: [Request("https://a.example/", cookies={"a": 'x, "y" é'}, headers={"X": "é"}, method="PURGE")]
    )
    assert reading.error is None

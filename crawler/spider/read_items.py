"""Items and code of the user that they go through: what it raises becomes an `ItemError`, for one item and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crawler.errors import CrawlError, SpiderLoadError
from crawler.item import DropItem, WrongItem
from crawler.protocols import Stages
from crawler.reading import ItemError, PageError, Reading
from crawler.spider.time_limit import TimeLimit, TimeLimitExceeded
from crawler.spider.trace import message_of, passes, tell


def checked(
    stages: Stages, item: Any, callback: str, where: Callable[[], str], errors: list[ItemError], dropped: list[str]
) -> Any:
    """The item as it is declared, or None if it is not to be stored: why is added to `errors` or `dropped`.

    `where` gives the line that yielded it. Runs inside the time limit of the callback.
    """
    try:
        return stages.check(item)
    except DropItem as drop:
        dropped.append(str(drop.reason) or "by its class")
    except WrongItem as wrong:
        told = tell(wrong.__cause__) if wrong.__cause__ is not None else None
        own = told.where if told is not None else ""
        line, trace = (own, told.trace) if told is not None and own else (where(), "")
        errors.append(ItemError(wrong.what, callback, message_of(wrong), line, trace, wrong.value))
    except BaseException as error:
        if passes(error):
            raise
        errors.append(_raised(error, type(item).__name__, callback, where()))
    return None


def through_pipelines(reading: Reading, stages: Stages, page: Any, callback: str, seconds: float) -> Reading:
    """What is left of a reading's items after the pipelines, which may take `seconds` for each of them.

    An item that fails is left out whole, also if it had become several.
    """
    items: list[Any] = []
    keys: list[tuple[int, ...]] = []
    errors, dropped = list(reading.item_errors), list(reading.dropped)
    waiting = iter(reading.items)
    is_done = False
    while not is_done:
        try:
            with TimeLimit(seconds if stages.runs_user_code else 0.0, "a pipeline", page.url) as limit:
                for item in waiting:
                    own: list[int] = []
                    reasons: list[str] = []
                    given = stages.process(item, page, own, reasons)
                    limit.renew()
                    dropped += reasons
                    items += given
                    if given:
                        keys += [tuple(own), *[()] * (len(given) - 1)]
                    elif own:
                        stages.forget([own])
            is_done = True
        except BaseException as error:
            if passes(error) and not isinstance(error, TimeLimitExceeded):
                raise
            stages.forget([own])
            errors.append(_raised(error, f"{type(item).__name__} in {stages.at}", callback))
    return Reading(items, reading.requests, None, keys if any(keys) else [], errors, dropped)


def build_stages(build: Callable[[], Stages]) -> Stages:
    """What `build` makes. Raises `SpiderLoadError` for what constructors of pipelines raise."""
    try:
        return build()
    except CrawlError:
        raise
    except Exception as error:
        raise _load_error(error, "a pipeline cannot be made") from None


def open_pipelines(stages: Stages, spider: Any, number: int, is_stored: Callable[[int], bool], seconds: float) -> None:
    """Open the pipelines of a spider. Raises `SpiderLoadError` for whatever they raise."""
    try:
        with TimeLimit(seconds, "open"):
            stages.open(spider, number, is_stored)
    except BaseException as error:
        if passes(error) and not isinstance(error, TimeLimitExceeded):
            raise
        raise _load_error(error, f"{stages.at} failed") from None


def close_pipelines(stages: Stages, seconds: float) -> list[PageError]:
    """Close the pipelines that are open; what they raised."""
    errors: list[PageError] = []
    is_late = False

    def failed(error: BaseException) -> None:
        nonlocal is_late
        late = isinstance(error, TimeLimitExceeded)
        is_late |= late
        if passes(error) and not late:
            raise error
        told = tell(error.told() if isinstance(error, TimeLimitExceeded) else error)
        kind = "TimeoutError" if late else type(error).__name__
        errors.append(PageError("", "close", kind, told.message, told.where, told.trace))

    try:
        with TimeLimit(seconds, "close"):
            stages.close(failed)
    except TimeLimitExceeded as late:
        if not is_late:  # else it is what was told already
            failed(late)
    return errors


def _load_error(error: BaseException, what: str) -> SpiderLoadError:
    error = error.told() if isinstance(error, TimeLimitExceeded) else error
    told = tell(error)
    place = f"{told.where}: " if told.where else ""
    kind = f"{type(error).__name__}{': ' if told.message else ''}{told.message}"
    return SpiderLoadError(f"{place}{what}: {kind}", trace=told.trace)


def _raised(error: BaseException, what: str, callback: str, where: str = "") -> ItemError:
    stood = ""
    if isinstance(error, TimeLimitExceeded):
        stood = error.where
        error = error.told()
    told = tell(error)
    message = f"{type(error).__name__}{': ' if told.message else ''}{told.message}"
    place = told.where or stood
    return ItemError(what, callback, message, place or where, told.trace if place else "")

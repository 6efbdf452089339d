"""A reading on its way from the worker that read the page to the parent: bytes, by pickle's protocol 5 (PEP 574).

Most requests of a page are links and differ in their URL alone. They cross as one text, and `Leads` makes requests of
them only when somebody wants some: of the links of most pages nearly all are known already.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, overload

import msgspec

from crawler.item import as_dict, to_json
from crawler.reading import ItemError, Reading
from crawler.request import Request, is_link

_PROTOCOL = 5

_callback_of = attrgetter("callback")

_Group = tuple[str | None, str | list[str]]  # the callback of requests that have nothing else, and their URLs


class Known(Protocol):
    """URLs that are known already."""

    def unknown(self, urls: Sequence[str], /) -> list[str]:
        """Those that are not."""


class Record(NamedTuple):
    """A line that the spider, or what it uses, has logged. Of its traceback only the text crosses."""

    name: str
    level: int
    message: str
    trace: str
    path: str
    line: int
    created: float


class Told(NamedTuple):
    """What else there is to tell of the reading of a page: log records, and what its spider may not rely on."""

    records: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = Told()


class Leads(Sequence[Request]):
    """The requests of a page, in order. Made when they are looked at, and then each time anew."""

    __slots__ = ("_groups", "_number")

    def __init__(self, groups: Sequence[_Group | Request], number: int) -> None:
        self._groups = groups
        self._number = number

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Request]:
        return self.unknown(None)

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> list[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | list[Request]:
        return list(self)[index]

    def unknown(self, known: Known | None, prefix: str = "") -> Iterator[Request]:
        """Those that have more than a URL and a callback, or whose `prefix` + URL is not `known`."""
        for group in self._groups:
            if isinstance(group, Request):
                yield group
                continue
            callback, urls = group
            each = urls.split("\n") if isinstance(urls, str) else urls
            if known is not None and prefix:
                each = [url.removeprefix(prefix) for url in known.unknown([prefix + url for url in each])]
            elif known is not None:
                each = known.unknown(each)
            for url in each:
                yield Request(url, callback)


def pack(reading: Reading, told: Told = NOTHING, plain: bool = True) -> bytes:
    """A reading as bytes. An item that cannot cross as it is goes as what would be written of it, if `plain` ones will
    do; else, and where it cannot be written either, it is an item error.
    """
    items, errors = _items(reading, plain)
    rest = (
        (_groups(reading.requests, reading.are_links), len(reading.requests)),
        reading.error,
        [*reading.item_errors, *errors],
        reading.dropped,
        told if told != NOTHING else None,
    )
    return pickle.dumps((items, *rest), _PROTOCOL)


def unpack(data: bytes) -> tuple[Reading, Told]:
    """What `pack` has packed."""
    packed, requests, error, item_errors, dropped, told = pickle.loads(data)
    items: list[Any] = []
    if packed:
        try:
            items = pickle.loads(packed)
        except Exception as raised:  # of a class of the user's, which is to be put together again
            why = f"its items cannot be read in the main process: {type(raised).__name__}: {raised}"
            item_errors = [*item_errors, ItemError("the page", "parse_in = pool", why)]
    return Reading(items, Leads(*requests), error, [], item_errors, dropped), told or NOTHING


def _items(reading: Reading, plain: bool) -> tuple[bytes, list[ItemError]]:
    if not reading.items:
        return b"", []
    try:
        return pickle.dumps(reading.items, _PROTOCOL), []
    except Exception:  # of one of them, which is found now
        crossing, errors = [], []
        for item in reading.items:
            try:
                pickle.dumps(item, _PROTOCOL)
                crossing.append(item)
            except Exception as error:
                try:
                    line = to_json(as_dict(item))
                    if not plain:
                        raise
                    crossing.append(msgspec.json.decode(line))
                except Exception as wrong:  # encoding runs code of the item's own class
                    why = f"cannot leave its worker: {type(error).__name__}: {error}" if wrong is error else str(wrong)
                    errors.append(ItemError(type(item).__name__, "parse_in = pool", why))
        return pickle.dumps(crossing, _PROTOCOL), errors


def _groups(requests: Sequence[Request], are_links: bool) -> list[_Group | Request]:
    if are_links:
        by_callback = groupby(requests, _callback_of)
        return [(callback, _joined([request.url for request in each])) for callback, each in by_callback]
    groups: list[_Group | Request] = []
    urls: list[str] = []
    callback: Any = None
    for request in requests:
        is_bare = is_link(request)
        if urls and not (is_bare and request.callback == callback):
            groups.append((callback, _joined(urls)))
            urls = []
        if is_bare:
            callback = request.callback
            urls.append(request.url)
        else:
            groups.append(request)
    if urls:
        groups.append((callback, _joined(urls)))
    return groups


def _joined(urls: list[str]) -> str | list[str]:
    text = "\n".join(urls)  # what is no text was refused when it was yielded
    return text if text and text.count("\n") == len(urls) - 1 else list(urls)

"""`Expect`: what a spider says of the pages it reads, so that a change of the site is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from crawler.errors import UsageError


class Expect(msgspec.Struct, frozen=True, kw_only=True):
    """What every page of a callback gives, as long as the site is as it was.

    ```python
    class Films(Spider):
        start_urls = ["https://example.com/films"]
        expect = {
            "parse": Expect(items_per_page=(1, 10), required=("title", "url")),
            "parse_film": Expect(items_per_page=1, matches={"score": r"\\d\\.\\d"}, filled={"votes": 0.9}),
        }
    ```

    - `items_per_page`: fewest and most items of a page, None = any number: `(1, None)`. One number is both.
    - `required`: fields that every item has. None, "", [] and {} are nothing; 0 and False are something.
    - `matches`: regular expressions that all of a field's text has to match, where the field has something.
    - `filled`: the share of the items in which a field has something, 0 to 1, over 20 items or more.
    - Fields inside others are named "film.title" (of a dict) and "offers[].price" (of the dicts of a list), which is
      filled if any of the offers has something; all that have something have to match.
    - `in_a_row`: so many pages in a row have to be otherwise before it is told, or, where good ones come in between,
      three times as many with each good one counted as a third of one less. For `filled` it has no meaning.

    `expect = Expect(...)` without a callback is about all callbacks. Raises `UsageError` for what cannot be meant.
    """

    items_per_page: int | tuple[int, int | None] | None = None
    required: Sequence[str] = ()
    matches: Mapping[str, str] = {}
    filled: Mapping[str, float] = {}
    in_a_row: int = 1

    def __post_init__(self) -> None:
        try:
            msgspec.convert(msgspec.to_builtins(self), _Fields)
        except (TypeError, msgspec.ValidationError) as error:
            raise UsageError(f"Expect(...) cannot be meant: {error}") from None
        least, most = self.bounds
        if least < 0 or (most is not None and most < least):
            raise UsageError(f"Expect(items_per_page={self.items_per_page!r}): no page can have so many items")
        if self.in_a_row < 1:
            raise UsageError(f"Expect(in_a_row={self.in_a_row}): it takes one page at least")
        for field, pattern in self.matches.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise UsageError(f"Expect(matches=…): the pattern of {field!r} is none: {error}") from None
        for field, share in self.filled.items():
            if not 0 <= share <= 1:
                raise UsageError(f"Expect(filled=…): the share of {field!r} is {share}, and it is between 0 and 1")

    @property
    def bounds(self) -> tuple[int, int | None]:
        """Fewest and most items of a page, None = any number."""
        given = self.items_per_page
        if given is None:
            return 0, None
        return (given, given) if isinstance(given, int) else (given[0], given[1])

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that every item has."""
        return (self.required,) if isinstance(self.required, str) else tuple(self.required)


class _Fields(msgspec.Struct):
    """What the fields may hold."""

    items_per_page: int | tuple[int, int | None] | None
    required: str | list[str]
    matches: dict[str, str]
    filled: dict[str, float]
    in_a_row: int


def for_callback(expect: Expect | Mapping[str, Expect] | None, callback: str) -> Expect | None:
    """What is expected of a callback's pages; None where that is nothing."""
    return expect.get(callback) if isinstance(expect, Mapping) else expect

"""Functions for `processors` of a spider: what is between the text of a page and the value of a field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, overload

# Spaces that separate groups of digits in print, and the apostrophe that does so in Switzerland.
_GAPS = " \u00a0\u2009\u202f'\u2019"
_SHAPES = {
    mark: re.compile(rf"([+-]?)(\d+|\d{{1,3}}(?:([{group}{_GAPS}])\d{{3}})(?:\3\d{{3}})*)?(?:{re.escape(mark)}(\d+))?")
    for mark, group in ((".", ","), (",", "."))
}
_CURRENCY = "$¢£¤¥฿₩₪₫€₭₮₱₲₴₵₸₹₺₽₿￥"


def clean(text: str) -> str:
    """`text` without white space around it, and with one space for each run of it inside."""
    return " ".join(text.split())


class default:  # noqa: N801 - stands in a list of functions
    """`default("CNY")`: the value of a field that is missing or None."""

    takes_none = True  # the others are not asked for None

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, value: Any) -> Any:
        return self.value if value is None else value


@overload
def number(text: Any) -> int | float: ...
@overload
def number(*, decimal: Literal[".", ","]) -> Callable[[Any], int | float]: ...
def number(text: Any = None, *, decimal: Literal[".", ","] = ".") -> Any:
    """The number that a text is, as people write it: "2,012" is 2012, "1 234.50" is 1234.5, "¥ 12" is 12.

    As a processor it stands as `number`, where commas separate groups of three digits, or as `number(decimal=",")`,
    where they stand before the decimals and points separate groups: "1.234,5" is 1234.5. White space, an apostrophe and
    currency signs are understood in both. A number passes as it is. Raises `ValueError` for everything else, also for a
    comma that cannot separate groups ("9,5") and for words around it ("12 km").
    """
    if text is None:
        return lambda value: number(value, decimal=decimal)  # type: ignore[call-overload]
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return text
    if not isinstance(text, str):
        raise TypeError(f"a number is read from text, not from {type(text).__name__}")
    plain = text.strip().strip(_CURRENCY).strip().replace("\u2212", "-")
    match = _SHAPES[decimal].fullmatch(plain)
    if match is None or (match[2] is None and match[4] is None):
        raise ValueError(f"{text!r} is no number with {decimal!r} before its decimals")
    sign, whole, _, decimals = match.groups()
    digits = sign + re.sub(r"\D", "", whole or "0")
    return float(f"{digits}.{decimals}") if decimals else int(digits)

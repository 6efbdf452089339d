from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Optional

import msgspec
import pytest

from crawler.errors import UsageError
from crawler.spider.arguments import REQUIRED, Argument, bind, converted, declared

if TYPE_CHECKING:
    from nowhere import Unknown


class Colour(enum.Enum):
    RED = "red"


class Declares:
    site: str = "https://example.com"
    pages: int = 10
    depth: int | None = None
    urls: list[str] = ["a"]
    needed: str
    LIMIT: ClassVar[int] = 3
    FIXED: Final = 3
    _private: int = 1
    name: str = "x"
    settings: dict = {}
    item: Any = None
    state: dict = {}
    plain = 3


class Inherits(Declares):
    pages: float = 1.5
    more: bool = False


def test_arguments_are_the_annotated_names() -> None:
    known = declared([Declares])
    assert list(known) == ["site", "pages", "depth", "urls", "needed"]
    assert known["pages"].kind is int
    assert known["pages"].default == 10
    assert known["depth"].kind == (int | None)
    assert known["needed"].default is REQUIRED
    assert [str(known[name]) for name in ("pages", "urls", "needed")] == [
        "pages: int = 10", "urls: list[str] = ['a']", "needed: str (required)",
    ]  # fmt: skip


def test_a_subclass_adds_and_overrides() -> None:
    known = declared([Declares, Inherits])
    assert list(known) == ["site", "pages", "depth", "urls", "needed", "more"]
    assert known["pages"].kind is float
    assert known["pages"].default == 1.5


def test_an_annotation_nobody_can_resolve_is_taken_from_the_default() -> None:
    class Guarded:
        a: Unknown = 3
        b: Unknown
        c: list[Unknown] = ["x"]
        d: ClassVar[Unknown] = 1
        e: int = 2

    known = declared([Guarded])
    assert {name: argument.kind for name, argument in known.items()} == {"a": int, "b": str, "c": list, "e": int}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3", int, 3),
        ("-3", int, -3),
        ("2.5", float, 2.5),
        ("2", float, 2.0),
        ("3", str, "3"),
        ("null", str, "null"),
        ("", str, ""),
        ("x", Any, "x"),
        ("true", bool, True),
        ("Yes", bool, True),
        ("1", bool, True),
        ("on", bool, True),
        ("False", bool, False),
        ("no", bool, False),
        ("0", bool, False),
        ("yes", bool | None, True),
        ("3", int | None, 3),
        ("3", Optional[int], 3),  # noqa: UP045
        ("x", str | None, "x"),
        ("x", Path | None, Path("x")),
        ("a/b", Path, Path("a/b")),
        ("a,b , c,", list[str], ["a", "b", "c"]),
        ("1,2", list[int], [1, 2]),
        ('["a,b", "c"]', list[str], ["a,b", "c"]),
        ("a", list[str], ["a"]),
        ("", list[str], []),
        ("a,b", list, ["a", "b"]),
        ("1,2", tuple[int, ...], (1, 2)),
        ("1,2", set[int], {1, 2}),
        ("a,b", Sequence[str], ["a", "b"]),
        ("a,b", list[str] | None, ["a", "b"]),
        ("a,b", list[Path], [Path("a"), Path("b")]),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ("fast", Literal["fast", "slow"], "fast"),
        ("2", Literal[1, 2], 2),
        ("2024-05-06", date, date(2024, 5, 6)),
        ("2024-05-06T07:08:09", datetime, datetime(2024, 5, 6, 7, 8, 9)),
        ("red", Colour, Colour.RED),
        ("5", Annotated[int, msgspec.Meta(ge=1)], 5),
        ("a+", re.Pattern, re.compile("a+")),
    ],
)
def test_text_becomes_the_annotated_type(text: str, kind: Any, value: Any) -> None:
    result = converted(text, kind)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ten", int), ("1.5", int), ("maybe", bool), ("2", bool), ("1,x", list[int]), ("[1,", list[int]), ("{", dict),
        ("medium", Literal["fast", "slow"]), ("05.06.2024", date), ("blue", Colour), ("x", int | None),
        ("0", Annotated[int, msgspec.Meta(ge=1)]), ("(", re.Pattern), ("\udcff", dict), ("x", complex | date),
    ],
)  # fmt: skip
def test_text_that_does_not_fit_is_a_value_error(text: str, kind: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        converted(text, kind)


def test_binding_gives_every_argument_a_value() -> None:
    known = declared([Declares])
    values = bind(known, {"needed": "x", "pages": "3", "depth": 4}, "films")
    assert values == {"site": "https://example.com", "pages": 3, "depth": 4, "urls": ["a"], "needed": "x"}
    assert values["urls"] is not Declares.urls


def test_values_that_are_not_text_stay_as_they_are() -> None:
    urls = ("a", "b")
    assert bind(declared([Declares]), {"needed": "x", "urls": urls}, "films")["urls"] is urls


def test_an_unknown_argument_is_named_with_its_neighbour_and_all_others() -> None:
    with pytest.raises(UsageError, match="spider films has no argument 'page'") as caught:
        bind(declared([Declares]), {"page": "3"}, "films")
    assert caught.value.hint.startswith(
        "did you mean pages? its arguments are: site: str = 'https://example.com', pages: int"
    )
    with pytest.raises(UsageError) as caught:
        bind({}, {"x": "3"}, "films")
    assert caught.value.hint == "it has no arguments"


def test_a_value_that_does_not_fit_is_named_with_its_type() -> None:
    with pytest.raises(UsageError, match="spider films: pages='ten' does not fit int: ") as caught:
        bind(declared([Declares]), {"pages": "ten", "needed": "x"}, "films")
    assert "needed: str (required)" in caught.value.hint


def test_a_missing_argument_is_named_with_what_to_type() -> None:
    with pytest.raises(UsageError, match="spider films needs the argument 'needed'") as caught:
        bind(declared([Declares]), {}, "films")
    assert "-a needed=... (str)" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "choices"),
    [(Literal["hot", "new"], "hot, new"), (Colour, "red"), (Literal[1, 2] | None, "1, 2")],
)
def test_a_value_that_is_no_choice_is_told_the_choices(kind: Any, choices: str) -> None:
    known = {"kind": Argument("kind", kind, None)}
    with pytest.raises(UsageError, match=f"kind='old' does not fit .*: it is one of {choices}$"):
        bind(known, {"kind": "old"}, "films")


@pytest.mark.parametrize("kind", [list[str] | None, list[int] | None, dict[str, int] | None, int | None])
def test_null_is_none_where_it_fits(kind: Any) -> None:
    assert converted("null", kind) is None


def test_null_is_text_where_text_fits() -> None:
    assert converted("null", str | None) == "null"

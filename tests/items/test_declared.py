"""Items against the classes they are declared as: values, wrong values, and what is said of them."""

import datetime
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Required, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest
from lxml import html

from crawler.errors import UsageError
from crawler.item import WrongItem, as_dict, to_json
from crawler.items.declared import Declared


@dataclass
class Person:
    name: str
    age: int = 0


@attrs.define
class Kept:
    title: Any
    other: Any = attrs.field(default="", validator=attrs.validators.instance_of(str))


@dataclass
class Positive:
    n: int

    def __post_init__(self):
        if self.n < 0:
            raise ValueError("neg")


@dataclass
class Movie:
    title: str
    score: float = 0.0
    votes: int | None = None
    kind: Literal["film", "series"] = "film"
    tags: list[str] = field(default_factory=list)
    cast: list[Person] = field(default_factory=list)
    out: datetime.date | None = None
    poster: Path | None = None
    seats: Annotated[int, msgspec.Meta(ge=1)] = 1


@attrs.frozen
class Tidy:
    title: str = attrs.field(converter=str.strip)
    _stars: int = attrs.field(default=1, validator=attrs.validators.ge(0))


class Struct(msgspec.Struct, rename="camel", frozen=True):
    movie_title: str
    score: float = 0.0


class Row(TypedDict, total=False):
    title: Required[str]
    score: float


class Model(pydantic.BaseModel):
    title: str
    score: float = 0.0

    @pydantic.field_validator("score")
    @classmethod
    def _is_a_score(cls, value):
        if value > 10:
            raise ValueError("more than 10")
        return value


def wrong(kinds, item):
    """What is said of an item that does not fit: the field, and the rest."""
    with pytest.raises(WrongItem) as caught:
        Declared(kinds).of(item)
    what, value = caught.value.what, caught.value.value
    return f"{what} = {value}" if value else what, str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"score": "9.5"}, {"score": 9.5}),
        ({"score": 9}, {"score": 9.0}),
        ({"votes": "2012"}, {"votes": 2012}),
        ({"votes": None}, {"votes": None}),
        ({"kind": "series"}, {"kind": "series"}),
        ({"tags": ("a", "b")}, {"tags": ["a", "b"]}),
        ({"cast": [{"name": "Ada", "age": "36"}]}, {"cast": [Person("Ada", 36)]}),
        ({"cast": [Person("Ada", "36")]}, {"cast": [Person("Ada", 36)]}),
        ({"out": "2012-03-04"}, {"out": datetime.date(2012, 3, 4)}),
        ({"poster": "a/b.jpg"}, {"poster": Path("a/b.jpg")}),
    ],
)
def test_a_dict_becomes_the_class_with_its_values_converted(given, expected):
    assert Declared(Movie).of({"title": "x", **given}) == Movie("x", **expected)


@pytest.mark.parametrize(
    ("given", "what", "message"),
    [
        ({"score": "2,012"}, "Movie.score = '2,012'", "expected `float`, got `str` (the processor number reads 2012)"),
        ({"score": ""}, "Movie.score = ''", "expected `float`, got `str`"),
        ({"score": None}, "Movie.score = None", "expected `float`, got `None`"),
        ({"score": "nan"}, "Movie.score = 'nan'", "this text is no value"),
        ({"votes": "null"}, "Movie.votes = 'null'", "this text is no value"),
        ({"votes": "many"}, "Movie.votes = 'many'", "expected `int | None`, got `str`"),
        ({"votes": True}, "Movie.votes = True", "expected `int | None`, got `bool`"),
        ({"kind": "play"}, "Movie.kind = 'play'", "it is one of film, series"),
        ({"seats": 0}, "Movie.seats = 0", "expected `int` >= 1"),
        ({"tags": "a"}, "Movie.tags = 'a'", "expected `list`, got `str`"),
        ({"tags": ["a", 1]}, "Movie.tags[1] = 1", "expected `str`, got `int`"),
        ({"cast": [{"age": 1}]}, "Movie.cast[0] = {'age': 1}", "object missing required field `name`"),
        ({"cast": [Person("Ada", "x")]}, "Movie.cast[0].age = 'x'", "expected `int`, got `str`"),
        ({"titel": "y"}, "Movie.titel", "the class has no such field, did you mean title?"),
        ({"title": 5}, "Movie.title = 5", "expected `str`, got `int`"),
    ],
)
def test_a_wrong_value_is_named_with_its_field(given, what, message):
    assert wrong(Movie, {"title": "x", **given}) == (what, message)


def test_a_missing_field_is_named():
    assert wrong(Movie, {"score": 1}) == ("Movie.title", "it is missing, and has no default")


def test_text_of_a_page_is_text():
    (text,) = html.fromstring("<p>9.5</p>").xpath("//p/text()")
    movie = Declared(Movie).of({"title": text, "score": text})
    assert movie == Movie("9.5", 9.5)
    assert type(movie.title) is str


def test_an_instance_is_checked_as_a_dict_is():
    assert Declared(Movie).of(Movie("x", "9.5")) == Movie("x", 9.5)
    assert wrong(Movie, Movie("x", "n/a")) == ("Movie.score = 'n/a'", "expected `float`, got `str`")


def test_an_instance_of_the_spider_is_left_alone():
    mine = Movie("x", "9.5")
    Declared(Movie).of(mine)
    assert mine.score == "9.5"
    right = Movie("x", 9.5)
    assert Declared(Movie).of(right).title is right.title


def test_an_instance_of_another_class_is_wrong_and_one_of_a_subclass_is_not():
    @dataclass
    class Short(Movie):
        minutes: int = 1

    assert wrong(Movie, Person("Ada")) == ("Person", "the items of this spider are Movie")
    assert Declared(Movie).of(Short("x", minutes="7")) == Short("x", minutes=7)
    assert wrong(Movie, Short("x", minutes="long"))[0] == "Short.minutes = 'long'"


def test_the_constructor_of_a_class_runs_once():
    @dataclass
    class Loud:
        title: str

        def __post_init__(self):
            self.title += "!"

    assert Declared(Loud).of({"title": "x"}).title == "x!"
    assert Declared(Loud).of(Loud("x")).title == "x!"


def test_converters_and_validators_of_attrs_run():
    assert Declared(Tidy).of({"title": " x ", "_stars": "3"}) == Tidy("x", 3)
    assert wrong(Tidy, {"title": "x", "_stars": -1}) == ("Tidy._stars", "ValueError: '_stars' must be >= 0: -1")
    assert wrong(Kept, {"title": 5, "other": 1}) == (
        "Kept.other",
        "TypeError: 'other' must be <class 'str'> (got 1 that is a <class 'int'>).",
    )
    assert wrong(Positive, {"n": -1}) == ("Positive", "ValueError: neg")
    assert wrong(Tidy, {"title": "x", "_stars": "many"})[0] == "Tidy._stars = 'many'"


def test_a_converter_gets_what_the_page_has():
    @attrs.define
    class Rated:
        stars: int = attrs.field(converter=len)

    assert Declared(Rated).of({"stars": "***"}) == Rated("***")


def test_fields_of_a_struct_go_by_their_names_in_python():
    assert Declared(Struct).of({"movie_title": "x", "score": "3"}) == Struct("x", 3.0)
    assert Declared(Struct).of(Struct("x", "3")) == Struct("x", 3.0)
    assert wrong(Struct, {"movieTitle": "x"})[0] == "Struct.movieTitle"


def test_a_typed_dict_stays_a_dict():
    assert Declared(Row).of({"title": "x", "score": "3"}) == {"title": "x", "score": 3.0}
    assert Declared(Row).of({"title": "x"}) == {"title": "x"}
    assert wrong(Row, {"score": 1}) == ("Row.title", "it is missing, and has no default")


def test_a_pydantic_model_checks_itself():
    assert Declared(Model).of({"title": "x", "score": "3"}) == Model(title="x", score=3)
    assert wrong(Model, {"title": "x", "score": 11}) == ("Model.score = 11", "more than 10")
    assert wrong(Model, {"score": "2,012"})[1].endswith(", and 1 more")
    assert wrong(Model, {"title": "x", "titel": "y"})[0] == "Model.titel"
    assert Declared(Model).of(Model(title="x")) == Model(title="x")
    assert wrong(Model, Model.model_construct(title="x", score="?"))[0] == "Model.score = '?'"


def test_a_model_may_say_itself_what_it_does_with_other_fields():
    class Open(Model):
        model_config = pydantic.ConfigDict(extra="allow")

    assert Declared(Open).of({"title": "x", "more": 1}).more == 1


def test_of_several_classes_a_dict_is_the_one_whose_fields_it_has():
    both = Declared((Movie, Person))
    assert both.of({"title": "x"}) == Movie("x")
    assert both.of({"name": "Ada", "age": "36"}) == Person("Ada", 36)
    assert both.of(Person("Ada", "36")) == Person("Ada", 36)
    assert wrong((Movie, Person), {"a": 1}) == ("dict with a", "it has not the fields of Movie or Person")
    assert wrong((Movie, Person), {"name": 1})[0] == "Person.name = 1"


@pytest.mark.parametrize("kind", [int, 5, "Movie", dict, Movie("x")])
def test_what_is_no_class_of_items_is_told(kind):
    with pytest.raises(UsageError, match="is no class of items"):
        Declared(kind)


def test_types_that_cannot_be_checked_are_told():
    class Opaque:
        pass

    @dataclass
    class Odd:
        value: Opaque | int

    @dataclass
    class Unknown:
        value: "NotThere"  # noqa: F821

    @dataclass
    class Free:
        value: Any
        own: Opaque | None = None

    with pytest.raises(UsageError, match=r"Odd\.value cannot be checked"):
        Declared(Odd)
    with pytest.raises(UsageError, match="types of Unknown cannot be found out"):
        Declared(Unknown)
    assert Declared(Free).of({"value": 1}).value == 1
    assert wrong(Free, {"value": 1, "own": 2})[0] == "Free.own = 2"


def test_what_a_constructor_computes_is_no_field_of_a_dict():
    @dataclass
    class Computed:
        title: str
        length: int = field(init=False)
        scale: InitVar[int] = 1

        def __post_init__(self, scale):
            self.length = scale * len(self.title)

    assert Declared(Computed).of({"title": "abc"}).length == 3
    assert wrong(Computed, {"title": "abc", "length": 9})[0] == "Computed.length"


# -- what is in an item


@dataclass
class Inner:
    v: int
    w: int | None = None
    x: int = 5
    more: "list[Inner]" = field(default_factory=list)


@attrs.define(slots=False)
class AttrsInner:
    v: int
    x: int = 5


class StructInner(msgspec.Struct, rename="camel", tag=True):
    v_v: int
    x: int = 5


class DictInner(TypedDict, total=False):
    v: Required[int]
    x: int


class ModelInner(pydantic.BaseModel):
    v: int
    x: int = 5


@dataclass
class Outer:
    one: Inner | None = None
    some: list[Inner] = field(default_factory=list)
    named: dict[str, Inner] = field(default_factory=dict)
    numbered: dict[int, tuple[AttrsInner, ...]] = field(default_factory=dict)
    struct: StructInner | None = None
    typed: DictInner | None = None
    model: ModelInner | None = None


class OuterModel(pydantic.BaseModel):
    one: Inner | None = None
    model: list[ModelInner] = []
    mine: ModelInner | None = None
    open: dict[str, Any] = {}

    @pydantic.field_validator("mine", mode="before")
    @classmethod
    def _tidy(cls, value):
        return {"v": value["score"]}


INNER = {"v": 1, "w": None, "x": 5, "more": []}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"one": {"v": "1"}}, {"one": INNER}),
        ({"one": {"v": 1, "more": [{"v": 1}]}}, {"one": {**INNER, "more": [INNER]}}),
        ({"some": [{"v": 1}]}, {"some": [INNER]}),
        ({"named": {"a": {"v": 1}}}, {"named": {"a": INNER}}),
        ({"numbered": {"1": [{"v": 1}]}}, {"numbered": {"1": [{"v": 1, "x": 5}]}}),
        ({"struct": {"type": "StructInner", "vV": 1}}, {"struct": {"type": "StructInner", "vV": 1, "x": 5}}),
        ({"typed": {"v": "1"}}, {"typed": {"v": 1}}),
        ({"model": {"v": "1"}}, {"model": {"v": 1, "x": 5}}),
    ],
)
def test_defaults_of_what_is_in_an_item_are_written(given, written):
    found = msgspec.json.decode(to_json(as_dict(Declared(Outer).of(given))))
    assert written.items() <= found.items()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"one": {"v": 1, "ww": 2}}, "Outer.one.ww"),
        ({"one": {"v": 1, "more": [{"v": 1}, {"v": 1, "ww": 2}]}}, "Outer.one.more[1].ww"),
        ({"some": [{"v": 1, "ww": 2}]}, "Outer.some[0].ww"),
        ({"named": {"a": {"v": 1, "ww": 2}}}, "Outer.named.a.ww"),
        ({"numbered": {"1": [{"v": 1, "ww": 2}]}}, "Outer.numbered.1[0].ww"),
        ({"struct": {"type": "StructInner", "vV": 1, "ww": 5}}, "Outer.struct.ww"),
        ({"typed": {"v": "1", "ww": 1}}, "Outer.typed.ww"),
        ({"model": {"v": "1", "ww": 1}}, "Outer.model.ww"),
    ],
)
def test_fields_that_a_class_in_an_item_does_not_have_are_told(given, what):
    found, message = wrong(Outer, given)
    assert found == what
    assert message.startswith("the class has no such field")


def test_what_is_in_a_model_likewise_unless_the_model_has_its_own_way_with_it():
    assert wrong(OuterModel, {"one": {"v": 1, "xx": 2}})[0] == "OuterModel.one.xx"
    assert wrong(OuterModel, {"model": [{"v": 1, "xx": 2}]}) == (
        "OuterModel.model[0].xx",
        "the class has no such field, did you mean x?",
    )
    taken = {"mine": {"score": 3}, "open": {"a": {"b": 1}}}
    assert Declared(OuterModel).of(taken) == OuterModel(**taken)


def test_what_a_model_in_an_item_says_is_told_in_a_line():
    assert wrong(Outer, {"model": {"v": "x"}}) == (
        "Outer.model.v = 'x'",
        "input should be a valid integer, unable to parse string as an integer",
    )


# -- classes with type variables

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Table(Generic[T]):
    value: T
    rows: list[T] = field(default_factory=list)


@dataclass
class Pair(Table[T], Generic[U, T]):
    other: U | None = None


@dataclass
class Prices(Pair[str, float]):
    name: str = ""


class Cell(msgspec.Struct, Generic[T]):
    value: T


class Entry(TypedDict, Generic[T]):
    value: T


class Number(Entry[int]):
    pass


@dataclass
class Report:
    table: Table[int]


def test_type_variables_stand_for_what_they_were_given():
    given = {"value": "1.5", "rows": ["2"], "other": "x"}
    assert Declared(Prices).of(given) == Prices(1.5, [2.0], "x")
    assert wrong(Prices, {"value": "x"})[0] == "Prices.value = 'x'"
    assert Declared(Pair[int, float]).of({**given, "other": "3"}) == Pair(1.5, [2.0], 3)
    assert Declared(Table[int]).of(Table("1")) == Table(1)
    assert Declared(Cell[int]).of({"value": "1"}) == Cell(1)
    assert Declared(Entry[int]).of({"value": "1"}) == Declared(Number).of({"value": "1"}) == {"value": 1}
    assert Declared(Table).of({"value": "1"}) == Table("1")
    assert Declared(Report).of({"table": {"value": "1"}}) == Report(Table(1))
    assert wrong(Report, {"table": {"value": 1, "x": 1}})[0] == "Report.table.x"

"""Items against the classes they are declared as: values, wrong values, and what is said of them."""

import datetime
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Required, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from lxml import html

from crawler.errors import UsageError
from crawler.item import WrongItem
from crawler.items.declared import Declared


@dataclass
class Person:
    name: str
    age: int = 0


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
    with pytest.raises(ValueError, match="must be >= 0"):
        Declared(Tidy).of({"title": "x", "_stars": -1})
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

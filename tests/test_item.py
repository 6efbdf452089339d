"""Items: every kind a spider may yield becomes the same dict, and then one line of JSON."""

import dataclasses
import json
import pathlib
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from crawler.item import MOST_LEVELS, as_dict, as_yielded, is_item, to_json
from crawler.saved import FileItem


@dataclasses.dataclass
class FilmData:
    title: str
    score: str | None = None


@dataclasses.dataclass(slots=True, frozen=True)
class FilmSlots:
    title: str
    score: str | None = None


@attrs.define
class FilmAttrs:
    title: str
    score: str | None = None


class FilmStruct(msgspec.Struct):
    title: str
    score: str | None = None


class FilmModel(pydantic.BaseModel):
    title: str
    score: str | None = None


KINDS = [FilmData, FilmSlots, FilmAttrs, FilmStruct, FilmModel, dict]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_item_becomes_the_same_dict(kind):
    film = kind(title="霸王别姬", score="9.5")
    assert is_item(film)
    assert list(as_dict(film).items()) == [("title", "霸王别姬"), ("score", "9.5")]


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_a_class_is_no_item_only_its_objects_are(kind):
    assert not is_item(kind)
    with pytest.raises(TypeError, match="is not an item"):
        as_dict(kind)


@pytest.mark.parametrize("value", [None, 1, "text", b"", ["a"], ("a", 1), {1}, object(), len])
def test_other_values_are_no_items(value):
    assert not is_item(value)
    with pytest.raises(TypeError, match=f"{type(value).__name__} is not an item: yield a dict"):
        as_dict(value)


def test_the_dict_is_a_copy():
    film = {"title": "a"}
    as_dict(film)["title"] = "b"
    assert film == {"title": "a"}


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"])
def test_keys_that_are_not_text_are_refused(key):
    with pytest.raises(TypeError, match="field names are strings"):
        as_dict({"title": "a", key: 1})


def test_text_of_a_document_does_not_keep_the_document():
    text = html.fromstring("<p>a</p>").xpath("//p/text()")[0]
    assert type(text) is not str
    fields = as_dict({"title": text})
    assert fields == {"title": "a"}
    assert type(fields["title"]) is str
    pickle.dumps(fields)


def test_text_of_a_document_inside_a_list_is_written():
    texts = html.fromstring("<p>a<b>c</b></p>").xpath("//text()")
    assert to_json(as_dict({"texts": texts})) == b'{"texts":["a","c"]}'


def test_one_line_of_utf_8():
    assert to_json({"title": "霸王\n别姬", "score": None}) == '{"title":"霸王\\n别姬","score":null}'.encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2024, 5, 1, 12, tzinfo=UTC), "2024-05-01T12:00:00Z"),
        (date(2024, 5, 1), "2024-05-01"),
        (Decimal("9.50"), "9.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (b"\x00\xff", "AP8="),
        (("a", 1), ["a", 1]),
        (float("nan"), None),
        (FilmData("a"), {"title": "a", "score": None}),
        (FilmAttrs("a"), {"title": "a", "score": None}),
        (FilmStruct("a"), {"title": "a", "score": None}),
        (FilmModel(title="a"), {"title": "a", "score": None}),
        ([FilmModel(title="a")], [{"title": "a", "score": None}]),
    ],
)
def test_values_that_json_does_not_know(value, written):
    assert json.loads(to_json({"value": value})) == {"value": written}


@pytest.mark.parametrize("value", [object(), len, 1j, {(1, 2): 3}, "\ud800"])
def test_what_cannot_be_written_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        to_json({"value": value})


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_was_written_is_read_again(fields):
    line = to_json(as_dict(fields))
    assert b"\n" not in line
    assert json.loads(line) == fields


@dataclasses.dataclass
class Cast:
    names: list[str]


class Credits(pydantic.BaseModel):
    cast: list[Cast]


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_stays_what_it_was_when_it_was_yielded(kind):
    names = ["巩俐"]
    values = {"title": "霸王别姬", "score": {"names": names, "cast": [Cast(names)], "seen": {1}}}
    film = kind.model_construct(**values) if kind is FilmModel else kind(**values)
    yielded = as_yielded(film)
    assert type(yielded) is type(film)
    names.append("张国荣")
    said = yielded["score"] if kind is dict else yielded.score
    assert said == {"names": ["巩俐"], "cast": [Cast(["巩俐"])], "seen": {1}}


def test_what_models_and_dicts_of_ones_own_hold_stays_too():
    model = Credits(cast=[Cast(["巩俐"])])
    file = FileItem(path="a", names=["巩俐"])
    yielded = as_yielded([model, file, (file,)])
    model.cast[0].names.append("张国荣")
    file["names"].append("张国荣")
    assert yielded == [
        Credits(cast=[Cast(["巩俐"])]),
        {"path": "a", "names": ["巩俐"]},
        ({"path": "a", "names": ["巩俐"]},),
    ]
    assert type(yielded[1]) is FileItem


def test_an_item_that_holds_itself_is_left_to_the_writer():
    film = {"title": "a"}
    film["film"] = film
    assert as_yielded(film) is film


class Link(pydantic.BaseModel):
    url: pydantic.HttpUrl
    word: pydantic.SecretStr = pydantic.SecretStr("geheim")
    score: float = 1.25

    @pydantic.field_serializer("score", when_used="json")
    def _rounded(self, score):
        return round(score)


class Odd(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    raw: bytes
    thing: object = None


def test_a_model_is_written_as_it_writes_itself():
    link = Link(url="https://films.example/a")
    assert to_json(as_dict(link)) == b'{"url":"https://films.example/a","word":"**********","score":1}'
    assert to_json({"link": link, "url": link.url}) == (
        b'{"link":{"url":"https://films.example/a","word":"**********","score":1},"url":"https://films.example/a"}'
    )
    assert to_json(as_dict(Odd(raw=b"\xff"))) == b'{"raw":"/w==","thing":null}'
    with pytest.raises(TypeError, match="a value of type object cannot be written"):
        to_json(as_dict(Odd(raw=b"", thing=object())))


def test_what_is_nested_too_deeply_to_be_read_again_cannot_be_written():
    def nested(levels):
        value = {"text": '\\"[{' * 300}
        for _ in range(levels - 1):
            value = {"k": [value]} if levels % 2 else {"k": value}
        return value

    assert to_json(nested(MOST_LEVELS))
    assert to_json([nested(3)] * 300)
    with pytest.raises(ValueError, match="nested more than 200 levels"):
        to_json(nested(MOST_LEVELS + 1))

import json
from dataclasses import dataclass

import msgspec
import pytest

from crawler.errors import OutputError
from crawler.items.chain import Chain, Stored
from crawler.request import Request

REQUEST = Request("https://a.example/1", callback="parse_film")
WHEN = "2024-05-01T12:00:00Z"


class Memory:
    """An output that remembers what it was given."""

    path = "memory"

    def __init__(self, fail_on=""):
        self.calls = []
        self.batches = []
        self.fail_on = fail_on

    def _called(self, name):
        self.calls.append(name)
        if name == self.fail_on:
            raise OutputError(f"cannot {name}")

    def open(self):
        self._called("open")

    def write(self, lines):
        self._called("write")
        self.batches.append([json.loads(line) for line in lines])

    def close(self):
        self._called("close")


def store(chain, *items):
    return chain.store(items, REQUEST, "https://a.example/1", WHEN)


@dataclass
class Film:
    title: str
    cover: object = None


class Model(msgspec.Struct):
    title: str


def test_items_of_a_batch_are_one_write_per_output():
    first, second = Memory(), Memory()
    chain = Chain([first, second], meta=False)
    assert store(chain, {"a": 1}, Film("x")) == Stored(2)
    assert store(chain, Model("y")) == Stored(1)
    assert first.batches == []
    chain.commit()
    expected = [[{"a": 1}, {"title": "x", "cover": None}, {"title": "y"}]]
    assert first.batches == second.batches == expected


def test_a_commit_without_items_writes_nothing():
    output = Memory()
    chain = Chain([output], meta=False)
    chain.commit()
    store(chain, {"a": 1})
    chain.commit()
    chain.commit()
    assert output.calls == ["write"]


def test_meta_says_where_an_item_comes_from():
    output = Memory()
    chain = Chain([output], meta=True)
    store(chain, {"a": 1}, {"_url": "mine"})
    chain.commit()
    assert output.batches == [
        [{"a": 1, "_url": "https://a.example/1", "_fetched": WHEN}, {"_url": "mine", "_fetched": WHEN}]
    ]


def test_meta_does_not_change_the_item_of_the_spider():
    item = {"a": 1}
    store(Chain([], meta=True), item)
    assert item == {"a": 1}


def test_kept_items_are_dicts_with_their_values_as_they_were():
    chain = Chain([], meta=False, keep=True)
    inner = (1, 2)
    store(chain, {"a": inner}, Film("x"), {"bad": object()})
    assert chain.kept == [{"a": inner}, {"title": "x", "cover": None}]
    assert chain.kept[0]["a"] is inner


def test_items_are_not_kept_unless_asked():
    chain = Chain([], meta=False)
    store(chain, {"a": 1})
    assert chain.kept == []


class Explosive:
    def model_dump(self, mode=""):
        raise RuntimeError("boom")


RECURSIVE: dict = {}
RECURSIVE["self"] = RECURSIVE


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (Film("x", object()), "Film.cover from parse_film: a value of type object cannot be written"),
        ({"title": "\ud83d"}, "dict.title from parse_film: "),
        ({1: "x"}, "dict from parse_film: the item has the key 1"),
        ("text", "str from parse_film: str is not an item"),
        (Explosive(), "Explosive from parse_film: boom"),
        ({"x": Explosive()}, "dict.x from parse_film: boom"),
        (RECURSIVE, "dict.self from parse_film: "),
    ],
)
def test_an_item_that_cannot_be_written_is_described_and_the_others_go_on(item, error):
    output = Memory()
    chain = Chain([output], meta=False)
    stored = store(chain, {"a": 1}, item, {"a": 2})
    chain.commit()
    assert stored.count == 2
    assert len(stored.errors) == 1
    assert stored.errors[0].startswith(error)
    assert output.batches == [[{"a": 1}, {"a": 2}]]


def test_a_request_without_callback_was_for_parse():
    chain = Chain([], meta=False)
    stored = chain.store([{1: 2}], Request("https://a.example/"), "https://a.example/", WHEN)
    assert stored.errors[0].startswith("dict from parse: ")


def test_a_failing_output_does_not_keep_the_items_from_the_others():
    broken, whole = Memory(fail_on="write"), Memory()
    chain = Chain([broken, whole], meta=False)
    store(chain, {"a": 1})
    with pytest.raises(OutputError, match="cannot write"):
        chain.commit()
    assert whole.batches == [[{"a": 1}]]
    chain.commit()  # not written twice
    assert whole.batches == [[{"a": 1}]]


def test_close_commits_first_and_closes_all_outputs():
    broken, whole = Memory(fail_on="close"), Memory()
    chain = Chain([broken, whole], meta=False)
    chain.open()
    store(chain, {"a": 1})
    with pytest.raises(OutputError, match="cannot close"):
        chain.close()
    assert broken.calls == whole.calls == ["open", "write", "close"]


def test_close_closes_although_the_last_commit_fails():
    broken = Memory(fail_on="write")
    chain = Chain([broken], meta=False)
    store(chain, {"a": 1})
    with pytest.raises(OutputError, match="cannot write"):
        chain.close()
    assert broken.calls == ["write", "close"]


def test_when_one_output_cannot_be_opened_the_others_are_closed():
    whole, broken = Memory(), Memory(fail_on="open")
    with pytest.raises(OutputError, match="cannot open"):
        Chain([whole, broken], meta=False).open()
    assert whole.calls == ["open", "close"]

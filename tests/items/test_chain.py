import json
import struct
from dataclasses import dataclass

import msgspec
import pytest

from crawler.digest import digest_of
from crawler.errors import OutputError
from crawler.item import to_json
from crawler.items.chain import Chain
from crawler.request import Request

REQUEST = Request("https://a.example/1", callback="parse_film")
WHEN = "2024-05-01T12:00:00Z"


class Memory:
    """An output that remembers what it was given. `waits`: how many of the last lines its mark does not cover."""

    def __init__(self, fail_on="", path="/memory", resumes=True, waits=0):
        self.path = path
        self.calls = []
        self.batches = []
        self.fail_on = fail_on
        self.resumes = resumes
        self.waits = waits

    def _called(self, name):
        self.calls.append(name)
        if name == self.fail_on:
            raise OutputError(f"cannot {name}")

    def open(self):
        self._called("open")

    def resume(self, mark):
        self._called(f"resume {mark}")
        return self.resumes

    def write(self, lines):
        self._called("write")
        self.batches.append([json.loads(line) for line in lines])

    def mark(self):
        return {"batches": len(self.batches)}, self.waits

    def flush(self, sync):
        self._called(f"flush {sync}")

    def close(self):
        self._called("close")

    def notes(self):
        return [f"{self.path}: a note"]


def items_after(last):
    """As a ledger with the items 1 to `last` gives them; item 1 is {"n":1}."""
    return lambda item: ((number, to_json({"n": number})) for number in range(item + 1, last + 1))


def numbers(output):
    return [item["n"] for batch in output.batches for item in batch]


def store(chain, *items):
    return chain.store(items, REQUEST, "https://a.example/1", WHEN)


@dataclass
class Film:
    title: str
    cover: object = None


class Model(msgspec.Struct):
    title: str


def test_stored_items_are_lines_of_json_in_their_order():
    chain = Chain([], meta=False)
    stored = store(chain, {"a": 1}, Film("x"), Model("霸"))
    assert stored.lines == (b'{"a":1}', b'{"title":"x","cover":null}', '{"title":"霸"}'.encode())
    assert stored.count == 3


def test_keys_are_those_of_items_that_are_lines_and_of_known_ones():
    chain = Chain([], meta=False)
    known = digest_of(b'{"n":3}')
    items = [{"n": 1}, {"n": object()}, {"n": 3}, {"n": 4}]
    stored = chain.store(items, REQUEST, "https://a.example/1", WHEN, {known}, [(1,), (2,), (3, 33), ()])
    assert (stored.count, stored.keys) == (2, (1, 3, 33))


def test_storing_writes_nothing():
    output = Memory()
    store(Chain([output], meta=False), {"a": 1})
    assert output.calls == []


def test_a_batch_is_one_write_per_output():
    first, second = Memory(), Memory()
    Chain([first, second], meta=False).write([b'{"a":1}', b'{"a":2}'], 2)
    assert first.batches == second.batches == [[{"a": 1}, {"a": 2}]]


def test_no_lines_are_no_write():
    output = Memory()
    Chain([output], meta=False).write([], 7)
    assert output.calls == []


def test_meta_says_where_an_item_comes_from():
    stored = store(Chain([], meta=True), {"a": 1}, {"_url": "mine"})
    assert [json.loads(line) for line in stored.lines] == [
        {"a": 1, "_url": "https://a.example/1", "_fetched": WHEN},
        {"_url": "mine", "_fetched": WHEN},
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
    stored = store(Chain([], meta=False), {"a": 1}, item, {"a": 2})
    assert stored.lines == (b'{"a":1}', b'{"a":2}')
    assert stored.count == 2
    assert len(stored.errors) == 1
    assert stored.errors[0].startswith(error)


def test_a_request_without_callback_was_for_parse():
    chain = Chain([], meta=False)
    stored = chain.store([{1: 2}], Request("https://a.example/"), "https://a.example/", WHEN)
    assert stored.errors[0].startswith("dict from parse: ")


def test_a_failing_output_does_not_keep_the_items_from_the_others():
    broken, whole = Memory(fail_on="write"), Memory()
    chain = Chain([broken, whole], meta=False)
    with pytest.raises(OutputError, match="cannot write"):
        chain.write([b'{"n":1}'], 1)
    assert numbers(whole) == [1]


def test_of_several_errors_the_first_is_raised():
    class Wordy(Memory):
        def close(self):
            raise OutputError(f"{self.path} is full")

    with pytest.raises(OutputError, match="first is full"):
        Chain([Wordy(path="/first"), Wordy(path="/second")], meta=False).close()


def test_an_output_that_failed_is_given_no_more_items_so_that_its_mark_stays_true():
    broken, whole = Memory(path="/broken"), Memory(path="/whole")
    chain = Chain([broken, whole], meta=False)
    chain.write([b'{"n":1}', b'{"n":2}'], 2)
    broken.fail_on = "write"
    with pytest.raises(OutputError):
        chain.write([b'{"n":3}'], 3)
    broken.fail_on = ""
    chain.write([b'{"n":4}'], 4)
    assert numbers(broken) == [1, 2]
    assert numbers(whole) == [1, 2, 3, 4]
    assert chain.marks() == [("/broken", {"batches": 1}, 2), ("/whole", {"batches": 3}, 4)]


def test_when_a_write_is_broken_off_no_output_goes_on_with_a_gap(monkeypatch):
    first, second = Memory(), Memory()
    chain = Chain([first, second], meta=False)
    with monkeypatch.context() as patch:
        patch.setattr(first, "write", lambda lines: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            chain.write([b'{"n":1}'], 1)
    chain.write([b'{"n":2}'], 2)
    assert numbers(first) == numbers(second) == []
    assert [item for _, _, item in chain.marks()] == [0, 0]


def test_marks_name_the_last_item_that_is_before_them():
    whole, waiting = Memory(path="/a"), Memory(path="/b", waits=2)
    chain = Chain([whole, waiting], meta=False)
    chain.write([b'{"n":1}', b'{"n":2}', b'{"n":3}'], 3)
    assert chain.marks() == [("/a", {"batches": 1}, 3), ("/b", {"batches": 1}, 1)]


def test_a_new_run_opens_its_outputs():
    output = Memory()
    Chain([output], meta=False).open()
    assert output.calls == ["open"]


def test_a_resumed_run_goes_on_at_each_mark_with_the_later_items():
    first, second = Memory(path="/a"), Memory(path="/b")
    chain = Chain([first, second], meta=False)
    chain.open({"/a": ({"x": 1}, 3), "/b": ({"y": 1}, 1)}, items_after(4))
    assert first.calls == ["resume {'x': 1}", "write"]
    assert second.calls == ["resume {'y': 1}", "write"]
    assert numbers(first) == [4]
    assert numbers(second) == [2, 3, 4]
    chain.write([b'{"n":5}'], 5)
    assert [item for _, _, item in chain.marks()] == [5, 5]


def test_an_output_that_cannot_be_resumed_is_written_whole():
    output = Memory(resumes=False)
    Chain([output], meta=False).open({"/memory": ({"x": 1}, 3)}, items_after(4))
    assert output.calls == ["resume {'x': 1}", "open", "write"]
    assert numbers(output) == [1, 2, 3, 4]


def test_an_output_without_a_mark_is_written_whole():
    output = Memory()
    Chain([output], meta=False).open({}, items_after(2))
    assert output.calls == ["open", "write"]
    assert numbers(output) == [1, 2]


def test_an_empty_mark_is_one():
    output = Memory()
    Chain([output], meta=False).open({"/memory": ({}, 2)}, items_after(2))
    assert output.calls == ["resume {}"]


def test_later_items_come_in_batches():
    output = Memory()
    Chain([output], meta=False).open({}, items_after(2500))
    assert [len(batch) for batch in output.batches] == [1000, 1000, 500]
    assert numbers(output) == list(range(1, 2501))


def test_all_outputs_are_opened_before_the_first_is_written():
    whole, broken = Memory(path="/a"), Memory(path="/b", fail_on="open")
    with pytest.raises(OutputError, match="cannot open"):
        Chain([whole, broken], meta=False).open({}, items_after(2))
    assert whole.calls == ["open", "close"]


def test_when_the_later_items_cannot_be_written_all_outputs_are_closed():
    whole, broken = Memory(path="/a"), Memory(path="/b", fail_on="write")
    with pytest.raises(OutputError, match="cannot write"):
        Chain([whole, broken], meta=False).open({}, items_after(2))
    assert whole.calls == ["open", "write", "close"]
    assert broken.calls == ["open", "write", "close"]


def test_flush_reaches_all_outputs():
    broken, whole = Memory(fail_on="flush True"), Memory()
    with pytest.raises(OutputError, match="cannot flush"):
        Chain([broken, whole], meta=False).flush(sync=True)
    assert whole.calls == ["flush True"]


def test_close_closes_all_outputs_and_their_marks_can_still_be_asked():
    broken, whole = Memory(fail_on="close", path="/a"), Memory(path="/b")
    chain = Chain([broken, whole], meta=False)
    chain.open()
    chain.write([b'{"n":1}'], 1)
    with pytest.raises(OutputError, match="cannot close"):
        chain.close()
    assert broken.calls == whole.calls == ["open", "write", "close"]
    assert [item for _, _, item in chain.marks()] == [1, 1]


def test_an_output_that_failed_is_closed_as_well():
    broken = Memory(fail_on="write")
    chain = Chain([broken], meta=False)
    with pytest.raises(OutputError):
        chain.write([b'{"n":1}'], 1)
    chain.close()
    assert broken.calls == ["write", "close"]


def test_when_one_output_cannot_be_opened_the_others_are_closed():
    whole, broken = Memory(), Memory(fail_on="open")
    with pytest.raises(OutputError, match="cannot open"):
        Chain([whole, broken], meta=False).open()
    assert whole.calls == ["open", "close"]


def test_notes_of_all_outputs_are_collected():
    assert Chain([Memory(path="/a"), Memory(path="/b")], meta=False).notes() == ["/a: a note", "/b: a note"]


@pytest.mark.parametrize("meta", [False, True])
def test_items_that_are_known_are_left_out(meta):
    chain = Chain([], meta=meta, keep=True)
    first = chain.store([{"a": 1}, {"a": 2}], Request("http://a.example/"), "http://a.example/", "monday")
    digests = struct.unpack("<2q", first.digests)
    second = chain.store([{"a": 1}, {"a": 3}], Request("http://a.example/"), "http://a.example/", "tuesday", digests)
    assert [msgspec.json.decode(line)["a"] for line in second.lines] == [3]
    assert struct.unpack("<2q", second.digests)[0] == digests[0], "a later run has to know it, too"
    assert [item["a"] for item in chain.kept] == [1, 2, 3]

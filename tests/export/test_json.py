import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import OutputError
from crawler.export.json import JsonArray
from crawler.item import to_json


@pytest.fixture
def exporter(tmp_path):
    exporter = JsonArray(str(tmp_path / "out.json"))
    exporter.open()
    yield exporter
    exporter.close()


def read(exporter):
    with open(exporter.path, "rb") as file:
        return file.read()


def test_no_items_are_an_empty_array(exporter):
    exporter.write([])
    exporter.close()
    assert read(exporter) == b"[\n]\n"


def test_one_item_per_line(exporter):
    exporter.write([b'{"a":1}'])
    exporter.write([b'{"a":2}', b'{"a":3}'])
    exporter.close()
    assert read(exporter) == b'[\n{"a":1},\n{"a":2},\n{"a":3}\n]\n'


def test_the_file_is_valid_without_close(exporter):
    assert json.loads(read(exporter)) == []
    exporter.write([b'{"a":1}'])
    assert json.loads(read(exporter)) == [{"a": 1}]
    exporter.write([b'{"a":2}'])
    assert json.loads(read(exporter)) == [{"a": 1}, {"a": 2}]


def test_a_resumed_array_knows_whether_it_has_items(exporter):
    empty, _ = exporter.mark()
    exporter.close()
    assert exporter.resume(empty)
    exporter.write([b'{"a":1}'])
    mark, _ = exporter.mark()
    exporter.close()
    assert exporter.resume(mark)
    exporter.write([b'{"a":2}'])
    assert json.loads(read(exporter)) == [{"a": 1}, {"a": 2}]


def test_what_is_no_regular_file_is_refused(tmp_path):
    path = tmp_path / "out.json"
    os.symlink("/dev/null", path)
    with pytest.raises(OutputError, match="regular file"):
        JsonArray(str(path)).open()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.lists(st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=3), max_size=4))
def test_any_batches_read_back_as_what_was_written(tmp_path_factory, batches):
    exporter = JsonArray(str(tmp_path_factory.getbasetemp() / "property.json"))
    exporter.open()
    for batch in batches:
        exporter.write([to_json(item) for item in batch])
    exporter.close()
    assert json.loads(read(exporter)) == [item for batch in batches for item in batch]

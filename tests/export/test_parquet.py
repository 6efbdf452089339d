import json
import os
import tempfile
from pathlib import Path

import pytest

from crawler.errors import OutputError
from crawler.export import parquet as module
from crawler.export.parquet import Parquet

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402


def written(path, *items, fields=()):
    exporter = Parquet(str(path), fields)
    exporter.open()
    exporter.write([json.dumps(item).encode() for item in items])
    exporter.close()
    return exporter, parquet.read_table(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.parquet"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -(2**63), 2**63 - 1], pyarrow.int64()),
        ([1.5, None], pyarrow.float64()),
        ([True, None, False], pyarrow.bool_()),
        (["霸", None, ""], pyarrow.string()),
        ([[1], [], None, [2, None]], pyarrow.list_(pyarrow.int64())),
        ([[["a"]], [[]]], pyarrow.list_(pyarrow.list_(pyarrow.string()))),
        ([None], pyarrow.string()),
        ([[]], pyarrow.list_(pyarrow.string())),
    ],
)
def test_values_of_one_type_keep_it(path, values, kind):
    exporter, table = written(path, *({"a": value} for value in values))
    assert table.schema.field("a").type == kind
    assert table["a"].to_pylist() == values
    assert exporter.notes() == []


@pytest.mark.parametrize(
    ("values", "kind", "expected", "is_told"),
    [
        ([1, 1.5], pyarrow.float64(), [1.0, 1.5], False),
        ([{"b": [1]}, None], pyarrow.string(), ['{"b":[1]}', None], False),
        ([2**63, 1], pyarrow.string(), [str(2**63), "1"], False),
        ([1, "x", None, [2]], pyarrow.string(), ["1", "x", None, "[2]"], True),
        ([True, 1], pyarrow.string(), ["true", "1"], True),
        (["x", {"b": 1}], pyarrow.string(), ["x", '{"b":1}'], True),
        ([[1], ["x"]], pyarrow.list_(pyarrow.string()), [["1"], ["x"]], True),
    ],
)
def test_values_of_several_types_become_text_and_that_is_told(path, values, kind, expected, is_told):
    exporter, table = written(path, *({"a": value} for value in values))
    assert table.schema.field("a").type == kind
    assert table["a"].to_pylist() == expected
    told = [f"{path}: the field a has values of several types, all are written as text"] if is_told else []
    assert exporter.notes() == told


def test_columns_are_those_of_all_items_and_chosen_ones_come_first(path):
    _, table = written(path, {"a": 1}, {"b": 2, "c": 3}, fields=["c", "d"])
    assert table.column_names == ["c", "d", "a", "b"]
    assert table.to_pylist()[1] == {"c": 3, "d": None, "a": None, "b": 2}


def test_rows_are_written_in_groups(path, monkeypatch):
    monkeypatch.setattr(module, "GROUP", 10)
    written(path, *({"a": number} for number in range(25)))
    file = parquet.ParquetFile(path)
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [10, 10, 5]
    assert file.read()["a"].to_pylist() == list(range(25))


def test_no_items_make_a_valid_file(path):
    _, table = written(path)
    assert table.num_rows == 0


def test_an_old_file_stays_until_the_new_one_is_complete(path, monkeypatch):
    written(path, {"a": 1})
    before = path.read_bytes()
    exporter = Parquet(str(path))
    exporter.open()
    exporter.write([b'{"a":2}'])
    exporter.abandon()
    assert path.read_bytes() == before
    exporter.open()
    exporter.write([b'{"a":2}'])
    assert path.read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OutputError, match=r"out\.parquet: No space left"):
            exporter.close()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["out.parquet"]


def test_it_needs_a_regular_file(tmp_path):
    (tmp_path / "out.parquet").symlink_to("/dev/null")
    with pytest.raises(OutputError, match="regular file"):
        Parquet(str(tmp_path / "out.parquet")).open()
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_temporary_folder_that_is_full_is_told(path, monkeypatch, size):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "w+b"))  # noqa: SIM115
    exporter = Parquet(str(path))
    exporter.open()

    def fill():
        exporter.write([b'{"a":"%s"}' % (b"x" * size)])
        exporter.close()

    with pytest.raises(OutputError, match=f"lines wait in {tempfile.gettempdir()}: No space left"):
        fill()
    exporter.abandon()

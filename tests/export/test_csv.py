import csv
import gzip
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import OutputError
from crawler.export.csv import Csv
from crawler.export.file import File
from crawler.export.gzip import GzipFile
from crawler.item import to_json


@pytest.fixture
def exporter(tmp_path):
    exporter = Csv(str(tmp_path / "out.csv"))
    exporter.open()
    yield exporter
    exporter.close()


def read(exporter):
    with open(exporter.path, "rb") as file:
        return file.read()


def rows(exporter):
    with open(exporter.path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_header_is_the_fields_of_the_first_item(exporter):
    exporter.write([b'{"rank":1,"title":"\xe9\x9c\xb8"}'])
    assert read(exporter) == "rank,title\r\n1,霸\r\n".encode()


def test_no_items_make_an_empty_file(exporter):
    exporter.write([])
    exporter.close()
    assert read(exporter) == b""


def test_cells_are_quoted_as_in_rfc_4180(exporter):
    exporter.write([to_json({"a": 'say "x", y', "b": "two\nlines", "c": "two\r\nlines"})])
    assert read(exporter) == b'a,b,c\r\n"say ""x"", y","two\nlines","two\r\nlines"\r\n'


def test_a_missing_field_is_an_empty_cell(exporter):
    exporter.write([b'{"a":1,"b":2}'])
    exporter.write([b'{"b":3}'])
    assert read(exporter) == b"a,b\r\n1,2\r\n,3\r\n"


def test_values_that_look_like_formulas_stay_as_they_are(exporter):
    exporter.write([to_json({"a": "=1+1", "b": "-5", "c": "@me"})])
    assert read(exporter) == b"a,b,c\r\n=1+1,-5,@me\r\n"


def test_a_new_field_widens_the_file_and_loses_nothing(exporter, tmp_path):
    exporter.write([to_json({"a": 'x "\r\n" y', "b": ""})])
    exporter.write([b'{"c":3,"a":"z"}', b'{"d":4}'])
    exporter.write([b'{"a":"last"}'])
    assert rows(exporter) == [
        ["a", "b", "c", "d"],
        ['x "\r\n" y', "", "", ""],
        ["z", "", "3", ""],
        ["", "", "", "4"],
        ["last", "", "", ""],
    ]
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_new_field_within_the_first_batch_needs_no_second_file(exporter, monkeypatch):
    monkeypatch.setattr(os, "replace", None)
    exporter.write([b'{"a":1}', b'{"b":2}'])
    assert read(exporter) == b"a,b\r\n1,\r\n,2\r\n"


def test_a_single_column_with_an_empty_cell_is_still_a_row(exporter):
    exporter.write([b'{"a":null}'])
    exporter.write([b'{"b":1}'])
    assert rows(exporter) == [["a", "b"], ["", ""], ["", "1"]]


def test_an_item_without_fields_has_no_row(exporter):
    exporter.write([b"{}"])
    exporter.write([b'{"a":1}', b"{}"])
    assert read(exporter) == b"a\r\n1\r\n"


def test_cells_longer_than_the_csv_module_reads_survive_widening(exporter):
    long = "x\n" * 200_000
    exporter.write([to_json({"a": long})])
    exporter.write([b'{"b":1}'])
    assert read(exporter) == b'a,b\r\n"' + long.encode() + b'",\r\n,1\r\n'


def test_widening_keeps_the_mode_and_a_link_of_the_file(tmp_path):
    real = tmp_path / "real.csv"
    link = tmp_path / "out.csv"
    os.symlink(real, link)
    exporter = Csv(str(link))
    exporter.open()
    os.chmod(real, 0o640)
    exporter.write([b'{"a":1}'])
    exporter.write([b'{"b":2}'])
    exporter.close()
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_bytes() == b"a,b\r\n1,\r\n,2\r\n"


def test_when_widening_fails_the_file_is_as_before(exporter, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    exporter.write([b'{"a":1}'])
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fails)
        with pytest.raises(OutputError, match=r"cannot write .*out\.csv: No space left on device"):
            exporter.write([b'{"b":2}'])
    assert read(exporter) == b"a\r\n1\r\n"
    assert os.listdir(tmp_path) == ["out.csv"]
    exporter.write([b'{"b":3}'])
    assert read(exporter) == b"a,b\r\n1,\r\n,3\r\n"


def test_a_file_left_by_a_killed_process_is_removed(exporter, tmp_path):
    leftover = tmp_path / ".out.csv.wider"
    exporter.close()
    leftover.write_text("half")
    exporter.open()
    assert not leftover.exists()
    exporter.write([b'{"a":1}'])
    exporter.write([b'{"b":2}'])
    assert read(exporter) == b"a,b\r\n1,\r\n,2\r\n"


def test_descriptors_do_not_leak_by_widening(exporter):
    exporter.write([b'{"a":1}'])
    before = len(os.listdir("/dev/fd"))
    for number in range(5):
        exporter.write([to_json({f"field{number}": 1})])
    assert len(os.listdir("/dev/fd")) == before


def test_a_device_cannot_be_widened(tmp_path):
    path = tmp_path / "out.csv"
    os.symlink("/dev/null", path)
    exporter = Csv(str(path))
    exporter.open()
    exporter.write([b'{"a":1}'])
    with pytest.raises(OutputError, match="the new field 'b'"):
        exporter.write([b'{"b":1}'])
    exporter.close()
    assert os.path.islink(path)


def test_a_resumed_file_goes_on_under_its_header(exporter):
    exporter.write([b'{"a":1,"b":2}'])
    mark, _ = exporter.mark()
    exporter.write([b'{"a":3}'])
    exporter.close()
    other = Csv(exporter.path)
    assert other.resume(mark)
    other.write([b'{"b":4}'])
    other.close()
    assert read(exporter) == b"a,b\r\n1,2\r\n,4\r\n"


def test_a_file_marked_while_it_was_empty_gets_its_header_when_it_is_resumed(exporter):
    mark, _ = exporter.mark()
    exporter.write([b'{"a":1}'])
    exporter.close()
    other = Csv(exporter.path)
    assert other.resume(mark)
    other.write([b'{"b":2}'])
    other.close()
    assert read(exporter) == b"b\r\n2\r\n"


def test_a_file_that_was_widened_after_the_mark_is_not_resumed(exporter):
    exporter.write([to_json({"a": "x" * 100})])
    mark, _ = exporter.mark()
    exporter.write([b'{"b":2}'])
    exporter.close()
    assert not Csv(exporter.path).resume(mark)


def test_a_leftover_of_a_killed_process_does_not_keep_a_resumed_file_from_being_widened(exporter, tmp_path):
    exporter.write([b'{"a":1}'])
    exporter.close()
    (tmp_path / ".out.csv.wider").write_text("half")
    other = Csv(exporter.path)
    assert other.resume(exporter.mark()[0])
    other.write([b'{"b":2}'])
    other.close()
    assert read(exporter) == b"a,b\r\n1,\r\n,2\r\n"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_many_rows_are_widened(exporter):
    exporter.write([to_json({"a": str(number)}) for number in range(2500)])
    exporter.write([b'{"b":"last"}'])
    assert rows(exporter) == [["a", "b"], *([str(number), ""] for number in range(2500)), ["", "last"]]


def test_after_widening_the_file_and_its_new_name_are_synced(exporter, tmp_path, monkeypatch):
    exporter.write([b'{"a":1}'])
    exporter.flush(sync=True)
    exporter.write([b'{"b":1}'])
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
    exporter.flush(sync=True)
    assert synced == [os.stat(exporter.path).st_ino, tmp_path.stat().st_ino]


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.lists(st.dictionaries(texts, texts, min_size=1, max_size=3), max_size=3), max_size=4))
def test_any_items_read_back_as_what_was_written(tmp_path_factory, batches):
    exporter = Csv(str(tmp_path_factory.getbasetemp() / "property.csv"))
    exporter.open()
    for batch in batches:
        exporter.write([to_json(item) for item in batch])
    exporter.close()
    items = [item for batch in batches for item in batch]
    header = list(dict.fromkeys(name for item in items for name in item))
    assert rows(exporter) == ([header] if items else []) + [[item.get(name, "") for name in header] for item in items]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_relative_file_gets_its_new_column_when_the_working_folder_has_changed(compressed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    exporter = Csv("out.csv", GzipFile if compressed else File)
    exporter.open()
    exporter.write([b'{"a":1}'])
    monkeypatch.chdir("elsewhere")
    for field in ("b", "c"):
        exporter.write([b'{"%s":2}' % field.encode()])
        exporter.flush(sync=True)
    exporter.close()
    data = (tmp_path / "out.csv").read_bytes()
    assert (gzip.decompress(data) if compressed else data) == b"a,b,c\r\n1,,\r\n,2,\r\n,,2\r\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-", "+1 2", "--5", "=-5"],
)
def test_cells_that_look_like_formulas_are_escaped_on_request(text, tmp_path):
    exporter = Csv(str(tmp_path / "out.csv"), escape=True)
    exporter.open()
    exporter.write([to_json({"a": text, text: "b"})])
    exporter.close()
    assert rows(exporter) == [["a", f"'{text}"], [f"'{text}", "b"]]


@pytest.mark.parametrize(
    "value",
    [-5, -5.25, 1e300, -1e-300, "-5", "+3.2", "-1,234.50", "-.5", "+1e6", "-12%", "a=1", "'=1", "", " =1", "a\n=1"],
)
def test_numbers_and_other_text_are_never_escaped(value, tmp_path):
    exporter = Csv(str(tmp_path / "out.csv"), escape=True)
    exporter.open()
    exporter.write([to_json({"a": value})])
    exporter.close()
    assert rows(exporter)[1] == [value if isinstance(value, str) else to_json(value).decode()]


def test_a_header_that_is_escaped_is_the_same_header_after_a_resume_and_when_it_grows(tmp_path):
    exporter = Csv(str(tmp_path / "out.csv"), escape=True)
    exporter.open()
    exporter.write([to_json({"=a": "=1"})])
    mark, _ = exporter.mark()
    exporter.close()
    again = Csv(str(tmp_path / "out.csv"), escape=True)
    assert again.resume(mark)
    again.write([to_json({"=a": "=2", "@b": 3})])
    again.close()
    assert rows(again) == [["'=a", "'@b"], ["'=1", ""], ["'=2", "3"]]

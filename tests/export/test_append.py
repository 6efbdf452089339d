"""`--append`: what was there before stays, and a run that is killed adds its items once."""

import gzip
import os
import sys

import pytest

from crawler.errors import OutputError, UsageError
from crawler.export.registry import Options, exporter_for

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}
UNPACK = {"": bytes, ".gz": gzip.decompress, ".zst": zstd.decompress}


@pytest.fixture(params=list(PACK))
def end(request):
    return request.param


def adding(path, **options):
    return exporter_for(str(path), Options(append=True, template="{a}", **options))


@pytest.mark.parametrize("old", [b'{"a":0}\n', b'{"a":0}'])
def test_items_come_after_what_is_there_on_lines_of_their_own(old, end, tmp_path):
    path = tmp_path / f"out.jsonl{end}"
    path.write_bytes(PACK[end](old))
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert UNPACK[end](path.read_bytes()) == b'{"a":0}\n{"a":1}\n'


def test_a_file_that_is_not_there_is_made(end, tmp_path):
    path = tmp_path / f"out.jsonl{end}"
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert UNPACK[end](path.read_bytes()) == b'{"a":1}\n'


def test_killed_before_anything_was_written_nothing_of_its_own_counts_as_there_before(end, tmp_path):
    path = tmp_path / f"out.jsonl{end}"
    path.write_bytes(PACK[end](b'{"a":0}\n'))
    exporter = adding(path)
    exporter.open()
    mark, _ = exporter.mark()
    exporter.write([b'{"a":1}'])
    exporter.close()
    other = adding(path)
    assert other.resume(mark)
    other.write([b'{"a":1}', b'{"a":2}'])
    other.close()
    assert UNPACK[end](path.read_bytes()) == b'{"a":0}\n{"a":1}\n{"a":2}\n'


def test_where_the_later_part_is_not_what_was_written_only_that_is_written_again(end, tmp_path):
    path = tmp_path / f"out.jsonl{end}"
    old = PACK[end](b'{"a":0}\n')
    path.write_bytes(old)
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    mark, _ = exporter.mark()
    os.truncate(path, len(old) + 3)
    other = adding(path)
    assert not other.resume(mark)
    other.open()
    other.write([b'{"a":1}'])
    other.close()
    assert UNPACK[end](path.read_bytes()) == b'{"a":0}\n{"a":1}\n'


@pytest.mark.parametrize("new", [b'{"b":0}\n', b""])
def test_where_what_was_there_before_has_changed_the_file_is_left_alone(new, tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"a":0}\n')
    exporter = adding(path)
    exporter.open()
    exporter.close()
    mark, _ = exporter.mark()
    path.write_bytes(new)
    other = adding(path)
    assert not other.resume(mark)
    with pytest.raises(OutputError, match="what was in it before this run"):
        other.open()
    assert path.read_bytes() == new


def test_what_is_not_compressed_as_its_name_says_is_refused(tmp_path):
    for end in (".gz", ".zst"):
        path = tmp_path / f"out.jsonl{end}"
        path.write_bytes(b"plain text, and long enough for both of them")
        with pytest.raises(OutputError, match="not compressed as its name says"):
            adding(path).open()
        assert path.read_bytes().startswith(b"plain")


def test_rows_go_under_the_header_that_is_there(end, tmp_path):
    path = tmp_path / f"out.csv{end}"
    path.write_bytes(PACK[end]('\ufeffb,"a,x"\r\n1,2'.encode()))
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a,x":"4","b":"3"}', b'{"b":"5"}'])
    exporter.close()
    assert UNPACK[end](path.read_bytes()) == '\ufeffb,"a,x"\r\n1,2\r\n3,4\r\n5,\r\n'.encode()


def test_a_field_without_a_column_is_refused_and_nothing_is_changed(tmp_path):
    path = tmp_path / "out.csv"
    path.write_bytes(b"a,b\r\n1,2\r\n")
    exporter = adding(path)
    exporter.open()
    with pytest.raises(OutputError, match=r"out\.csv: it has no column 'c'") as caught:
        exporter.write([b'{"a":3}', b'{"c":4}'])
    assert "--fields a,b" in caught.value.hint
    exporter.close()
    with pytest.raises(OutputError, match="no column 'd'"):
        adding(path, fields=["a", "d"]).open()
    assert path.read_bytes() == b"a,b\r\n1,2\r\n"


def test_a_header_is_written_where_there_is_none_and_may_grow(end, tmp_path):
    path = tmp_path / f"out.csv{end}"
    path.write_bytes(PACK[end](b""))
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.write([b'{"b":2}'])
    exporter.close()
    assert UNPACK[end](path.read_bytes()) == b"a,b\r\n1,\r\n,2\r\n"


def test_a_resumed_csv_file_goes_on_under_the_header_it_found(tmp_path):
    path = tmp_path / "out.csv"
    path.write_bytes(b"b,a\r\n0,0\r\n")
    exporter = adding(path)
    exporter.open()
    exporter.write([b'{"a":1}'])
    mark, _ = exporter.mark()
    exporter.close()
    other = adding(path)
    assert other.resume(mark)
    other.write([b'{"a":2,"b":3}'])
    with pytest.raises(OutputError, match="no column 'c'"):
        other.write([b'{"c":4}'])
    other.close()
    assert path.read_bytes() == b"b,a\r\n0,0\r\n,1\r\n3,2\r\n"


@pytest.mark.parametrize("name", ["out.json", "out.xml", "out.json.gz", "out.parquet"])
def test_what_is_written_whole_cannot_be_appended(name):
    with pytest.raises(UsageError, match="cannot append"):
        adding(name)


def test_standard_output_takes_it_as_ever(capfd):
    exporter = adding("-")
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert capfd.readouterr().out == '{"a":1}\n'

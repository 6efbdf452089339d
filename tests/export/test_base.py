import os

import pytest

from crawler.errors import OutputError


def test_whatever_the_format_it_is_resumed_at_its_mark(name, tmp_path, exporter_of, items_of, shown):
    path = tmp_path / name
    exporter = exporter_of(path)
    exporter.open()
    exporter.write([b'{"a":"1","b":"x"}'])
    exporter.flush(sync=False)
    mark, behind = exporter.mark()
    assert behind == 0
    exporter.write([b'{"a":"2","b":"y"}', b'{"a":"3","b":"y"}'])
    exporter.close()

    other = exporter_of(path)
    assert other.resume(mark)
    assert other.mark() == (mark, 0)
    other.write([b'{"a":"4","b":"z"}'])
    other.close()
    assert items_of(path) == shown(name, [{"a": "1", "b": "x"}, {"a": "4", "b": "z"}])


def test_whatever_the_format_a_missing_file_is_not_resumed(name, tmp_path, exporter_of):
    exporter = exporter_of(tmp_path / name)
    exporter.open()
    exporter.write([b'{"a":"1"}'])
    exporter.close()
    os.unlink(exporter.path)
    assert not exporter.resume(exporter.mark()[0])
    assert not os.path.exists(exporter.path)


def test_whatever_the_format_nothing_but_the_file_is_left_behind(name, tmp_path, exporter_of):
    descriptors = len(os.listdir("/dev/fd"))
    exporter = exporter_of(tmp_path / name)
    exporter.open()
    exporter.write([b'{"a":"1"}'])
    exporter.write([b'{"b":"2"}'])
    exporter.close()
    exporter.resume(exporter.mark()[0])
    exporter.close()
    exporter.close()
    assert len(os.listdir("/dev/fd")) == descriptors
    assert os.listdir(tmp_path) == [name]


def test_whatever_the_format_a_closed_file_is_not_written_to(name, tmp_path, exporter_of, items_of):
    exporter = exporter_of(tmp_path / name)
    exporter.open()
    exporter.close()
    with pytest.raises(OutputError):
        exporter.write([b'{"a":"' + b"x" * 100_000 + b'"}'])
    assert items_of(tmp_path / name) == []

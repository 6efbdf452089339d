import os

from crawler.export.jsonl import Jsonl


def test_one_item_per_line(tmp_path):
    path = tmp_path / "out.jsonl"
    exporter = Jsonl(str(path))
    exporter.open()
    exporter.write(['{"title":"霸王别姬"}'.encode(), b'{"b":2}'])
    exporter.write([b'{"c":3}'])
    exporter.close()
    assert path.read_text(encoding="utf-8") == '{"title":"霸王别姬"}\n{"b":2}\n{"c":3}\n'


def test_no_items_make_an_empty_file(tmp_path):
    path = tmp_path / "out.jsonl"
    exporter = Jsonl(str(path))
    exporter.open()
    exporter.close()
    assert path.read_bytes() == b""


def test_a_dash_is_standard_output(capfd):
    exporter = Jsonl("-")
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert capfd.readouterr().out == '{"a":1}\n'
    assert not os.path.exists("-")


def test_lines_for_a_screen_go_through_what_makes_them_safe(capfd):
    exporter = Jsonl("-", shown=str.upper)
    exporter.open()
    exporter.write([b'{"a":"x"}', b'{"b":1}'])
    exporter.close()
    assert capfd.readouterr().out == '{"A":"X"}\n{"B":1}\n'

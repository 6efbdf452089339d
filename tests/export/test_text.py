import gzip

import pytest

from crawler.errors import UsageError
from crawler.export.gzip import GzipFile
from crawler.export.text import Template
from crawler.item import to_json


def written(tmp_path, template, *items):
    exporter = Template(str(tmp_path / "out.txt"), template)
    exporter.open()
    exporter.write([to_json(item) for item in items])
    exporter.close()
    with open(exporter.path, "rb") as file:
        return file.read().decode()


def test_fields_are_replaced(tmp_path):
    items = [{"url": "https://a.example/", "size": 12}, {"url": "二", "size": None}]
    assert (
        written(tmp_path, "url:<{url}> size:[{size}]", *items)
        == "url:<https://a.example/> size:[12]\nurl:<二> size:[]\n"
    )


def test_a_missing_field_is_empty(tmp_path):
    assert written(tmp_path, "[{a}]", {"b": 1}) == "[]\n"


def test_doubled_braces_are_braces(tmp_path):
    assert written(tmp_path, "{{{a}}}", {"a": 1}) == "{1}\n"


def test_names_may_be_in_any_script(tmp_path):
    assert written(tmp_path, "{片名} {film-title}", {"片名": "x", "film-title": "y"}) == "x y\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1e", "\x85", "\u2028"])
def test_a_line_end_inside_a_value_is_a_space(tmp_path, end):
    assert written(tmp_path, "{a}", {"a": f"one{end}two"}) == "one two\n"


def test_nested_values_are_compact_json(tmp_path):
    assert written(tmp_path, "{a} {b}", {"a": [1, {"x": 2}], "b": True}) == '[1,{"x":2}] true\n'


def test_braces_in_a_value_stay(tmp_path):
    assert written(tmp_path, "{a}", {"a": "{b}", "b": "secret"}) == "{b}\n"


def test_bytes_of_the_command_line_that_are_not_utf8_go_out_as_they_came(tmp_path):
    exporter = Template(str(tmp_path / "out.txt"), "\udce9 {a}")
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert (tmp_path / "out.txt").read_bytes() == b"\xe9 1\n"


def test_lines_can_be_compressed(tmp_path):
    exporter = Template(str(tmp_path / "out.txt.gz"), "<{a}>", GzipFile)
    exporter.open()
    exporter.write([b'{"a":1}', b'{"a":2}'])
    exporter.close()
    assert gzip.decompress((tmp_path / "out.txt.gz").read_bytes()) == b"<1>\n<2>\n"


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{a.b}", "{a.b} looks inside a field"),
        ("{a[0]}", "{a[0]} looks inside a field"),
        ("{a.__class__.__init__.__globals__}", "looks inside a field"),
        ("{0}", "{0} is a number"),
        ("{}", "{} has no field name"),
        ("{a!r}", "{a} has a format or a conversion"),
        ("{a:>1000000000}", "{a} has a format or a conversion"),
        ("{a:{b}}", "{a} has a format or a conversion"),
        ("{a", "write {{ or }} for a brace itself"),
        ("a}", "write {{ or }} for a brace itself"),
        ("no field", "it names no field"),
        ("", "it names no field"),
    ],
)
def test_other_templates_are_refused_with_the_fault_and_an_example(template, fault):
    with pytest.raises(UsageError) as caught:
        Template("out.txt", template)
    assert repr(template) in caught.value.message
    assert fault in caught.value.message
    assert "url:<{url}>" in caught.value.hint


def finished(tmp_path, template, *items):
    exporter = Template(str(tmp_path / "out.txt"), template)
    exporter.open()
    for item in items:
        exporter.write([to_json(item)])
    exporter.close()
    return exporter


def test_a_field_that_no_item_had_is_noted(tmp_path):
    path = tmp_path / "out.txt"
    exporter = finished(tmp_path, "{titel} {year} {size}", {"title": "a"}, {"size": 1})
    assert exporter.notes() == [
        f"{path}: no item has the field {{titel}} of the format; did you mean {{title}}?",
        f"{path}: no item has the field {{year}} of the format; fields are title, size",
    ]


def test_there_is_nothing_to_note_of_fields_that_some_items_have_nor_without_items(tmp_path):
    assert finished(tmp_path, "{a} {b}", {"a": 1}, {"b": 2}).notes() == []
    assert finished(tmp_path, "{a}").notes() == []


def test_a_resumed_file_is_not_judged_by_its_later_items(tmp_path):
    first = finished(tmp_path, "{a}", {"a": 1})
    again = Template(first.path, "{a}")
    assert again.resume(first.mark()[0])
    again.write([b'{"b":1}'])
    again.close()
    assert again.notes() == []

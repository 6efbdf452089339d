import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from crawler.errors import OutputError
from crawler.export.xml import Xml, element_name
from crawler.item import to_json


def written(path, *items):
    exporter = Xml(str(path))
    exporter.open()
    exporter.write([to_json(item) for item in items])
    exporter.close()
    return path.read_text(encoding="utf-8")


def test_items_as_elements(tmp_path):
    assert written(tmp_path / "out.xml", {"title": "霸王别姬", "score": 9.5, "seen": True, "none": None}, {}) == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<items>\n"
        "  <item>\n"
        "    <title>霸王别姬</title>\n"
        "    <score>9.5</score>\n"
        "    <seen>true</seen>\n"
        "    <none/>\n"
        "  </item>\n"
        "  <item>\n"
        "  </item>\n"
        "</items>\n"
    )


def test_lists_and_objects(tmp_path):
    text = written(tmp_path / "out.xml", {"a": ["x", [1, None]], "b": {"c d": {"e": 1}}, "f": []})
    assert "<a><value>x</value><value><value>1</value><value/></value></a>" in text
    assert "<b><c_d><e>1</e></c_d></b>" in text
    assert "<f></f>" in text


def test_what_xml_cannot_hold(tmp_path):
    path = tmp_path / "out.xml"
    written(
        path,
        {"a": "<b>&amp; ]]> \r\n\t\0\x0b\x1f\ufffe\uffff \U0001f600", "": 1, "1a": 2, "x:y": 3, "-": 4, "é.b-c": 5},
    )
    (item,) = etree.parse(path).getroot()
    assert [(field.tag, field.text) for field in item] == [
        ("a", "<b>&amp; ]]> \r\n\t \U0001f600"),
        ("_", "1"),
        ("_1a", "2"),
        ("x_y", "3"),
        ("_-", "4"),
        ("é.b-c", "5"),
    ]


def test_a_document_needs_a_regular_file():
    with pytest.raises(OutputError, match="regular file"):
        Xml("/dev/null").open()


@given(st.dictionaries(st.text(), st.text(), max_size=4))
def test_any_item_makes_a_well_formed_document(tmp_path_factory, item):
    try:
        to_json(item)
    except ValueError:  # lone surrogates
        return
    path = tmp_path_factory.getbasetemp() / "property.xml"
    written(path, item)
    (found,) = etree.parse(path).getroot()
    assert [field.tag for field in found] == [element_name(name) for name in item]

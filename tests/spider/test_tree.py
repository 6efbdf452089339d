from __future__ import annotations

import pytest

from crawler.spider.tree import is_xml, missing, parse_html, parse_links, parse_xml


@pytest.mark.parametrize(
    "text", ["", "  \n", "<!-- only a comment -->", "text", "<?xml?>", "<!DOCTYPE html>", "\0", "</p>"]
)
def test_anything_is_an_html_document(text: str) -> None:
    assert parse_html(text).tag == "html"


@pytest.mark.parametrize(
    "declared", ['<meta charset="gbk">', "<meta charset=bogus>", '<?xml version="1.0" encoding="gbk"?>']
)
def test_declared_encodings_do_not_count_any_more(declared: str) -> None:
    assert parse_html(f"{declared}<p>中文é</p>").xpath("string(//p)") == "中文é"


def test_a_nul_becomes_the_replacement_character_and_hides_nothing() -> None:
    tree = parse_html("<p>a\0b</p><a href='/next'>")
    assert tree.xpath("string(//p)") == "a\ufffdb"
    assert tree.xpath("//a/@href") == ["/next"]
    assert parse_xml("<a>x\0y</a>").text == "x\ufffdy"


def test_a_link_2000_elements_deep_is_found() -> None:
    assert parse_html("<div>" * 2000 + "<a href=/deep>").xpath("//a/@href") == ["/deep"]


def test_xml_keeps_its_case_and_namespaces_and_is_repaired() -> None:
    tree = parse_xml('<?xml version="1.0" encoding="gbk"?>\n<Feed xmlns="urn:x"><Title>中</title>')
    assert tree.tag == "{urn:x}Feed"
    assert tree[0].text == "中"


@pytest.mark.parametrize("text", ["", "  ", "no xml at all", '<?xml version="1.0"?>'])
def test_xml_without_an_element_is_an_empty_element(text: str) -> None:
    assert parse_xml(text).tag == "empty"


def test_entities_are_neither_read_from_files_nor_expanded(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret words")
    tree = parse_xml(f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]><r>&x;</r>')
    assert "secret words" not in "".join(tree.itertext(with_tail=True))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    tree = parse_xml(f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]><r>&l9;</r>')
    assert len("".join(str(part) for part in tree.itertext())) < 100


@pytest.mark.parametrize(
    ("text", "mime", "xml"),
    [
        ("<rss>", "application/rss+xml", True),
        ("<rss>", "text/xml", True),
        ('<?xml version="1.0"?><rss>', "text/html", True),
        ('\n<?xml version="1.0"?><rss>', "", True),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "application/xhtml+xml", False),
        ('<?xml version="1.0"?><!DOCTYPE html PUBLIC "x">', "text/html", False),
        ("<html>", "application/xml", False),
        ("<p>", "text/html", False),
        ("<rss>", "", False),
    ],
)
def test_tells_xml_from_html(text: str, mime: str, xml: bool) -> None:
    assert is_xml(text, mime) is xml


def deep(levels, inside=""):
    return f"<title>t</title>{'<div>' * levels}{inside}{'</div>' * levels}<a href=/after>after</a>"


@pytest.mark.parametrize(("levels", "lost"), [(10, False), (2000, False), (2100, True), (60_000, True)])
def test_a_document_that_is_too_deep_is_noticed(levels, lost):
    text = deep(levels)
    too_deep, told = missing(parse_html(text), text)
    assert too_deep is bool(told) is lost
    assert [a.get("href") for a in parse_links(text).iter("a")] == ["/after"]


def test_a_document_of_too_many_tags_is_cut():
    text = "<a href=/x>x</a>" * 200_000
    root = parse_html(text)
    assert sum(1 for _ in root.iter("a")) == 75_000
    assert missing(root, text) == (
        False,
        "has more than 150000 tags: the others are not in its tree (limits.max_tags)",
    )
    honest = "<a href=/x>x</a>" * 70_000
    assert missing(parse_html(honest), honest) == (False, "")


def test_of_xml_so_many_tags_are_read_too() -> None:
    root = parse_xml("<a>" + "<b/>" * 100, 50)
    assert len(root) == 49
    text = "<a>" + "<b/>" * 3_000
    assert missing(parse_xml(text, 50), text, 50)[1] == (
        "has more than 50 tags: the others are not in its tree (limits.max_tags)"
    )

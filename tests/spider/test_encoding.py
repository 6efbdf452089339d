from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.spider import encoding
from crawler.spider.encoding import codec_of, decode, parse_content_type

DATA = Path(__file__).parents[3] / "shared" / "data" / "encoding"


def _html5lib_cases() -> list[tuple[bytes, str]]:
    cases = []
    for file in sorted(DATA.glob("*.dat")):
        for case in re.split(rb"(?:^|\n)#data\n", file.read_bytes())[1:]:
            body, _, label = case.partition(b"\n#encoding\n")
            # Browsers are tested with more; what the prescan decides, it decides in its first 1,024 bytes.
            if len(body) <= 1030:
                cases.append((body, label.strip().decode().lower()))
    return cases


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/encoding (html5lib-tests) is not there")
def test_declarations_are_found_as_html5lib_tests_say() -> None:
    cases = _html5lib_cases()
    assert len(cases) >= 75
    wrong = []
    for body, label in cases:
        codec = decode(body, None)[1] if body[:3] == b"\xef\xbb\xbf" else encoding._declared(body[:1024], "text/html")
        if (codec or "cp1252") != codec_of(label):
            wrong.append((body, label, codec))
    assert wrong == []


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf-8", "utf-8"), ("unicode-1-1-utf-8", "utf-8"), ("gb2312", "gb18030"), ("gbk", "gb18030"),
        ("x-gbk", "gb18030"), ("shift_jis", "cp932"), ("windows-31j", "cp932"), ("euc-kr", "cp949"),
        ("ks_c_5601-1987", "cp949"), ("big5", "big5hkscs"), ("iso-8859-1", "cp1252"), ("latin1", "cp1252"),
        ("us-ascii", "cp1252"), ("iso88592", "iso8859-2"), ("iso885915", "iso8859-15"), ("iso88599", "cp1254"),
        ("tis-620", "cp874"), ("x-cp1251", "cp1251"), ("utf-16", "utf-16-le"), ("x-mac-cyrillic", "mac-cyrillic"),
        ("iso-8859-8-i", "iso8859-8"), ("koi8-ru", "koi8-u"), ("iso_8859-5:1988", "iso8859-5"),
    ],
)  # fmt: skip
def test_labels_mean_what_the_encoding_standard_says(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label",
    ["", "utf-7", "utf-32", "rot13", "base64", "idna", "undefined", "cp437", "unicode_escape", "\0", 'gbk"', "x"],
)
def test_labels_that_are_no_web_encoding_are_unknown(label: str) -> None:
    assert codec_of(label) is None


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("text/html; charset=GBK", ("text/html", "gb18030")),
        ('Text/HTML;charset="gbk"', ("text/html", "gb18030")),
        ("text/html; a=b; Charset=gbk; c=d", ("text/html", "gb18030")),
        ("text/html; charset=bogus", ("text/html", None)),
        ("text/html; charset=", ("text/html", None)),
        ("", ("", None)),
    ],
)
def test_reads_a_content_type(header: str, answer: tuple[str, str | None]) -> None:
    assert parse_content_type(header) == answer


def test_a_byte_order_mark_beats_the_header() -> None:
    assert decode(b"\xef\xbb\xbf\xe4\xb8\xad", "text/html; charset=gbk") == ("中", "utf-8")
    assert decode(codecs.BOM_UTF16_LE + "中".encode("utf-16-le"), "text/html; charset=gbk") == ("中", "utf-16-le")
    assert decode(codecs.BOM_UTF16_BE + "中".encode("utf-16-be"), None) == ("中", "utf-16-be")


def test_the_header_beats_the_document() -> None:
    assert decode("<meta charset=utf-8>中".encode("gbk"), "text/html; charset=gb2312") == (
        "<meta charset=utf-8>中",
        "gb18030",
    )


def test_an_unknown_charset_in_the_header_leaves_it_to_the_document() -> None:
    assert decode("<meta charset=gbk>中".encode("gbk"), "text/html; charset=chinese-of-some-kind")[1] == "gb18030"


def test_gb2312_with_characters_of_gbk_is_read_whole() -> None:
    assert decode("<meta charset=gb2312>镕喆".encode("gbk"), "text/html")[0].endswith("镕喆")


def test_utf_16_in_a_meta_means_utf_8() -> None:
    assert decode("<meta charset=utf-16>中".encode(), "text/html")[1] == "utf-8"


def test_a_meta_after_the_first_1024_bytes_counts_where_the_page_is_not_utf_8() -> None:
    page = "<title>" + "x" * 2000 + "</title><meta charset=koi8-r>Привет"
    assert decode(page.encode("koi8-r"), "text/html") == (page, "koi8-r")


def test_an_xml_declaration_counts_in_xml_and_in_html_without_meta() -> None:
    xml = '<?xml version="1.0" encoding="gbk"?><a>中</a>'
    assert decode(xml.encode("gbk"), "application/rss+xml") == (xml, "gb18030")
    assert decode(xml.encode("gbk"), "text/html") == (xml, "gb18030")
    both = '<?xml version="1.0" encoding="big5"?><meta charset="gbk">中'
    assert decode(both.encode("gbk"), "text/html")[1] == "gb18030"
    assert decode(xml.encode("utf-16-be"), "text/xml")[1] == "utf-16-be"


def test_a_meta_quoted_in_json_declares_nothing() -> None:
    body = '{"html": "<meta charset=gbk>中"}'
    assert decode(body.encode(), "application/json") == (body, "utf-8")


def test_undeclared_utf_8_is_known_even_if_it_is_cut_or_slightly_broken() -> None:
    text = "猫眼电影" * 20
    assert decode(text.encode(), None) == (text, "utf-8")
    assert decode(text.encode()[:-1], None) == (text[:-1] + "\ufffd", "utf-8")
    assert decode(text.encode() + b"\xff" + text.encode(), None) == (text + "\ufffd" + text, "utf-8")


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("猫眼电影是美团旗下的一家集媒体内容、在线购票、用户互动社交、电影衍生品销售等服务。", "gb18030"),
        ("これは日本語のページです。検索エンジンとポータルサイト、ニュースを提供します。", "cp932"),
        ("これは日本語のページです。検索エンジンとポータルサイト、ニュースを提供します。", "euc_jp"),
        ("대한민국의 수도는 서울이며 인구는 약 천만명이다. 뉴스와 날씨를 제공합니다.", "cp949"),
        ("Сегодня в Москве прошла встреча министров иностранных дел, на которой обсуждались вопросы.", "cp1251"),
        ("L'été dernier, nous avons visité le château où vécut la reine. Déjà vu, garçon, naïve.", "cp1252"),
        ("Über die Straße läuft ein großer Bär", "cp1252"),
        ("caf\xe9", "cp1252"),
    ],
)  # fmt: skip
def test_undeclared_text_that_is_not_utf_8_is_guessed(text: str, codec: str) -> None:
    page = f"<html><title>x</title><p class='y'>{text}</p>"
    assert decode(page.encode(codec), "text/html") == (page, codec)


def test_bytes_without_a_character_are_what_browsers_make_of_them() -> None:
    assert decode(b"\x81\x80", "text/html; charset=windows-1252")[0] == "\x81€"
    assert decode(b"\x80a", "text/html; charset=gbk")[0] == "€a"
    assert decode(b"\xff<a>", "text/html; charset=gbk")[0] == "\ufffd<a>"


@pytest.mark.parametrize("codec", sorted(codec for codec in encoding._WEB if not codec.startswith("utf-16")))
def test_a_broken_character_never_takes_the_tag_behind_it_along(codec: str) -> None:
    for lead in range(0x80, 0x100):
        for after in (b"<", b">", b'"', b"\n"):
            assert after.decode() in decode(bytes([lead]) + after, f"text/html; charset={codec}")[0]


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "text/html", "text/xml", "application/json"]),
    st.sampled_from(["", *sorted(encoding._WEB), "bogus"]),
    st.sampled_from([b"", b"<meta charset=", b"<?xml encoding='", b"\xff\xfe"]),
)
def test_never_raises_and_gives_text_that_can_be_written(body: bytes, mime: str, label: str, head: bytes) -> None:
    text, codec = decode(head + body, f"{mime}; charset={label}")
    text.encode()
    assert codec in encoding._WEB


def test_xml_that_can_be_read_as_ascii_is_not_in_utf_16() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><a>é</a>'
    assert decode(body.encode(), "application/xml") == (body, "utf-8")
    assert decode(body.encode("utf-16-le"), "application/xml") == (body, "utf-16-le")

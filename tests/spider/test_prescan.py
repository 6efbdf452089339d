from __future__ import annotations

import time

import pytest

from crawler.spider.prescan import meta_labels, xml_label


@pytest.mark.parametrize(
    ("head", "labels"),
    [
        (b'<meta charset="GBK">', ["gbk"]),
        (b"<META CHARSET=gbk>", ["gbk"]),
        (b"<meta charset = ' gbk '>", ["gbk"]),
        (b"<meta/charset=gbk>", ["gbk"]),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=gbk">', ["gbk"]),
        (b'<meta content="text/html; charset=gbk" http-equiv="content-type">', ["gbk"]),
        (b'<meta http-equiv=content-type content="charset=\'gbk\'">', ["gbk"]),
        (b'<meta charset="a"><meta charset="b">', ["a", "b"]),
        (b'<meta charset=a charset=b>', ["a"]),
        (b'<meta charset=a http-equiv=content-type content="charset=b">', ["a"]),
        (b"<!--><meta charset=gbk>", ["gbk"]),
        (b"<a title='<meta charset=no>'><meta charset=gbk>", ["gbk"]),
        (b"< <1 <meta charset=gbk>", ["gbk"]),
    ],
)  # fmt: skip
def test_reads_what_a_meta_declares(head: bytes, labels: list[str]) -> None:
    assert list(meta_labels(head)) == labels


@pytest.mark.parametrize(
    "head",
    [
        b"<!-- <meta charset=gbk> -->",
        b"<!-- <meta charset=gbk>",
        b'<meta content="text/html; charset=gbk">',
        b'<meta http-equiv="refresh" content="charset=gbk">',
        b'<meta http-equiv=content-type content="charset=\'gbk">',
        b"<meta charset=gbk",
        b'<meta charset="gbk',
        b"<metacharset=gbk>",
        b"</meta charset=gbk>",
        b"<p title='<meta charset=gbk>",
        b"<? <meta charset=gbk",
    ],
)
def test_passes_over_what_declares_nothing(head: bytes) -> None:
    assert list(meta_labels(head)) == []


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b'<?xml version="1.0" encoding="GBK"?>', "gbk"),
        (b"<?xml encoding = 'gbk' ?>", "gbk"),
        (b'<?xml version="1.0"?>', None),
        (b' <?xml encoding="gbk"?>', None),
        (b'<?xml encoding="gbk"', None),
        (b'<?xml encoding="g bk"?>', None),
        ('<?xml version="1.0"?>'.encode("utf-16-le"), "utf-16le"),
        ('<?xml version="1.0"?>'.encode("utf-16-be"), "utf-16be"),
    ],
)
def test_reads_an_xml_declaration(head: bytes, label: str | None) -> None:
    assert xml_label(head) == label


@pytest.mark.parametrize("piece", [b"<", b"<meta ", b"<a b=", b"<a '", b"<!--", b"<meta a=b ", b"<meta charset", b"a/"])
def test_takes_linear_time_whatever_comes(piece: bytes) -> None:
    began = time.process_time()
    list(meta_labels(b"<meta " + piece * (60_000 // len(piece))))
    list(meta_labels(piece * (60_000 // len(piece))))
    assert time.process_time() - began < 1

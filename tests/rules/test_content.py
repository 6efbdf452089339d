import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.rules.content import Content
from crawler.verdict import KEEP, Drop

URL = "http://a.example/"
HTML = "text/html; charset=utf-8"


def verdict(body, kind=HTML):
    headers = (("Content-Type", kind),) if kind is not None else ()
    return Content().after(Request(URL), Response(URL, 200, headers, body))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"%PDF-1.7\n...", "a PDF file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
        (b"GIF89a\x01\x00", "a GIF image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (bytes(range(256)) * 40, "binary data"),
    ],
)
def test_a_file_that_calls_itself_a_page_is_dropped(body, kind):
    assert verdict(body) == Drop(f"content: {kind} declared as text/html")
    assert verdict(body, None) == Drop(f"content: {kind} without a content type")


@pytest.mark.parametrize("kind", ["application/pdf", "application/octet-stream", "image/png", "text/plain"])
def test_a_file_that_says_what_it_is_goes_to_the_spider(kind):
    assert verdict(b"%PDF-1.7\n...", kind) is KEEP


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<p>page",
        "<p>电影</p>".encode("gbk") * 50,
        "<p>电影</p>".encode("utf-16"),
        "<p>фильм</p>".encode("utf-16-le") * 20,
        b"<p>a\0b</p>" * 20,
        b"<p>\x1b[31mred\x1b[0m</p>" + b"text " * 20,
        b"PK is a name",
        b"MZ and so on",
    ],
)
def test_text_in_any_encoding_is_none_of_those(body):
    assert verdict(body) is KEEP


@pytest.mark.parametrize(("name", "is_kept"), [("x.pdf?v=1", True), ("x.PDF", True), ("x.html", False), ("pdf", False)])
def test_a_name_says_what_a_file_is_too(name, is_kept):
    response = Response(URL + name, 200, (), b"%PDF-1.7\n...")
    assert (Content().after(Request(URL + name), response) is KEEP) == is_kept


def test_a_sitemap_may_be_compressed_behind_a_plain_name():
    url = URL + "sitemap.xml"
    assert Content().after(Request(url), Response(url, 200, (), b"\x1f\x8b\x08\x00")) is KEEP

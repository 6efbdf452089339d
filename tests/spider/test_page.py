from __future__ import annotations

import gzip
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.spider.page import Page

DATA = Path(__file__).parents[3] / "shared" / "data"
URL = "https://example.com/films/list"


def page_of(body: str | bytes, content_type: str = "text/html; charset=utf-8", url: str = URL, **fields: Any) -> Page:
    raw = body.encode() if isinstance(body, str) else body
    return Page(Response(url, 200, (("Content-Type", content_type),), raw, **fields), Request(url, data={"rank": 1}))


def test_tells_what_was_fetched() -> None:
    page = page_of("<p>", truncated=True)
    assert (page.url, page.status, page.body, page.truncated) == (URL, 200, b"<p>", True)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.request.url == URL
    assert page.data == {"rank": 1}
    assert repr(page) == f"<Page 200 {URL}>"


def test_a_page_without_a_content_type_is_read_too() -> None:
    page = Page(Response(URL, 200, (), "<title>中".encode()), Request(URL))
    assert page.css("title::text").get() == "中"


def test_text_is_decoded_with_the_encoding_it_names() -> None:
    page = page_of("<p>中".encode("gbk"), "text/html; charset=gb2312")
    assert page.text == "<p>中"
    assert page.encoding == "gb18030"
    assert page.css("p::text").get() == "中"


def test_css_and_xpath_select_in_one_tree() -> None:
    page = page_of("<ul><li class=a>1<li>2</ul>")
    assert page.css("li::text").getall() == ["1", "2"]
    assert page.xpath("//li[@class=$kind]/text()", kind="a").get() == "1"
    assert page.css("li")[0].root is page.tree.xpath("//li")[0]
    assert page.selector is page.selector


def test_xml_is_read_as_xml() -> None:
    page = page_of('<?xml version="1.0"?><Feed xmlns="urn:x"><Title>a</Title></Feed>', "application/xml")
    assert page.xpath("//x:Title/text()", namespaces={"x": "urn:x"}).get() == "a"
    assert page.links() == []


def test_xhtml_is_read_as_html() -> None:
    body = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><a href="/x">y</a></body></html>'
    page = page_of(body, "application/xhtml+xml")
    assert page.css("a::text").get() == "y"
    assert page.links() == ["https://example.com/x"]


def test_re_gives_what_findall_gives() -> None:
    page = page_of("<i>1</i><i>2</i>")
    assert page.re(r"<i>\d</i>") == ["<i>1</i>", "<i>2</i>"]
    assert page.re(re.compile(r"<i>(\d)")) == ["1", "2"]
    assert page.re(r"<(I)>(\d)", re.IGNORECASE) == [("i", "1"), ("i", "2")]
    assert [match["n"] for match in page.finditer(r"<i>(?P<n>\d)")] == ["1", "2"]


def test_json_is_decoded() -> None:
    assert page_of('{"a": [1, "中"]}', "application/json").json() == {"a": [1, "中"]}
    assert page_of(b"\xef\xbb\xbf[1]", "application/json").json() == [1]
    assert page_of('["中"]'.encode("gbk"), "application/json; charset=gbk").json() == ["中"]


@pytest.mark.parametrize("body", [b"<html>blocked", b"", b"{", b"\xff\xff", b"[" * 100_000])
def test_what_is_not_json_is_an_error_that_names_the_page(body: bytes) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{URL} is not JSON")):
        page_of(body, "application/json").json()


def test_links_are_absolute_and_can_be_narrowed() -> None:
    page = page_of(
        "<a href=/1></a><div id=nav><a href=/2 class=next rel=nofollow></a><a href=3#x></a></div>"
        "<a href='javascript:x'></a>"
    )
    one, two, three = "https://example.com/1", "https://example.com/2", "https://example.com/films/3"
    assert page.links() == [one, three]
    assert page.links(nofollow=False) == [one, two, three]
    assert page.links(pattern=r"/films/\d$") == [three]
    assert page.links(css="#nav") == [three]
    assert page.links(css="#nav, a", nofollow=False) == [one, two, three]
    assert page.links(xpath="//div//a[@class='next']", nofollow=False) == [two]
    assert page.links(xpath="//div/a/@href") == page.links(css="div a::attr(href)") == [three]
    assert page.links(xpath="//div/a/@href", nofollow=False) == [two, three]
    assert page.links(css="a::attr(href)", pattern="films") == [three]
    with pytest.raises(TypeError, match="not both"):
        page.links(css="a", xpath="//a")


@pytest.mark.parametrize(
    "tag", ["<base href='/shop/'>", "<BASE HREF='/shop/'>", "<bAsE href=' https://example.com/shop/ '>"]
)
def test_base_is_where_relative_links_start(tag: str) -> None:
    page = page_of(f"<head>{tag}</head><a href=a></a>")
    assert page.base_url == "https://example.com/shop/"
    assert page.links() == ["https://example.com/shop/a"]
    assert page.urljoin("b") == "https://example.com/shop/b"
    assert page.follow("c").url == "https://example.com/shop/c"


def test_the_first_base_with_a_target_counts() -> None:
    page = page_of("<base target=_blank><base href=/shop/><base href=/no/><a href=a></a>")
    assert page.links() == ["https://example.com/shop/a"]


def test_base_is_found_in_utf_16() -> None:
    page = page_of("<base href=/shop/><a href=a>".encode("utf-16"), "text/html")
    assert page.links() == ["https://example.com/shop/a"]


@pytest.mark.parametrize("href", ["javascript:x", "data:text/html,x", "http://[", "mailto:a", ""])
def test_a_base_that_cannot_be_one_is_ignored(href: str) -> None:
    page = page_of(f"<base href='{href}'><a href=a></a>")
    assert page.links() == ["https://example.com/films/a"]
    assert page_of("<!-- <base href=/no/> --><a href=a>").links() == ["https://example.com/films/a"]
    assert page_of("<base target=_blank><a href=a>").links() == ["https://example.com/films/a"]


def test_urljoin_gives_the_canonical_url_or_names_the_page() -> None:
    page = page_of("")
    assert page.urljoin("../a?b#c") == "https://example.com/a?b"
    assert page.urljoin("https://Other.example:443/x/../y#z") == "https://other.example/y"
    assert page.urljoin(" https://other.example") == "https://other.example/"
    with pytest.raises(ValueError, match=re.escape(f"'http://[' on {URL} is not a URL")):
        page.urljoin("http://[")


def test_follow_takes_urls_elements_and_selectors() -> None:
    page = page_of("<a href=1>x</a><img src=2>")
    a, image = page.css("a")[0], page.css("img")[0]
    urls = [
        page.follow(link).url for link in ("1", a, a.root, page.css("a::attr(href)")[0], page.tree.xpath("//@href")[0])
    ]
    assert urls == ["https://example.com/films/1"] * 5
    assert page.follow(image).url == "https://example.com/films/2"


def test_follow_makes_a_request_with_callback_and_fields() -> None:
    request = page_of("").follow("/x", "parse_film", data=2, priority=3, method="POST")
    assert request == Request("https://example.com/x", "parse_film", data=2, priority=3, method="POST")


def test_follow_says_what_is_wrong() -> None:
    page = page_of("<a name=x>")
    with pytest.raises(TypeError, match=re.escape(f"follow() got None: the selector found no link on {URL}")):
        page.follow(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes one link, not 1"):
        page.follow(page.css("a"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not int"):
        page.follow(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"<a> element on .* has neither href nor src"):
        page.follow(page.css("a")[0])
    with pytest.raises(ValueError, match="only http and https can"):
        page.follow("mailto:a@b.example")


def test_a_spider_that_uses_regular_expressions_never_loads_a_parser() -> None:
    program = (
        "import sys\n"
        "from crawler.spider.page import Page\nfrom crawler.request import Request\n"
        "from crawler.response import Response\n"
        "page = Page(Response('https://x.example/', 200, (), b'<meta charset=utf-8><i>1'), Request('https://x.example/'))\n"
        "page.re('<i>(.)')\npage.follow('/2')\n"
        "loaded = {'lxml', 'parsel', 'w3lib', 'charset_normalizer'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "page.links()\n"
        "assert 'lxml' in sys.modules and 'parsel' not in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not (DATA / "pages").is_dir(), reason="../shared/data/pages (real pages) is not there")
def test_real_pages_are_read_whole() -> None:
    files = sorted((DATA / "pages").glob("*.html.gz"))
    assert files
    for file in files:
        page = page_of(gzip.decompress(file.read_bytes()), "text/html")
        assert page.text.count("\ufffd") < 5
        links = page.links(nofollow=False)
        assert links == list(dict.fromkeys(links))
        assert len(links) <= len(re.findall(r"<(?:a|area|iframe|frame)\b", page.text, re.IGNORECASE))
        assert page.css("title, h1, p")


@pytest.mark.skipif(not (DATA / "maoyan").is_dir(), reason="../shared/data/maoyan (real boards) is not there")
def test_a_real_board_is_read() -> None:
    page = page_of(
        (DATA / "maoyan" / "board7_2018-12-10.html").read_bytes(), "text/html", "https://www.maoyan.com/board/7"
    )
    assert page.css("dd p.name a::text").get() == "海王"
    assert "https://www.maoyan.com/board/4" in page.links()


def test_a_base_that_makes_every_link_long_is_charged_for_it(caplog) -> None:
    page = page_of(
        f"<base href='http://a.example/{'x' * 8_000}/'>" + "".join(f"<a href={n}></a>" for n in range(5_000))
    )
    tracemalloc.start()
    links = page.links()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(links) == 16_000_000 // len(page.base_url) < 2_000
    assert peak < 60_000_000
    assert "the others are left out" in caplog.text


def test_attributes_of_elements_that_are_not_to_be_followed_are_left_out() -> None:
    page = page_of("<a href=1 rel=nofollow></a><a href=2></a><a href=2 rel=nofollow></a><img src=3>")
    urls = [f"https://example.com/films/{number}" for number in (1, 2, 3)]
    assert page.links(css="a::attr(href), img::attr(src)") == urls[1:]
    assert page.links(css="a::attr(href), img::attr(src)", nofollow=False) == urls
    assert page.links(css="img") == []

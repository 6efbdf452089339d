"""Sitemaps in all the shapes they come in: what can be read is read, the rest is told."""

import gzip
import re
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.spider import sitemap as module
from crawler.spider.sitemap import Entry, read_sitemap
from crawler.spider.sitemap_xml import XmlReader

BASE = "http://a.example/sitemap.xml"
ONE, TWO = "http://a.example/1", "http://a.example/2"
URLS = f"<url><loc>{ONE}</loc></url><url><loc>{TWO}</loc></url>"
URLSET = f"<urlset>{URLS}</urlset>"
PROTOCOL = "http://www.sitemaps.org/schemas/sitemap/0.9"


def read(body, **options):
    return read_sitemap(body.encode() if isinstance(body, str) else body, BASE, **options)


def locs(body, **options):
    return [entry.loc for entry in read(body, **options).entries]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (URLSET, "urlset"),
        (f'<?xml version="1.0"?>\n<!-- <url> --><urlset xmlns="{PROTOCOL}">{URLS}</urlset>', "urlset"),
        (f'<x:urlset xmlns:x="urn:other">{URLS.replace("<", "<x:").replace("<x:/", "</x:")}</x:urlset>', "urlset"),
        (URLSET.upper().replace("HTTP://A.EXAMPLE", "http://a.example"), "urlset"),
        (URLSET.replace("urlset", "whatever"), "urlset"),
        (URLSET.replace("urlset", "sitemapindex").replace("url>", "sitemap>"), "index"),
        (f"<sitemapindex><sitemap>\n{ONE}\n</sitemap><sitemap>{TWO}</sitemap></sitemapindex>", "index"),
        (f"<rss><channel><link>http://no.example/</link><image><url>http://no.example/i</url></image>"
         f"<item><link>{ONE}</link></item><item><guid>{TWO}</guid></item></channel></rss>", "rss"),
        (f'<rdf:RDF xmlns:rdf="urn:rdf"><items/>'
         f'<item><link>{ONE}</link></item><item><link>{TWO}</link></item></rdf:RDF>', "rss"),
        (f'<feed><link href="http://no.example/"/><entry><link rel="self" href="http://no.example/"/><link href="/1"/>'
         f'</entry><entry><link rel="alternate" href="{TWO}"/></entry></feed>', "atom"),
        (f"{ONE}\r\n\r\n  {TWO}  \r\nno URL", "text"),
        (f"\ufeff{ONE}\r{TWO}", "text"),
    ],
)  # fmt: skip
def test_each_kind_is_read(body, kind):
    sitemap = read(body)
    assert (sitemap.kind, sitemap.reason) == (kind, "")
    assert [entry.loc for entry in sitemap.entries] == [ONE, TWO]


def test_all_that_is_said_of_a_page_is_read():
    (entry,) = read(
        f'<urlset xmlns="{PROTOCOL}" xmlns:i="urn:image" xmlns:xhtml="urn:xhtml" xmlns:news="urn:news"><url>'
        "<i:image><i:loc>http://a.example/p.jpg</i:loc><i:title>t</i:title></i:image>"
        "<video:video><video:player_loc>http://no.example/</video:player_loc></video:video>"
        '<xhtml:link rel="alternate" hreflang="de" href="/de"/><xhtml:link rel="amphtml" href="/amp"/>'
        "<changefreq> daily </changefreq><priority>0.5</priority><lastmod>2024-01-02</lastmod>"
        f"<loc>\n{ONE}#part\n</loc></url></urlset>"
    ).entries
    assert entry == Entry(ONE, "2024-01-02", "daily", "0.5", ("http://a.example/de",), ("http://a.example/p.jpg",))
    assert entry["lastmod"] == "2024-01-02"
    with pytest.raises(KeyError):
        entry["lastmodified"]


@pytest.mark.parametrize(
    "element",
    ["<lastmod>{}</lastmod>", "<pubDate>{}</pubDate>", "<updated>{}</updated>", "<dc:date>{}</dc:date>",
     "<n:news><n:publication_date>{}</n:publication_date></n:news>"],
)  # fmt: skip
def test_the_date_is_found_by_any_of_its_names(element):
    (entry,) = read(f"<any><item><link>{ONE}</link>{element.format('2024')}</item></any>").entries
    assert entry.lastmod == "2024"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f" \n\t{URLSET}", id="space"),
        pytest.param(f"\ufeff\ufeff <?xml version='1.0'?>{URLSET}", id="byte order marks"),
        pytest.param(f"<br />Warning: on line <b>3</b>\n<?xml version='1.0'?>{URLSET}", id="warning of a server"),
        pytest.param(URLSET.replace("</url><", "</url></urlset><urlset><"), id="second root"),
        pytest.param(URLSET.replace("</url>", ""), id="entries never closed"),
        pytest.param(URLSET.replace("</loc>", "</lok>"), id="wrong end tags"),
        pytest.param(f"<urlset></urlset></urlset>{URLS}</urlset>", id="closed too early"),
        pytest.param(f"<urlset>{URLS.replace('</url>', '</url></a></b></urlset>', 1)}</urlset>", id="stray end tags"),
        pytest.param(f"<urlset>{URLS.replace('<url>', '<url a=1 b>')}</urlset>", id="broken tags"),
        pytest.param(f"<urlset><url <loc broken{URLS}</urlset>", id="a broken entry"),
        pytest.param(f"<urlset><!-- <url><loc>http://no.example/</loc></url> -->{URLS}</urlset>", id="comment"),
        pytest.param(f"<urlset>{URLS.replace('<url>', '<url><!-- a & b -->')}</urlset>", id="comments inside"),
        pytest.param(f"<urlset><!-- never closed{URLS}</urlset>", id="open comment"),
        pytest.param(f"<urlset><url><loc>data:x</loc></url><url/><url><loc> </loc></url>{URLS}</urlset>", id="no URL"),
        pytest.param(f"<urlset>{URLS}\0\1\2</urlset>", id="control characters"),
        pytest.param(URLSET.replace(ONE, f"<![CDATA[{ONE}]]>"), id="CDATA"),
        pytest.param(f"<!DOCTYPE urlset SYSTEM 'http://no.example/x.dtd'>{URLSET}", id="document type"),
        pytest.param(f"<?xml version='1.0' encoding='bogus'?>{URLSET}", id="unknown encoding"),
        pytest.param(f"<?xml version='1.0' encoding='utf-16'?>{URLSET}", id="utf-16 that is none"),
        pytest.param(URLSET.encode("utf-16"), id="utf-16"),
        pytest.param(f"<?xml version='1.0'?>{URLSET}".encode("utf-16-le"), id="utf-16 with a declaration"),
    ],
)  # fmt: skip
def test_what_can_be_read_of_a_broken_one_is_read(body):
    assert locs(body) == [ONE, TWO]


def test_what_is_never_closed_ends_where_the_next_entry_begins():
    sitemap = read(f"<urlset><url><loc>{ONE}<url><loc>{TWO}")
    assert ([entry.loc for entry in sitemap.entries], sitemap.reason) == ([ONE], "its XML ends in the middle")


def test_what_is_no_url_is_not_made_one():
    junk = "<url>junk</url><url>12</url><item><guid>12</guid></item>"
    junk += f'<item><guid isPermaLink="false">{TWO}</guid></item><entry><id>1</id></entry>'
    sitemap = read(f"<any>{junk}{URLS}</any>")
    assert ([entry.loc for entry in sitemap.entries], sitemap.reason) == ([ONE, TWO], "5 without a URL")


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://a.example/?a=1&b=2&copy=3", "http://a.example/?a=1&b=2&copy=3"),
        ("http://a.example/?a=1&amp;b=2&#38;c", "http://a.example/?a=1&b=2&c"),
        ("<![CDATA[http://a.example/?a=1&amp;b]]>", "http://a.example/?a=1&amp;b"),
        ("http://a.example/&unknown;", "http://a.example/&unknown;"),
        ("/relative", "http://a.example/relative"),
        ("http://a.example/é 中", "http://a.example/%C3%A9%20%E4%B8%AD"),
    ],
)
def test_urls_are_taken_as_they_are_meant(written, url):
    assert locs(f"<urlset><url><loc>{written}</loc></url></urlset>") == [url]


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-8"?>', '<?xml encoding="gb2312"?>'])
def test_another_encoding_than_the_declared_one_is_seen(declared):
    urlset = "<urlset><url><loc>http://a.example/电影排行榜最受欢迎的电影和导演简介</loc></url></urlset>"
    assert locs((declared + urlset).encode("gbk")) == locs(urlset)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!doctype html><title>404</title>", "HTML"),
        ("<?xml version='1.0'?><!-- x --><HTML><url><loc>http://a.example/</loc></url>", "HTML"),
        ("", "neither XML nor text"),
        ("Not found\n", "neither XML nor text"),
        (b"%PDF-1.4\x00\xff\xfe", "neither XML nor text"),
        ("<svg><path/></svg>", "no sitemap"),
        ("<", "no sitemap"),
        (b"\x1f\x8b", "cut off"),
        (b"\x1f\x8bgarbage and more", "broken"),
        ('<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/hosts">]><urlset><url><loc>&x;</loc></url></urlset>', "declares"),
        ('<!-- <urlset> --><!DOCTYPE r PUBLIC "]" "[>" [<!ENTITY % x "">%x;]><urlset/>', "declares"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_the_reason(body, reason):
    sitemap = read(body)
    assert (sitemap.kind, sitemap.entries) == ("refused", ())
    assert reason in sitemap.reason


@pytest.mark.parametrize(
    "body", ["<urlset></urlset>", "<urlset/>", f'<?xml version="1.0"?><x:urlset xmlns:x="{PROTOCOL}" />']
)
def test_an_empty_one_is_no_error(body):
    assert read(body) == module.Sitemap("urlset")


@pytest.mark.parametrize("layers", [1, 2])
def test_gzip_is_seen_by_its_first_bytes(layers):
    body = URLSET.encode()
    for _ in range(layers):
        body = gzip.compress(body)
    assert locs(body) == [ONE, TWO]
    assert read(body + b"\0" * 512).reason == ""


def test_several_gzip_members_are_one_sitemap():
    body = URLSET.encode()
    assert locs(gzip.compress(body[:40]) + gzip.compress(body[40:])) == [ONE, TWO]


def test_of_a_cut_one_whole_urls_are_taken_and_it_is_told():
    whole = f"<urlset>{URLS}<url><loc>http://a.example/3?page=12</loc><lastmod>2024-01-01</lastmod></url></urlset>"
    for end in range(len(whole)):
        sitemap = read(whole[:end])
        assert [entry.loc for entry in sitemap.entries] == [ONE, TWO, "http://a.example/3?page=12"][
            : len(sitemap.entries)
        ]
        assert sitemap.reason != ""
    assert locs(f"{ONE}\n{TWO}", truncated=True) == [ONE]
    assert "max_body" in read(f"{ONE}\n{TWO}", truncated=True).reason


def test_a_line_without_end_spoils_no_other():
    assert locs(f"{ONE}\nhttp://no.example/{'x' * 3_000_000}http://no.example/\n{TWO}") == [ONE, TWO]


def test_of_cut_or_broken_gzip_the_start_is_read():
    body = "".join(f"http://a.example/{zlib.crc32(b'%d' % number)}\n" for number in range(20_000)).encode()
    packed = gzip.compress(body)
    damaged = packed[:60_000] + b"\xff" * 1000  # what it unpacks to before that is seen is not all true
    for bad in (packed[:-9], packed[:60_000], damaged):
        sitemap = read(bad)
        assert 5_000 < len(sitemap.entries) <= 20_000
        assert "gzip" in sitemap.reason
        whole = sitemap.entries[-50:] if bad is not damaged else sitemap.entries[:5_000]
        assert all(entry.loc.encode() + b"\n" in body for entry in whole)


def test_a_bomb_is_cut():
    body = URLSET.encode() + b" " * 50_000_000
    sitemap = read(gzip.compress(body, 1))
    assert "200 times" in sitemap.reason
    assert [entry.loc for entry in sitemap.entries] == [ONE, TWO]


def test_entries_and_size_are_limited_and_that_is_told(monkeypatch):
    sitemap = read(URLSET, max_entries=1)
    assert [entry.loc for entry in sitemap.entries] == [ONE]
    assert sitemap.reason == "there are more than 1 entries"
    assert read(URLSET, max_entries=2).reason == ""
    assert read(f"{ONE}\n{TWO}", max_entries=1).reason == "there are more than 1 entries"
    monkeypatch.setattr(module, "MAX_SIZE", 2_000_000)
    assert "2 MB" in read(URLSET.encode() + b" " * 3_000_000).reason


def test_entries_are_found_wherever_the_pieces_end():
    body = URLSET.replace("</urlset>", f"<!-- {URLS} --><url><loc><![CDATA[{ONE}é<url>]]></loc></url></urlset>")
    for size in (1, 2, 3, 7, 50):
        reader = XmlReader(BASE)
        entries = reader.entries(body[at : at + size] for at in range(0, len(body), size))
        assert [entry.loc for entry in entries] == [ONE, TWO, f"{ONE}%C3%A9%3Curl%3E"]
        assert (reader.kind, reader.fault) == ("urlset", "")


@pytest.mark.parametrize(
    "junk",
    [
        "<url>" * 20_000,
        "<!--" * 100_000,
        "<" * 100_000,
        "<url><loc>" + "<a>" * 30_000,
        "&" * 100_000,
        "<!DOCTYPE" * 9_000,
    ],
)
def test_junk_holds_nothing_up(junk):
    assert locs(f"<urlset>{junk}</a></loc></url>{URLS}</urlset>") == [ONE, TWO]


def test_memory_is_that_of_the_entries():
    many = 3_000
    line = (
        "<url><loc>http://a.example/page/{}</loc><news:news><news:title>"
        + "t" * 3_000
        + "</news:title></news:news></url>"
    )
    body = gzip.compress(f"<urlset>{''.join(line.format(number) for number in range(many))}</urlset>".encode(), 1)
    read(URLSET)
    tracemalloc.start()
    sitemap = read(body)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sitemap.entries) == many
    assert peak - held < 2_000_000  # of 9 MB


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *re.findall(r"<[^>]*>|[^<]+", URLSET),
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "&",
                "<",
                ">",
                "<!DOCTYPE",
                "<?xml",
                "[",
                "\0",
                "\ufeff",
                "\udc80",
                '"',
                "<link href=",
                "<x:url ",
            ]
        )
    )
)
def test_nothing_raises(tokens):
    body = "".join(tokens).encode("utf-8", "surrogateescape")
    for written in (body, gzip.compress(body)[:-1], b"<urlset>" + body):
        sitemap = read(written)
        assert (sitemap.kind == "refused") <= (sitemap.reason != "")
        assert all(entry.loc.startswith("http") for entry in sitemap.entries)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body):
    for written in (body, b"\x1f\x8b" + body, b"\xff\xfe" + body, gzip.compress(body)):
        read(written)


def test_a_long_address_does_not_make_a_sitemap_long(monkeypatch) -> None:
    monkeypatch.setattr("crawler.spider.sitemap._MOST_CHARACTERS", 100_000)
    url = f"https://example.com/{'x' * 8_000}/map.xml"
    body = b"<urlset>" + b"".join(b"<url><loc>%d</loc></url>" % number for number in range(100)) + b"</urlset>"
    found = read_sitemap(body, url)
    assert len(found.entries) == 12
    assert found.reason == "its URLs have more than 100,000 characters"

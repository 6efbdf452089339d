"""Pages that break whoever reads them, and sites that never end."""

import itertools
import random
import re
import time

from tests.hostile.behaviour import HTML, Behaviour, answer, page, sends

ESC = "\x1b"
_NO_PAGE = r"type|PDF|binary|image|no HTML|not text"
_chance = random.Random(4)


def many_links(count):
    body = b"".join(b"<a href=/%d>" % number for number in range(count))
    return sends(answer(b"<title>links</title>" + body, HTML))


def deep(tag, depth):
    return sends(page("deep", f"<{tag}>" * depth + "<a href=/bottom>bottom</a>"))


async def calendar(talk):
    year = time.gmtime().tm_year + 6
    months = [f"<a href=/calendar/{year + month // 12}/{month % 12 + 1}>" for month in range(240)]
    await talk.send(page("calendar", "".join(months)))


async def sessions(talk):
    links = "".join(f"<a href=/s;jsessionid={_chance.getrandbits(64):016X}/page>" for _ in range(3))
    await talk.send(page("session", links))


async def sessions_in_segments(talk):
    await talk.send(page("session", f"<a href=/{_chance.getrandbits(128):032x}/page>"))


async def repeats(talk):
    await talk.send(page("deeper", f"<a href={talk.target.rstrip('/')}/a/>"))


async def repeats_groups(talk):
    await talk.send(page("deeper", "<a href=a/b/c/>" + f"<a href={talk.target.rstrip('/')}/a/b/c/>"))


async def deepens(talk):
    await talk.send(page("deeper", f"<a href={talk.target.rstrip('/')}/{_chance.getrandbits(32):x}/>"))


async def permutes(talk):
    query = list(itertools.islice(itertools.permutations("abcdef"), 0, 720, 7))
    links = "".join("<a href='/list?" + "&".join(f"{name}=1" for name in order) + "'>" for order in query)
    await talk.send(page("filters", links))


async def grows(talk):
    await talk.send(page("longer", f"<a href='/?q={'x' * min(len(talk.target) * 4, 20_000)}'>"))


async def numbers(talk):
    number = int(talk.target.strip("/") or 0)
    await talk.send(page("number", f"<a href=/{number + 1}>"))


def gbk(label):
    text = f"<!doctype html><meta charset={label}><title>朱镕基，囍</title>"
    return text.encode("gbk")


CONTENT = [
    Behaviour(
        "GBK declared as gb2312", sends(answer(gbk("gb2312"), "Content-Type: text/html")), item={"title": "朱镕基，囍"}
    ),
    Behaviour(
        "gb2312 in the header",
        sends(answer(gbk("utf-8"), "Content-Type: text/html; charset=gb2312")),
        item={"title": "朱镕基，囍"},
    ),
    Behaviour(
        "a charset that nobody knows",
        sends(answer("<meta charset=x-martian><title>朱镕基</title>".encode(), "Content-Type: text/html")),
        item={"title": "朱镕基"},
    ),
    Behaviour(
        "a charset with ESC in it", sends(page("esc", kind="text/html; charset=\x1b[31m")), item={"title": "esc"}
    ),
    Behaviour(
        "byte order mark against the header",
        sends(answer(b"\xef\xbb\xbf<title>" + "é朱".encode(), "Content-Type: text/html; charset=iso-8859-1")),
        item={"title": "é朱"},
    ),
    Behaviour(
        "UTF-16 declared as UTF-8", sends(answer("<title>é朱</title>".encode("utf-16"), HTML)), item={"title": "é朱"}
    ),
    Behaviour(
        "UTF-8 declared as UTF-16",
        sends(answer("<meta charset=utf-16><title>é朱</title>".encode(), "Content-Type: text/html")),
        item={"title": "é朱"},
    ),
    Behaviour(
        "broken UTF-8",
        sends(answer(b"<title>a\xff\xfe\xc3b\xf0\x9f</title><a href=/x>", HTML)),
        item={"title": re.compile("^a.*b"), "links": 1},
    ),
    Behaviour(
        "NULs in the page",
        sends(answer(b"<title>n\0l</title>\0<p>\0\0<a href=/after>x</a>\0", HTML)),
        item={"links": 1, "first": re.compile("/after$")},
    ),
    Behaviour(
        "a megabyte of NULs",
        sends(answer(b"<title>nuls</title>" + b"\0" * 1_000_000 + b"<a href=/after>", HTML)),
        "done|dropped|failed",
        r"^$|" + _NO_PAGE,
    ),
    Behaviour("100,000 links", many_links(100_000), item={"title": "links", "links": re.compile("^[1-9]")}),
    Behaviour("500,000 links", many_links(500_000), item={"title": "links", "links": 50_000}),
    Behaviour("nested 10,000 deep", deep("b", 10_000), item={"title": "deep"}),
    Behaviour("100,000 nested divs", deep("div", 100_000), item={"title": "deep"}),
    Behaviour("100,000 nested tables", deep("table", 100_000), item={"title": "deep"}),
    Behaviour(
        "500,000 attributes",
        sends(page("attributes", "<p " + " ".join(f"a{n}=1" for n in range(500_000)) + "><a href=/x>")),
        item={"title": "attributes"},
    ),
    Behaviour(
        "900 forms in each other, with 50,000 fields",
        sends(page("forms", "<form><div>" * 900 + "<input>" * 50_000)),
        item={"title": "forms"},
    ),
    Behaviour(
        "a base of 8,000 characters for 50,000 links",
        sends(page("base", f"<base href='/{'x' * 8_000}/'>" + "".join(f"<a href={n}></a>" for n in range(50_000)))),
        item={"title": "base", "links": re.compile("^1[0-9]{3}$")},
    ),
    Behaviour(
        "XML with a million tags",
        sends(answer(b"<?xml version='1.0'?><a><title>xml</title>" + b"<b/>" * 1_000_000, "Content-Type: text/xml")),
        item={"title": "xml"},
    ),
    Behaviour("a title of 1 MB", sends(page("t" * 1_000_000)), item={"title": re.compile("^ttt")}),
    Behaviour("a million angle brackets", sends(page("brackets", "<" * 1_000_000)), item={"title": "brackets"}),
    Behaviour(
        "a million entities", sends(page("entities", "&amp;&#0;&#xD800;&bogus;" * 50_000)), item={"title": "entities"}
    ),
    Behaviour("a comment without end", sends(page("comment", "<!--" + "-" * 500_000)), item={"title": "comment"}),
    Behaviour("an empty page", sends(answer(b"", HTML)), item={"title": None}),
    Behaviour("binary declared as HTML", sends(answer(bytes(range(256)) * 40, HTML)), "dropped|failed", _NO_PAGE),
    Behaviour(
        "PDF declared as HTML",
        sends(answer(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj" * 200, HTML)),
        "dropped|failed",
        _NO_PAGE,
    ),
    Behaviour(
        "PNG declared as HTML", sends(answer(b"\x89PNG\r\n\x1a\n" + bytes(2000), HTML)), "dropped|failed", _NO_PAGE
    ),
    Behaviour(
        "a ZIP file without a type", sends(answer(b"PK\3\4" + bytes(range(256)) * 9)), "dropped|failed", _NO_PAGE
    ),
    Behaviour("HTML without a type", sends(page("typeless", kind="")), item={"title": "typeless"}),
    Behaviour(
        "HTML declared as an image",
        sends(page("an image?", kind="image/png")),
        "done|dropped|failed",
        r"^$|" + _NO_PAGE,
    ),
    Behaviour("HTML declared as text/plain", sends(page("plain", kind="text/plain"))),
    Behaviour("a type of garbage", sends(page("garbage", kind=";;/,=html;charset")), item={"title": "garbage"}),
    Behaviour(
        "a base of javascript:",
        sends(page("base", "<base href='javascript:alert(1)'><a href=/x>")),
        item={"links": 1, "first": re.compile(r"^http://127\..*/x$")},
    ),
    Behaviour(
        "a base of file:",
        sends(page("base", "<base href='file:///etc/'><a href=passwd>")),
        item={"first": re.compile(r"^http://127\..*/passwd$")},
    ),
    Behaviour(
        "tabs and newlines inside schemes",
        sends(
            page(
                "schemes",
                "<a href='java\nscript:alert(1)'><a href='\tj\ta\tv\ta\tscript:x'>"
                "<a href='fi\rle:///etc/passwd'><a href=' /o\tk '>",
            )
        ),
        item={"links": 1, "first": re.compile("/ok$")},
    ),
    Behaviour(
        "links that are none",
        sends(
            page(
                "none",
                "<a href='http://['><a href='http://a b/'><a href='//'><a href='http://a:99999/'>"
                "<a href><a href='mailto:a@b'><a href='#x'>",
            )
        ),
        item={"links": 1},
        follow=True,
        most=1,
    ),
    Behaviour(
        "a calendar", calendar, item={"title": re.compile("^calendar")}, follow=True, cut="^traps: .*calendar", most=201
    ),
    Behaviour(
        "session ids in the path",
        sessions,
        item={"title": "session"},
        follow=True,
        cut="^traps: one session id more",
        most=60,
    ),
    Behaviour(
        "random segments",
        sessions_in_segments,
        item={"title": "session"},
        follow=True,
        cut="^traps: 21 links in a row",
        most=60,
    ),
    Behaviour(
        "/a/a/a and ever deeper",
        repeats,
        item={"title": "deeper"},
        follow=True,
        cut="^traps: the same more than",
        most=20,
    ),
    Behaviour(
        "/a/b/c/a/b/c and ever deeper",
        repeats_groups,
        item={"title": "deeper"},
        follow=True,
        cut="^traps: the same more than",
        most=20,
    ),
    Behaviour(
        "ever deeper without repeating",
        deepens,
        item={"title": "deeper"},
        follow=True,
        cut="^traps: a path of 13 segments",
        most=20,
    ),
    Behaviour(
        "permutations of a query",
        permutes,
        item={"title": "filters"},
        follow=True,
        cut="^traps: .* combinations of parameters",
        most=40,
    ),
    Behaviour(
        "numbers without end", numbers, item={"title": "number"}, follow=True, cut="^traps: 21 links in a row", most=60
    ),
    Behaviour("URLs that grow", grows, item={"title": "longer"}, follow=True, cut="^scope: a URL of", most=20),
    Behaviour(
        "a title with terminal escapes",
        sends(page(f"{ESC}[2J{ESC}]0;owned\x07red\nforged line\u202e")),
        item={"title": re.compile("owned")},
    ),
    Behaviour(
        "URLs with terminal escapes",
        sends(page("links", f"<a href='/{ESC}[31m'><a href='/%1b%5b31m%0aforged'>")),
        item={"links": 2},
        follow=True,
        most=3,
    ),
    Behaviour(
        "cells that a spreadsheet runs",
        sends(page("=HYPERLINK(&quot;http://x/&quot;&amp;A1)")),
        item={"title": re.compile("^=HYPERLINK")},
    ),
    Behaviour(
        "a file name with ../",
        sends(page("named", "", 'Content-Disposition: attachment; filename="../../../owned.html"')),
        item={"title": "named"},
    ),
    Behaviour(
        "binary of a type with terminal escapes",
        sends(answer(bytes(range(256)) * 40, f"Content-Type: text/{ESC}[31mhtml")),
        "dropped|failed",
        _NO_PAGE,
    ),
    Behaviour(
        "terminal escapes in an exception of the spider",
        sends(page("raises", f"{ESC}[31m{ESC}]0;owned\x07\nforged line\u202e")),
        "failed",
        "ValueError",
    ),
    Behaviour(
        "terminal escapes in what blocks", sends(page("Page not found", f"{ESC}[31m\x07")), "blocked", "soft 404"
    ),
    Behaviour("soft 404", sends(page("Page not found")), "blocked", "soft 404"),
    Behaviour(
        "a captcha with status 200",
        sends(page("Just a moment...", "<script>window._cf_chl_opt={}</script>")),
        "blocked",
        "challenge|verification",
    ),
    Behaviour(
        "XML with an external entity",
        sends(
            answer(
                b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><title>&x;</title></a>',
                "Content-Type: application/xml",
            )
        ),
        item={"text": re.compile(r"^(?!.*root:)", re.DOTALL)},
    ),
    Behaviour(
        "a billion laughs",
        sends(
            answer(
                b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">'
                + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
                + b"]><a><title>&l9;</title></a>",
                "Content-Type: application/xml",
            )
        ),
    ),
    Behaviour(
        "a page that a pattern never gets through",
        sends(page("runaway", "a" * 40 + "!")),
        "failed",
        "runaway|parse_timeout|took",
    ),
    Behaviour("an item that cannot be stored", sends(page("unstorable")), item={"title": "unstorable"}),
]

"""What a page repeats: which elements are its records, what they have in common, and the three ways to ask for it."""

import re
import time

import pytest

from crawler import Page, Request, Response
from crawler.demo import pages
from crawler.spider.outline import records_in

QUOTE = """<div class="quote" itemscope><span class="text">“{0}”</span> <span>by <small class="author">A. {0}</small>
<a href="/author/{0}">(about)</a></span><div class="tags">Tags: <a class="tag" href="/t/{0}">{0}</a>
<a class="tag" href="/t/y">y</a></div></div>"""
MENU = "<nav><ul>" + "".join(f'<li><a href="/{n}">page {n}</a></li>' for n in range(40)) + "</ul></nav>"


def opened(html, kind="text/html; charset=utf-8"):
    return Page(
        Response("http://a.example/", 200, (("Content-Type", kind),), html.encode()), Request("http://a.example/")
    )


def repeated(html, count, around="<div>{}</div>"):
    return around.format("".join(html.format(number) for number in range(count)))


def found(html):
    """The selector of the records, and name and value of the first one's fields: the same asked in all three ways."""
    page = opened(html)
    records = records_in(page)
    if records is None:
        return None
    blocks = page.css(records.css)
    assert len(blocks) == len(page.xpath(records.xpath)) == records.number
    parts = re.split(records.regex, page.text)[1:]
    values = {}
    for field in records.fields:
        values[field.name] = (blocks[0].css(field.css).get() or "").strip()
        assert (page.xpath(records.xpath)[0].xpath(field.xpath).get() or "").strip() == values[field.name]
        if field.regex:
            assert re.search(field.regex, parts[0])[1].strip() == values[field.name]
    return records.css, records.number, values


def test_records_win_over_the_menu_and_what_is_in_them():
    assert found(MENU + repeated(QUOTE, 8)) == (
        "div.quote",
        8,
        {"text": "“0”", "author": "A. 0", "link": "/author/0", "tag": "0"},
    )


@pytest.mark.parametrize(("rows", "cards"), [(4, 4), (3, 2), (20, 3)])
def test_records_win_over_the_rows_they_stand_in(rows, cards):
    card = '<div class="card"><h3>{0}</h3><a href="/{0}">see</a><p>text {0}</p></div>'
    html = "".join(
        f'<div class="row">{"".join(card.format(row * cards + n) for n in range(cards))}</div>' for row in range(rows)
    )
    assert found(f'<div class="col">{html}</div>')[:2] == ("div.card", rows * cards)


def test_records_win_over_the_large_parts_of_a_page():
    prose = "<div><div>" + "<p>words <b>words</b></p>" * 40 + "</div></div>"
    films = f"<div><div>{repeated(QUOTE, 8)}</div></div>"
    html = "".join(f'<section class="part">{part}</section>' for part in (prose, films, prose, prose))
    assert found(html)[:2] == ("div.quote", 8)


def test_records_without_a_class_are_found_by_their_parent():
    assert found(pages.board(7)) == (
        "dl.board-wrapper > dd",
        10,
        {
            "board_index": "1",
            "link": "/films/2001",
            "image": "/posters/2001.svg",
            "name": "纸鹤邮局",
            "star": "主演：乔望舒,尉迟川,诺拉·费恩维克",
            "releasetime": "上映时间：2024-05-01",
            "integer": "9.",
            "fraction": "5",
        },
    )
    assert found(repeated("<li>film {0}</li>", 5, '<ul id="films">{}</ul>')) == ("#films > li", 5, {"text": "film 0"})
    assert found(repeated("<li>film {0}</li>", 5, "<ol>{}</ol>")) == ("ol > li", 5, {"text": "film 0"})


def test_rows_of_a_table_have_columns():
    row = '<tr><td>{0}.</td><td>film {0}</td><td><a href="/{0}">{0}</a></td></tr>'
    css, _, values = found(repeated(row, 5, "<table><tbody>{}</tbody></table>"))
    assert (css, values) == (
        "tbody > tr",
        {"column_1": "0.", "column_2": "film 0", "title": "0", "link": "/0"},
    )


def test_a_record_may_be_a_link_itself():
    card = '<a class="card" href="/{0}"><h2>film {0}</h2><img src="{0}.png"></a>'
    assert found(repeated(card, 4))[2] == {"title": "film 0", "image": "0.png", "link": "/0"}


def test_what_all_have_alike_and_what_few_have_is_left_out():
    card = '<div class="film"><h2>film {0}</h2><b class="buy">buy now</b></div>'
    rare = card.replace("</div>", '<i class="prize">{0}</i></div>')
    html = f"<div>{rare.format(9)}{repeated(card, 6, '{}')}</div>"
    assert found(html)[2] == {"title": "film 9"}


@pytest.mark.parametrize(
    "html",
    ["", MENU, "<p>one<p>two<p>three", pages.account(), "<div><p>{}</div>" * 2, "no markup at all"],
)
def test_a_page_without_a_list_has_none(html):
    assert found(html) is None


@pytest.mark.parametrize("name", ['x"or"1', "a.b", "9", "-x", "é", "'", "\\", "]", "x("], ids=lambda name: ascii(name))
def test_names_that_would_have_to_be_escaped_are_not_used(name):
    html = repeated(f"<div class={name} ><h2 class={name}>{{0}}</h2><a href=x{{0}}>y</a></div>", 5)
    records = records_in(opened(html))
    assert records is None or records.css == "div > div"
    for field in records.fields if records else ():
        assert name not in field.css
        assert name not in field.xpath


def test_a_field_without_a_pattern_that_fits_can_still_be_selected():
    (link,) = [one for one in records_in(opened(repeated("<a class=x href=/{0}></a>", 3))).fields if one.attribute]
    assert (link.css, link.regex) == ("::attr(href)", "")


def test_records_of_xml_are_found():
    feed = repeated("<item><title>t{0}</title><link>l{0}</link></item>", 3, "<rss><channel>{}</channel></rss>")
    records = records_in(opened(feed, "application/xml"))
    assert (records.css, [field.css for field in records.fields]) == ("channel > item", ["title::text", "link::text"])


def test_a_huge_page_is_looked_at_in_linear_time():
    page = opened(repeated(QUOTE, 5_000) + MENU * 200 + "<div>" * 500)
    assert page.tree is not None
    began = time.process_time()
    assert records_in(page).css == "div.quote"
    assert time.process_time() - began < 8

"""`spiders/maoyan_top100.py` reads a page of the board and goes on to the next, up to the number of pages wanted."""

import time

import pytest

from crawler.demo.site import films
from crawler.request import Request

SITE = "http://127.0.0.1:8000"


def split(results):
    """Items and requests of one page."""
    results = list(results)
    requests = [result for result in results if isinstance(result, Request)]
    return [result for result in results if not isinstance(result, Request)], requests


def test_the_real_board_gives_what_a_person_reads(spider, foreign_page):
    board = foreign_page("top100_2019-05-23.html", "https://maoyan.com/board/4?offset=0")
    items, requests = split(spider("maoyan_top100").parse(board))
    poster = "https://{}.meituan.net/movie/{}.jpg@160w_220h_1e_1c".format
    link = "https://maoyan.com/films/{}".format
    assert [tuple(item.values()) for item in items] == [
        ("1", "霸王别姬", "张国荣,张丰毅,巩俐", "1993-01-01", "9.5",
         poster("p1", "20803f59291c47e1e116c11963ce019e68711"), link(1203)),
        ("2", "肖申克的救赎", "蒂姆·罗宾斯,摩根·弗里曼,鲍勃·冈顿", "1994-09-10(加拿大)", "9.5",
         poster("p0", "283292171619cdfd5b240c8fd093f1eb255670"), link(1297)),
        ("3", "罗马假日", "格利高里·派克,奥黛丽·赫本,埃迪·艾伯特", "1953-09-02(美国)", "9.1",
         poster("p0", "289f98ceaa8a0ae737d3dc01cd05ab052213631"), link(2641)),
        ("4", "这个杀手不太冷", "让·雷诺,加里·奥德曼,娜塔莉·波特曼", "1994-09-14(法国)", "9.5",
         poster("p1", "6bea9af4524dfbd0b668eaa7e187c3df767253"), link(4055)),
        ("5", "泰坦尼克号", "莱昂纳多·迪卡普里奥,凯特·温丝莱特,比利·赞恩", "1998-04-03", "9.5",
         poster("p1", "b607fba7513e7f15eab170aac1e1400d878112"), link(267)),
        ("6", "唐伯虎点秋香", "周星驰,巩俐,郑佩佩", "1993-07-01(中国香港)", "9.1",
         poster("p0", "da64660f82b98cdc1b8a3804e69609e041108"), link(837)),
        ("7", "魂断蓝桥", "费雯·丽,罗伯特·泰勒,露塞尔·沃特森", "1940-05-17(美国)", "9.2",
         poster("p0", "46c29a8b8d8424bdda7715e6fd779c66235684"), link(2760)),
        ("8", "乱世佳人", "费雯·丽,克拉克·盖博,奥利维娅·德哈维兰", "1939-12-15(美国)", "9.1",
         poster("p0", "223c3e186db3ab4ea3bb14508c709400427933"), link(7431)),
        ("9", "天空之城", "寺田农,鹫尾真知子,龟山助清", "1992", "9.1",
         poster("p1", "ba1ed511668402605ed369350ab779d6319397"), link(1228)),
        ("10", "辛德勒的名单", "连姆·尼森,拉尔夫·费因斯,本·金斯利", "1993-12-15(美国)", "9.2",
         poster("p0", "b0d986a8bf89278afbb19f6abaef70f31206570"), link(3667)),
    ]  # fmt: skip
    assert list(items[0]) == ["index", "title", "actor", "time", "score", "poster", "link"]
    assert [request.url for request in requests] == ["https://maoyan.com/board/4?offset=10"]


def walk(built, fetch):
    """Follow the spider through the demo site: all items, and the URLs in order."""
    found, urls, requests = [], [], list(built.start())
    while requests:
        request = requests.pop(0)
        urls.append(request.url)
        items, more = split(built.parse(fetch(request)))
        found += items
        requests += more
    return found, urls


def test_it_walks_all_ten_pages_once(spider, demo, fetch):
    found, urls = walk(spider("maoyan_top100", site=demo.url), fetch)
    assert urls == [f"{demo.url}/board/4?offset={offset}" for offset in range(0, 100, 10)]
    assert found == films(4, demo.url)


@pytest.mark.parametrize("pages", [1, 2, 7])
def test_the_argument_pages_ends_the_walk_early(spider, demo, fetch, pages):
    found, urls = walk(spider("maoyan_top100", site=demo.url + "/", pages=pages), fetch)
    assert len(urls) == pages
    assert found == films(4, demo.url)[: 10 * pages]


def test_a_real_page_without_a_ranking_gives_nothing(spider, foreign_page):
    listing = foreign_page("films_now_showing.html", "https://www.maoyan.com/films")
    assert list(spider("maoyan_top100").parse(listing)) == []


@pytest.mark.parametrize("path", ["/", "/board/empty", "/board/4?offset=100", "/verify", "/films/1001"])
def test_pages_without_films_give_nothing(spider, demo, fetch, path):
    assert list(spider("maoyan_top100").parse(fetch(Request(demo.url + path)))) == []


def test_an_empty_page_gives_nothing(spider, page):
    assert list(spider("maoyan_top100").parse(page("", f"{SITE}/board/4?offset=0"))) == []


def test_what_a_film_does_not_have_is_none(spider, page):
    board = page(
        '<dl class="board-wrapper"><dd><i class="board-index board-index-1">1</i></dd></dl>', f"{SITE}/board/4"
    )
    assert list(spider("maoyan_top100").parse(board)) == [
        {"index": "1", "title": None, "actor": None, "time": None, "score": None, "poster": None, "link": None}
    ]


def test_a_poster_without_data_src_is_taken_from_src(spider, page):
    board = page(
        '<dl class="board-wrapper"><dd><i class="board-index">1</i><img class="poster-default" src="/wait.png">'
        '<img class="board-img" src="//img.example/1.jpg"></dd></dl>',
        f"{SITE}/board/4",
    )
    assert [item["poster"] for item in spider("maoyan_top100").parse(board)] == ["http://img.example/1.jpg"]


FILM = '<dd><i class="board-index">1</i><p class="name"><a href="/films/1">甲</a></p>'
HOSTILE = {
    "films without their other fields": (FILM + "</dd>") * 5_000,
    "films that are not closed": FILM * 20_000,
    "films nested in one another": (FILM + "<div>") * 20_000,
    "a pager without end": '</dl><ul class="list-pager">' + '<li><a href="?offset=0">上一页</a></li>' * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_board_is_read_in_linear_time(spider, page, name):
    board = page('<meta charset=utf-8><dl class="board-wrapper">' + HOSTILE[name], f"{SITE}/board/4?offset=0")
    start = time.process_time()
    items = list(spider("maoyan_top100").parse(board))
    assert time.process_time() - start < 5.0  # one second for the most films; every film looking at all takes minutes
    assert len(items) <= 20_000

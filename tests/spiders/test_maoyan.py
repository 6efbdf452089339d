"""`spiders/maoyan.py` finds what a person reads on a board, and nothing where there is no board."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from crawler import crawl
from crawler.demo.site import films
from crawler.request import Request

MAOYAN = Path(__file__).parents[2] / "spiders" / "maoyan.py"
PAGES = Path(__file__).parents[1] / "pages" / "maoyan"
CASES = json.loads((PAGES / "expected.json").read_text(encoding="utf-8"))
EXPECTED = {case["page"]: case["items"] for case in CASES}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_saved_page_gives_the_expected_items(spider, page, name):
    assert list(spider("maoyan").parse(page((PAGES / name).read_bytes()))) == EXPECTED[name]


def test_every_saved_page_has_expected_items():
    assert sorted(EXPECTED) == sorted(path.name for path in PAGES.glob("*.html"))


def test_the_real_board_gives_what_a_person_reads(spider, foreign_page):
    board = foreign_page("board7_2018-12-10.html", "https://www.maoyan.com/board/7")
    assert [tuple(item.values()) for item in spider("maoyan").parse(board)] == [
        ("1", "海王", "杰森·莫玛,艾梅柏·希尔德,妮可·基德曼", "2018-12-07", "9.5"),
        ("2", "毒液：致命守护者", "汤姆·哈迪,米歇尔·威廉姆斯,里兹·阿迈德", "2018-11-09", "9.2"),
        ("3", "无名之辈", "陈建斌,任素汐,潘斌龙", "2018-11-16", "9.1"),
        ("4", "生活万岁", "李安甫,胡兆翠,康昕", "2018-11-27", "9.1"),
        ("5", "无敌破坏王2：大闹互联网", "约翰·C·赖利,萨拉·西尔弗曼,克里斯汀·贝尔", "2018-11-23", "8.9"),
        ("6", "恐龙王", "王衡,吕佩玉,孙晔", "2018-11-10", "8.9"),
        ("7", "老爸102岁", "阿米特巴·巴强,里希·卡普尔,达尔曼德拉·吉尔", "2018-11-30", "8.7"),
        ("8", "憨豆特工3", "罗温·艾金森,本·米勒,欧嘉·柯瑞兰寇", "2018-11-23", "8.6"),
        ("9", "狗十三", "张雪迎,果靖霖,智一桐", "2018-12-07", "8.3"),
        ("10", "三只小猪2", "王晓彤,李晔,洪海天", "2017-05-27", "8.3"),
    ]


def test_an_item_has_the_fields_in_the_order_of_the_page(spider, page):
    first = next(spider("maoyan").parse(page((PAGES / "board7.html").read_bytes())))
    assert list(first) == ["index", "title", "actor", "time", "score"]


def test_a_real_page_without_a_ranking_gives_nothing(spider, foreign_page):
    listing = foreign_page("films_now_showing.html", "https://www.maoyan.com/films")
    assert listing.text.count("<dd>") == 30
    assert list(spider("maoyan").parse(listing)) == []


def test_the_demo_site_gives_its_true_films(spider, demo, fetch):
    maoyan = spider("maoyan", site=demo.url)
    assert [item for request in maoyan.start() for item in maoyan.parse(fetch(request))] == films(7)


def test_it_reads_the_top_100_board_too(spider, demo, fetch):
    items = list(spider("maoyan").parse(fetch(Request(f"{demo.url}/board/4?offset=20"))))
    assert items == [{name: film[name] for name in items[0]} for film in films(4)[20:30]]


@pytest.mark.parametrize("site", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/"])
def test_it_starts_at_the_board_of_the_given_site(spider, site):
    assert [request.url for request in spider("maoyan", site=site).start()] == ["http://127.0.0.1:8000/board/7"]


def test_it_starts_at_maoyan_by_default(spider):
    assert [request.url for request in spider("maoyan").start()] == ["https://www.maoyan.com/board/7"]


FILM = (
    '<dd><i class="board-index board-index-1">{}</i><p class="name"><a href="/films/1">片{}</a></p>'
    '<p class="star">主演：甲</p><p class="releasetime">上映时间：2024</p>'
)
HOSTILE = {
    "films that are not closed": FILM.format(1, 1) * 20_000,
    "films without their last field": (FILM.format(1, 1) + "</dd>") * 20_000,
    "films that stop in the middle of a field": '<dd><i class="board-index">1</i><p class="star">主演：' * 20_000,
    "tags that never end": '<dd><p class="name"><a ' * 20_000,
    "white space without end": '<dd><i class="board-index">1</i><p class="name">' + " " * 2_000_000,
    "one film with every field many times": "<dd>"
    + FILM.format(1, 1)[4:] * 20_000
    + '<i class="integer">9.</i>' * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_board_is_read_in_linear_time(spider, page, name):
    board = page("<html><head><meta charset=utf-8></head><body><dl>" + HOSTILE[name])
    assert len(board.text) > 100_000
    start = time.process_time()
    items = list(spider("maoyan").parse(board))
    assert time.process_time() - start < 2.0
    assert len(items) <= 20_000


def test_films_that_are_not_closed_are_still_found_one_by_one(spider, page):
    board = page("<dl>" + "".join(FILM.format(number, number) for number in range(1, 20_001)))
    items = list(spider("maoyan").parse(board))
    assert len(items) == 20_000
    assert items[-1] == {"index": "20000", "title": "片20000", "actor": "甲", "time": "2024", "score": None}


def test_a_missing_field_is_not_taken_from_the_next_film(spider, page):
    board = page(
        '<dl><dd><i class="board-index board-index-1">1</i></dd>'
        '<dd><i class="board-index board-index-2">2</i><p class="name"><a href="/films/2">乙</a></p></dd></dl>'
        '<p class="star">主演：页脚</p>'
    )
    assert [(item["title"], item["actor"]) for item in spider("maoyan").parse(board)] == [(None, None), ("乙", None)]


def test_a_saved_page_is_read_as_the_report_of_a_blocked_run_advises(tmp_path, start_command):
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "7").write_bytes((PAGES / "board7.html").read_bytes())
    server = start_command(sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1")
    address = re.search(r"http://127\.0\.0\.1:\d+", server.process.stdout.readline().decode())[0]
    report = crawl(MAOYAN, arguments={"site": address}, settings={"crawl.pool": "inline", "politeness.delay": 0})
    assert (report.exit_code, len(report.items)) == (0, 10)

"""The demo site over real sockets: what it answers, and that it starts and stops cleanly."""

import http.client
import re
import threading
import time
from html import unescape
from urllib.parse import urlsplit

import pytest

from crawler.demo.site import films, serve


@pytest.fixture(scope="module")
def site():
    with serve() as running:
        yield running


def get(site, target, method="GET"):
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def titles(page):
    return [unescape(title) for title in re.findall(r'<p class="name"><a [^<>]*>([^<]*)</a>', page)]


def test_the_address_is_on_this_machine(site):
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", site.url)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/board/7",
        "/board/4",
        "/board/4?offset=90",
        "/board/empty",
        "/films/1001",
        "/films/2010",
        "/verify",
        "/account/",
    ],
)
def test_every_page_is_html_with_its_length(site, target):
    status, headers, text = get(site, target)
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert int(headers["Content-Length"]) == len(text.encode())
    assert text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "target", ["/nowhere", "/films/9999", "/films/1001.svg", "/posters/1001", "/posters/loading.svg", "/board/5"]
)
def test_what_is_not_there_is_404(site, target):
    assert get(site, target)[0] == 404


def test_board_7_shows_the_ten_films_and_one_has_no_score(site):
    page = get(site, "/board/7")[2]
    assert titles(page) == [film["title"] for film in films(7)]
    assert page.count("<dd>") == 10
    assert page.count('class="score"') == 9
    assert [film["score"] for film in films(7)].count(None) == 1


def test_board_4_has_ten_pages_of_ten_films(site):
    found = [titles(get(site, f"/board/4?offset={offset}")[2]) for offset in range(0, 100, 10)]
    assert [len(page) for page in found] == [10] * 10
    assert sum(found, []) == [film["title"] for film in films(4)]  # noqa: RUF017
    assert titles(get(site, "/board/4?offset=100")[2]) == []
    assert titles(get(site, "/board/4?offset=x")[2]) == found[0]


def pager(site, offset):
    page = get(site, f"/board/4?offset={offset}")[2]
    return re.findall(r'<a class="page_(\d+)" href="([^"]*)"[^<>]*>([^<]*)</a>', page)


def test_the_pager_leads_from_the_first_page_to_the_last(site):
    assert pager(site, 0) == [
        ("1", "javascript:void(0);", "1"),
        ("2", "?offset=10", "2"),
        ("3", "?offset=20", "3"),
        ("10", "?offset=90", "10"),
        ("2", "?offset=10", "下一页"),
    ]
    assert ("6", "?offset=50", "下一页") in pager(site, 40)
    assert ("4", "?offset=30", "上一页") in pager(site, 40)
    assert "下一页" not in [text for _, _, text in pager(site, 90)]


def test_an_empty_board_is_a_board_without_films(site):
    page = get(site, "/board/empty")[2]
    assert '<dl class="board-wrapper">' in page
    assert "<dd>" not in page


def test_films_are_all_different_and_every_link_and_poster_exists(site):
    top = films(4, site.url)
    assert len({film["title"] for film in [*top, *films(7)]}) == 110
    for film in (top[0], top[49], top[99]):
        page = get(site, urlsplit(film["link"]).path)[2]
        assert film["title"] in page
        assert film["actor"] in page
        status, headers, picture = get(site, urlsplit(film["poster"]).path)
        assert (status, headers["Content-Type"]) == (200, "image/svg+xml")
        assert picture.startswith("<svg ")


def test_there_is_no_truth_about_other_boards():
    with pytest.raises(KeyError):
        films(5)


def test_robots_txt_allows_the_boards_and_closes_the_account(site):
    status, headers, text = get(site, "/robots.txt")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert text == f"User-agent: *\nDisallow: /account/\n\nSitemap: {site.url}/sitemap.xml\n"


def test_the_verification_page_has_the_title_and_no_films(site):
    page = get(site, "/verify")[2]
    assert "<title>猫眼验证中心</title>" in page
    assert "<dd>" not in page


def test_with_verify_every_board_is_the_verification_page():
    with serve(verify=True) as site:
        expected = get(site, "/verify")[2]
        for target in ("/board/7", "/board/4?offset=20", "/board/empty"):
            status, _, page = get(site, target)
            assert (status, page) == (200, expected)
        assert get(site, "/films/1001")[2] != expected


def test_every_start_shows_the_same_pages(site):
    with serve() as another:
        for target in ("/", "/board/7", "/board/4?offset=30", "/films/1042", "/posters/1042.svg"):
            assert get(site, target)[2] == get(another, target)[2]


def test_the_log_tells_what_was_asked_for():
    with serve() as site:
        get(site, "/board/7")
        get(site, "/nowhere?x=1", "HEAD")
        assert site.log == [("GET", "/board/7"), ("HEAD", "/nowhere?x=1")]


def test_head_answers_without_a_body(site):
    status, headers, text = get(site, "/board/7", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 5000


def test_head_leaves_the_connection_in_order(site):
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    try:
        for method in ("HEAD", "GET", "HEAD"):
            connection.request(method, "/board/7")
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, method == "GET")
    finally:
        connection.close()


def test_a_connection_stays_open_and_answers_at_once(site):
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    try:
        connection.connect()
        first, seconds = connection.sock, []
        for _ in range(20):
            start = time.monotonic()
            connection.request("GET", "/board/7")
            assert connection.getresponse().read()
            seconds.append(time.monotonic() - start)
            assert connection.sock is first
    finally:
        connection.close()
    assert sorted(seconds)[10] < 0.03  # an answer that waits for an acknowledgement takes 0.04


def test_many_visitors_at_once_are_all_served(site):
    answers = []
    visitors = [threading.Thread(target=lambda: answers.append(get(site, "/board/4")[0])) for _ in range(40)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(20)
    assert answers == [200] * 40


def test_latency_is_waited_before_each_answer():
    with serve(latency=0.2) as site:
        start = time.monotonic()
        get(site, "/")
        assert time.monotonic() - start >= 0.2


def test_nothing_is_printed_even_when_a_visitor_hangs_up(capfd):
    with serve(latency=0.05) as site:
        connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
        connection.request("GET", "/board/7")
        connection.close()
        get(site, "/nowhere")
    assert capfd.readouterr() == ("", "")


def test_it_stops_with_the_block_and_frees_the_port():
    with serve() as site:
        port = urlsplit(site.url).port
    with pytest.raises(ConnectionRefusedError):
        get(site, "/")
    with serve(port=port) as again:
        assert urlsplit(again.url).port == port


def test_a_port_that_is_taken_is_an_error(site):
    with pytest.raises(OSError, match="in use"), serve(port=urlsplit(site.url).port):
        pass

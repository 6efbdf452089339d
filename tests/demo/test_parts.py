"""What of the demo site is more than pages: the login, the API, sitemaps and files. Asked without a socket."""

import gzip
import json
import re

import pytest

from crawler.demo import api, press
from crawler.demo.answer import Ask
from crawler.demo.films import BOARDS
from crawler.demo.site import serve


@pytest.fixture(scope="module")
def site():
    with serve() as running:
        yield running


def get(site, target, **fields):
    return site.answer(Ask("GET", target, {name.replace("_", "-"): value for name, value in fields.items()}))


def log_in(site, user="demo", password="demo", token=None):
    form = get(site, "/login")
    cookie = form.fields[0][1].partition(";")[0]
    token = token or re.search(r'name="token" value="(\w+)"', form.body.decode())[1]
    body = f"token={token}&user={user}&password={password}".encode()
    return cookie, site.answer(Ask("POST", "/login", {"cookie": cookie}, body))


def test_the_list_is_shown_to_who_has_logged_in(site):
    assert dict(get(site, "/watchlist").fields)["Location"] == "/login"
    cookie, answer = log_in(site)
    assert (answer.status, dict(answer.fields)["Location"]) == (303, "/watchlist")
    pages = [get(site, f"/watchlist?page={number}", cookie=cookie).body.decode() for number in (1, 2, 3, 4)]
    assert [page.count("<time>") for page in pages] == [4, 4, 3, 0]
    assert ['rel="next"' in page for page in pages] == [True, True, False, False]
    assert get(site, "/watchlist?page=x", cookie=cookie).body.decode() == pages[0]


@pytest.mark.parametrize("wrong", [{"password": "guess"}, {"user": "root"}, {"token": "0" * 32}])
def test_a_wrong_login_is_none(site, wrong):
    cookie, answer = log_in(site, **wrong)
    assert 'class="error"' in answer.body.decode()
    assert get(site, "/watchlist", cookie=cookie).status == 303


def test_the_sessions_of_one_site_are_unknown_to_another(site):
    cookie, _ = log_in(site)
    with serve() as another:
        assert get(another, "/watchlist", cookie=cookie).status == 303


def test_the_cursors_of_the_api_lead_through_all_films(site):
    found, target, answers = [], "/api/films?limit=40", 0
    while target:
        answer = json.loads(get(site, target).body)
        found += answer["films"]
        answers += 1
        target = answer["next"] and f"/api/films?limit=40&cursor={answer['next']}"
    assert (found, answers) == (api.films(), 3)


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "cursor=x", "cursor=YWJj", "limit=²"])
def test_the_api_refuses_what_cannot_be_meant(site, query):
    answer = get(site, f"/api/films?{query}")
    assert (answer.status, list(json.loads(answer.body))) == (400, ["error"])


def test_the_sitemaps_name_pages_that_are_there(site):
    def located(text):
        return [url.removeprefix(site.url) for url in re.findall("<loc>([^<]*)</loc>", text)]

    parts = located(get(site, "/sitemap.xml").body.decode())
    assert parts == ["/sitemap-boards.xml", "/sitemap-films.xml.gz"]
    pages = located(get(site, parts[0]).body.decode()) + located(gzip.decompress(get(site, parts[1]).body).decode())
    assert len(pages) == 2 + 25
    assert {get(site, page).status for page in pages} == {200}


def test_each_new_film_has_a_press_sheet_with_the_checksum_beside_it(site):
    page = get(site, "/press/").body.decode()
    links = re.findall(r'href="(/press/\d+\.pdf)">[^<]*</a> <code>(\w{64})</code>', page)
    assert len(links) == len(BOARDS[7])
    for link, sha256 in links:
        sheet = get(site, link)
        assert sheet.content_type == "application/pdf"
        assert press.sha256(sheet.body) == sha256
        start = int(re.search(rb"startxref\n(\d+)\n", sheet.body)[1])
        assert sheet.body[start:].startswith(b"xref\n")
    assert get(site, "/press/1001.pdf").status == 404


def test_a_file_is_not_sent_again_to_who_has_it(site):
    fields = dict(get(site, "/press/2001.pdf").fields)
    assert get(site, "/press/2001.pdf", if_none_match=fields["ETag"]).status == 304
    assert get(site, "/press/2001.pdf", if_modified_since=fields["Last-Modified"]).status == 304
    assert get(site, "/press/2001.pdf", if_none_match='"old"', if_modified_since=fields["Last-Modified"]).status == 200

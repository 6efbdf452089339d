"""`spiders/watchlist.py` logs in and reads all pages of the list. No network: `responses` answers."""

import pytest

from crawler.demo.answer import Ask
from crawler.demo.login import Login, films

SITE = "http://films.example"


@pytest.fixture
def site(offline):
    """The site's login and its list; what it was sent stands in `site.calls`."""
    login = Login()

    def answer(request):
        fields = {name.lower(): value for name, value in request.headers.items()}
        ask = Ask(request.method, request.path_url, fields, request.body or b"")
        if ask.path == "/watchlist":
            told = login.watchlist(ask)
        else:
            told = login.send(ask) if ask.method == "POST" else login.form(ask)
        return told.status, {"Content-Type": told.content_type, **dict(told.fields)}, told.body

    for method, path in (("GET", "/login"), ("POST", "/login"), ("GET", "/watchlist")):
        offline.add_callback(method, SITE + path, answer)
    offline.assert_all_requests_are_fired = False
    return offline


def test_it_logs_in_and_reads_the_list_from_page_to_page(site, run, monkeypatch):
    monkeypatch.setenv("FILMS_PASSWORD", "demo")
    report = run("watchlist", site=SITE)
    assert report.items == films()
    assert report.exit_code == 0
    assert [call.request.path_url for call in site.calls if "robots" not in call.request.url] == [
        "/login",
        "/login",
        "/watchlist",
        "/watchlist?page=2",
        "/watchlist?page=3",
    ]


def test_a_wrong_password_is_an_error_that_says_so(site, run, monkeypatch):
    monkeypatch.setenv("FILMS_PASSWORD", "guess")
    report = run("watchlist", site=SITE)
    assert (report.exit_code, report.items) == (1, [])
    assert "no login for demo: Unknown user or wrong password." in report.summary()


def test_without_the_cookie_or_the_token_nobody_gets_in(site):
    login = Login()
    assert login.watchlist(Ask("GET", "/watchlist")).status == 303
    form = login.form(Ask("GET", "/login"))
    cookie = {"cookie": form.fields[0][1].partition(";")[0]}
    assert login.send(Ask("POST", "/login", cookie, b"user=demo&password=demo")).status == 403
    assert login.watchlist(Ask("GET", "/watchlist", cookie)).status == 303

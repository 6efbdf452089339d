"""`spiders/film_api.py` follows the cursors of an API to its end. No network: `responses` answers."""

import responses

from crawler.demo import api
from crawler.demo.answer import Ask

SITE = "http://films.example"


def answer(request):
    told = api.answer(Ask("GET", request.path_url))
    return told.status, {"Content-Type": told.content_type}, told.body


def test_all_films_are_found_by_the_cursors(offline, run):
    offline.add_callback(responses.GET, f"{SITE}/api/films", answer)
    report = run("film_api", site=SITE + "/", limit=30)
    assert report.items == api.films()
    assert (report.exit_code, report.pages) == (0, 4)


def test_what_is_no_json_is_an_error_that_names_the_page(offline, run):
    offline.get(f"{SITE}/api/films", body="<p>down for today", content_type="text/html")
    report = run("film_api", site=SITE)
    assert (report.exit_code, report.items) == (1, [])
    assert f"{SITE}/api/films?limit=20 is not JSON" in report.summary()

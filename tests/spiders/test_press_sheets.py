"""`spiders/press_sheets.py` saves files whose checksums stand on the page. No network: `responses` answers."""

from pathlib import Path

import pytest

from crawler.demo import press
from crawler.demo.answer import HTML
from crawler.demo.films import BOARDS

SITE = "http://films.example"


@pytest.fixture
def here(offline, tmp_path, monkeypatch):
    """The site; the crawl's folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    offline.get(f"{SITE}/press/", body=press.index().encode(), content_type=HTML)
    for film in BOARDS[7]:
        offline.get(f"{SITE}/press/{film.id}.pdf", body=press.sheet(film), content_type=press.PDF)
    return offline


def test_every_sheet_is_saved_and_told(here, run):
    report = run("press_sheets", site=SITE)
    assert report.exit_code == 0
    assert sorted(report.items, key=lambda item: item["url"]) == [
        {
            "url": f"{SITE}/press/{film.id}.pdf",
            "path": f"downloads/press/{film.id}.pdf",
            "size": len(press.sheet(film)),
            "sha256": press.sha256(press.sheet(film)),
            "content_type": "application/pdf",
            "title": film.title,
        }
        for film in BOARDS[7]
    ]
    assert {path.name: path.read_bytes() for path in Path("downloads/press").iterdir()} == {
        f"{film.id}.pdf": press.sheet(film) for film in BOARDS[7]
    }


def test_a_sheet_that_was_changed_on_the_way_is_an_error_and_no_file(here, run):
    film = BOARDS[7][3]
    here.replace("GET", f"{SITE}/press/{film.id}.pdf", body=b"%PDF-1.4 another", content_type=press.PDF)
    report = run("press_sheets", site=SITE)
    assert (report.exit_code, len(report.items)) == (1, 9)
    assert "file: with the SHA-256 " in report.summary()
    assert not Path(f"downloads/press/{film.id}.pdf").exists()


def test_a_second_crawl_fetches_none_of_them_again(here, run):
    first = run("press_sheets", site=SITE)
    here.reset()
    here.get(f"{SITE}/press/", body=press.index().encode(), content_type=HTML)
    here.assert_all_requests_are_fired = False
    again = run("press_sheets", site=SITE)
    assert sorted(again.items, key=str) == sorted(first.items, key=str)
    assert not [call for call in here.calls if ".pdf" in call.request.url]

"""What is left at the end: failures and answers that are not for the spider."""

import pytest

from crawler.request import Request
from crawler.response import Failure, Response
from crawler.rules.status import Status, describe
from crawler.verdict import KEEP, Drop

URL = "http://a.example/"


def verdict(outcome, accepted=(), errors=()):
    return Status(accepted, errors).after(Request(URL), outcome)


@pytest.mark.parametrize("status", [200, 201, 203, 226, 299])
def test_success_is_for_the_spider(status):
    assert verdict(Response(URL, status)) is KEEP


@pytest.mark.parametrize("status", [301, 304, 400, 403, 404, 410, 429])
def test_another_answer_is_counted_and_no_error(status):
    assert verdict(Response(URL, status)) == Drop(f"status: {describe(status)}", state="failed", error=False)


@pytest.mark.parametrize("status", [500, 503, 599, 999])
def test_a_server_error_is_an_error(status):
    assert verdict(Response(URL, status)).error


def test_a_status_that_was_worth_retries_is_an_error():
    assert verdict(Response(URL, 429), errors=[429, 503]).error
    assert not verdict(Response(URL, 404), errors=[429, 503]).error


def test_the_spider_may_ask_for_other_statuses():
    assert verdict(Response(URL, 404), accepted=[404]) is KEEP
    assert verdict(Response(URL, 503), accepted=[503], errors=[503]) is KEEP
    assert isinstance(verdict(Response(URL, 410), accepted=[404]), Drop)


def test_a_fetch_that_failed_is_an_error_with_its_reason():
    assert verdict(Failure(URL, "dns", "no such name")) == Drop("dns: no such name", state="failed", error=True)


def test_a_status_is_told_in_words_where_it_has_a_name():
    assert describe(404) == "404 Not Found"
    assert describe(999) == "999"


@pytest.mark.parametrize("status", [204, 205, 206])
def test_an_answer_without_a_page_gives_none(status):
    response = Response("http://a.example/", status, (), b"body")
    verdict = Status().after(Request("http://a.example/"), response)
    assert isinstance(verdict, Drop)
    assert (verdict.state, verdict.error) == ("failed", False)
    assert verdict.reason.endswith(", which has no page")
    assert Status([status]).after(Request("http://a.example/"), response) is KEEP


def test_a_part_that_was_asked_for_is_a_page():
    request = Request("http://a.example/", headers={"range": "bytes=0-9"})
    assert Status().after(request, Response("http://a.example/", 206)) is KEEP

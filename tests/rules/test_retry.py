"""Retries: what may pass is tried again, with growing pauses, and nothing is done twice that was meant once."""

from typing import get_args

import pytest

from crawler.request import Request
from crawler.response import Failure, FailureKind, Response
from crawler.rules.retry import Retry
from crawler.verdict import KEEP, Again

URL = "http://a.example/"
PASSING = {"connect", "dns", "timeout", "reset", "partial", "protocol"}
RULE = Retry(times=2, statuses=[429, 503], pause=1.0, max_pause=60.0)


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_a_failure_that_may_pass_is_tried_again_and_no_other(kind):
    verdict = RULE.after(Request(URL), Failure(URL, kind, "detail"))
    if kind in PASSING:
        assert verdict == Again(Request(URL, attempts=1), 1.0, f"{kind}: detail")
    else:
        assert verdict is KEEP


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_of_the_list_is_tried_again(status):
    verdict = RULE.after(Request(URL), Response(URL, status))
    assert isinstance(verdict, Again)
    assert verdict.reason.startswith(f"status: {status} ")


@pytest.mark.parametrize("status", [200, 301, 404, 500, 999])
def test_another_status_is_not(status):
    assert RULE.after(Request(URL), Response(URL, status)) is KEEP


def test_the_pauses_double_up_to_the_longest():
    rule = Retry(times=100, statuses=[], pause=1.0, max_pause=10.0)
    request, pauses = Request(URL), []
    for _ in range(6):
        again = rule.after(request, Failure(URL, "timeout"))
        request = again.request
        pauses.append(again.delay)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_patience_has_no_end_of_its_own():
    rule = Retry(times=10**6, statuses=[], pause=1.0, max_pause=10.0)
    assert rule.after(Request(URL, attempts=5000), Failure(URL, "timeout")).delay == 10.0


def test_after_the_last_attempt_the_outcome_stands():
    request = Request(URL)
    for _ in range(2):
        request = RULE.after(request, Failure(URL, "reset")).request
    assert request.attempts == 2
    assert RULE.after(request, Failure(URL, "reset")) is KEEP
    assert RULE.after(request, Response(URL, 503)) is KEEP


def test_without_retries_nothing_is_tried_again():
    assert Retry(0, [503], 1.0, 60.0).after(Request(URL), Failure(URL, "timeout")) is KEEP


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_might_be_done_twice_is_not_tried_again(method):
    assert RULE.after(Request(URL, method=method), Failure(URL, "timeout")) is KEEP
    assert RULE.after(Request(URL, method=method), Response(URL, 503)) is KEEP


def test_head_is_as_safe_as_get():
    assert isinstance(RULE.after(Request(URL, method="HEAD"), Failure(URL, "timeout")), Again)


def test_the_rest_of_the_request_stays():
    request = Request(URL, callback="parse_film", data=1, priority=3, depth=2, hops=("http://b.example/",))
    assert RULE.after(request, Failure(URL, "timeout")).request == request.replace(attempts=1)

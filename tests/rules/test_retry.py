"""Retries: what may pass is tried again, with growing pauses, and nothing is done twice that was meant once."""

from typing import get_args

import pytest

from crawler.request import Request
from crawler.response import Failure, FailureKind, Response
from crawler.rules import retry
from crawler.rules.retry import Retry
from crawler.verdict import KEEP, Again, Drop

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


@pytest.mark.parametrize(
    "detail",
    [
        "Name or service not known",
        "No address associated with hostname",
        "nodename nor servname provided, or not known",
        "Name does not resolve",
    ],
)
def test_a_name_that_does_not_exist_is_not_asked_for_again(detail):
    assert RULE.after(Request(URL), Failure(URL, "dns", detail)) is KEEP


def test_a_resolver_that_is_down_is_asked_again():
    assert isinstance(RULE.after(Request(URL), Failure(URL, "dns", "Temporary failure in name resolution")), Again)


def test_methods_that_are_listed_may_be_repeated():
    rule = Retry(2, [], 1.0, 60.0, methods=["GET", "post"])
    assert isinstance(rule.after(Request(URL, method="POST"), Failure(URL, "timeout")), Again)
    assert rule.after(Request(URL, method="HEAD"), Failure(URL, "timeout")) is KEEP


def test_the_jitter_only_shortens_a_pause_and_by_its_part_at_most():
    asked = []

    def uniform(low, high):
        asked.append((low, high))
        return high

    rule = Retry(9, [], 4.0, 10.0, jitter=0.25, uniform=uniform)
    assert [rule.after(Request(URL, attempts=n), Failure(URL, "timeout")).delay for n in range(3)] == [3.0, 6.0, 7.5]
    assert asked == [(0.0, 1.0), (0.0, 2.0), (0.0, 2.5)]


# -- Retry-After ---------------------------------------------------------------------------------------------------


def delay_of(value, status=503, **options):
    rule = Retry(2, [429, 503], 5.0, 60.0, max_retry_after=100.0, now=lambda: 784_111_777.0, **options)
    return rule.after(Request(URL), Response(URL, status, (("retry-AFTER", value),))).delay


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("30", 30.0),
        ("3", 5.0),
        ("4000", 100.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 07:00:00 GMT", 5.0),
        ("Sun, 06 Nov 2094 07:00:00 GMT", 100.0),
        ("soon", 5.0),
        ("-7", 5.0),
    ],
)
def test_a_host_that_says_when_is_not_asked_before(value, delay):
    assert delay_of(value) == delay
    assert delay_of(value, status=429) == delay


def test_the_jitter_does_not_shorten_what_the_host_asks_for():
    assert delay_of("30", jitter=1.0) == 30.0


# -- the budget of a host ------------------------------------------------------------------------------------------

USED_UP = "retry: the budget of this host is used up (retry.host_budget)"


def test_a_host_has_a_budget_and_others_have_their_own():
    rule = Retry(9, [503], 1.0, 60.0, host_budget=3)
    for number in range(3):
        assert isinstance(rule.after(Request(f"{URL}{number}"), Failure(URL, "timeout")), Again)
    assert rule.after(Request(URL), Failure(URL, "timeout", "late")) == Drop(
        f"timeout: late; {USED_UP}", state="failed", error=True
    )
    assert rule.after(Request(URL), Response(URL, 503)) == Drop(
        f"status: 503 Service Unavailable; {USED_UP}", state="failed", error=True
    )
    assert isinstance(rule.after(Request("http://b.example/"), Failure(URL, "timeout")), Again)


def test_pages_raise_the_budget_by_their_share():
    rule = Retry(9, [503], 1.0, 60.0, host_budget=1, host_budget_share=0.5)
    verdicts = []
    for _ in range(2):
        for _ in range(4):
            assert rule.after(Request(URL), Response(URL, 200)) is KEEP
        verdicts += [type(rule.after(Request(URL), Failure(URL, "reset"))) for _ in range(4)]
    assert verdicts == [Again, Again, Again, Drop, Again, Again, Drop, Drop]


def test_what_would_not_be_tried_again_costs_nothing():
    rule = Retry(1, [503], 1.0, 60.0, host_budget=1)
    for _ in range(5):
        assert rule.after(Request(URL, attempts=1), Failure(URL, "timeout")) is KEEP
        assert rule.after(Request(URL), Failure(URL, "tls")) is KEEP
        assert rule.after(Request(URL, method="POST"), Response(URL, 503)) is KEEP
    assert isinstance(rule.after(Request(URL), Failure(URL, "timeout")), Again)


def test_an_accepted_status_is_handed_on_when_the_budget_is_used_up():
    rule = Retry(9, [503], 1.0, 60.0, host_budget=1, accepted=[503])
    assert isinstance(rule.after(Request(URL), Response(URL, 503)), Again)
    assert rule.after(Request(URL), Response(URL, 503)) is KEEP


def test_no_budget_means_no_limit():
    rule = Retry(9, [], 1.0, 60.0, host_budget=0)
    assert all(isinstance(rule.after(Request(URL), Failure(URL, "timeout")), Again) for _ in range(1000))


def test_the_hosts_that_are_counted_are_not_ever_more(monkeypatch):
    monkeypatch.setattr(retry, "_MOST_HOSTS", 10)
    rule = Retry(9, [], 1.0, 60.0, host_budget=1)
    for number in range(100):
        url = f"http://{number}.example/"
        rule.after(Request(url), Response(url, 200))
        assert isinstance(rule.after(Request(url), Failure(url, "timeout")), Again)
        assert isinstance(rule.after(Request(url), Failure(url, "timeout")), Drop)
        assert len(rule._pages) <= 10
        assert len(rule._retries) <= 10

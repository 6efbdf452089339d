"""Retries: what may pass is tried again, with growing pauses, and nothing is done twice that was meant once."""

from typing import get_args

import pytest

from crawler.request import Request
from crawler.response import Failure, FailureKind, Response
from crawler.rules.retry import Retry
from crawler.verdict import KEEP, Again, Drop

URL = "http://a.example/"
PASSING = {"connect", "timeout", "reset", "partial", "protocol"}
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
    ("detail", "passes"),
    [
        ("Name or service not known", False),
        ("nodename nor servname provided, or not known", False),
        ("No address associated with hostname", False),
        ("Temporary failure in name resolution", True),
    ],
)
def test_a_name_that_does_not_exist_is_not_asked_for_again(detail, passes):
    assert isinstance(RULE.after(Request(URL), Failure(URL, "dns", detail)), Again) is passes


def test_pauses_vary():
    rule = Retry(3, [], 10.0, 60.0, jitter=0.3, uniform=lambda low, high: (low + high) / 2 + 0.1)
    assert rule.after(Request(URL), Failure(URL, "timeout")).delay == pytest.approx(11.0)
    spread = Retry(3, [], 10.0, 60.0, jitter=0.3, budget=1000)
    delays = {spread.after(Request(URL), Failure(URL, "timeout")).delay for _ in range(100)}
    assert len(delays) > 50
    assert all(7 <= delay <= 13 for delay in delays)


def test_a_host_may_ask_for_a_longer_pause_but_not_for_a_shorter_one_nor_for_ever():
    def delay(value):
        return RULE.after(Request(URL), Response(URL, 503, (("Retry-After", value),))).delay

    assert [delay("30"), delay("0"), delay("100000"), delay("soon")] == [30.0, 1.0, 600.0, 1.0]


def test_only_the_methods_of_the_list_are_repeated():
    post = Request(URL, method="POST", body=b"x")
    assert RULE.after(post, Failure(URL, "timeout")) is KEEP
    assert isinstance(Retry(2, [], 1.0, 1.0, methods=["post"]).after(post, Failure(URL, "timeout")), Again)


def test_a_host_has_a_budget_and_earns_more_by_answering():
    rule = Retry(2, [], 1.0, 1.0, budget=3, share=0.5)

    def tries():
        return isinstance(rule.after(Request(URL), Failure(URL, "timeout")), Again)

    assert [tries() for _ in range(5)] == [True, True, True, False, False]
    assert isinstance(rule.after(Request("http://b.example/"), Failure(URL, "timeout")), Again)
    for _ in range(4):
        rule.after(Request(URL), Response(URL, 200))
    assert [tries() for _ in range(3)] == [True, True, False]


def test_that_the_budget_is_used_up_is_told():
    rule = Retry(2, [503], 1.0, 1.0, budget=1, accepted=[])
    told = "retry: the budget of this host is used up (retry.host_budget)"
    assert isinstance(rule.after(Request(URL), Response(URL, 503)), Again)
    assert rule.after(Request(URL), Response(URL, 503)) == Drop(
        f"status: 503 Service Unavailable; {told}", state="failed", error=True
    )
    assert rule.after(Request(URL), Failure(URL, "timeout", "late")) == Drop(
        f"timeout: late; {told}", state="failed", error=True
    )
    assert rule.after(Request(URL, attempts=2), Failure(URL, "timeout", "late")) is KEEP
    assert rule.after(Request(URL), Response(URL, 200)) is KEEP


def test_no_budget_is_no_limit():
    rule = Retry(2, [], 1.0, 1.0, budget=0)
    assert all(isinstance(rule.after(Request(URL), Failure(URL, "timeout")), Again) for _ in range(1000))


def test_an_accepted_status_is_read_when_the_budget_is_used_up():
    rule = Retry(2, [503], 1.0, 1.0, budget=1, accepted=[503])
    assert isinstance(rule.after(Request(URL), Response(URL, 503)), Again)
    assert rule.after(Request(URL), Response(URL, 503)) is KEEP


def test_a_host_that_paid_its_debts_is_forgotten():
    rule = Retry(2, [], 1.0, 1.0, budget=3, share=0.5)
    rule.after(Request(URL), Failure(URL, "timeout"))
    for _ in range(2):
        rule.after(Request(URL), Response(URL, 200))
    assert not rule._costs
    for number in range(20_000):
        rule.after(Request(f"http://h{number}.example/"), Failure(URL, "timeout"))
    assert len(rule._costs) <= 10_000


def test_limits_of_nothing_are_none():
    rule = Retry(times=100, statuses=[429], pause=1.0, max_pause=0.0, max_asked=0.0)
    late = Response(URL, 429, (("Retry-After", "5000"),), b"")
    assert rule.after(Request(URL, attempts=10), late).delay == 5000.0
    assert rule.after(Request(URL, attempts=13), late).delay == 8192.0

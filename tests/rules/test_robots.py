"""What the rule says to single requests and outcomes; whole crawls are in tests/walk/test_robots.py."""

from contextlib import closing

import pytest

from crawler.frontier.ledger import Ledger
from crawler.host_table import HostTable
from crawler.request import Request
from crawler.response import Failure, Response
from crawler.rules.robots import Robots, RobotsMemory
from crawler.verdict import GO, KEEP, Again, Drop, First

PAGE = Request(
    "https://a.example/private/1", method="POST", body=b"x", headers={"X-Api-Key": "k"}, cookies={"a": "b"}, row=7
)


@pytest.fixture
def ledger():
    with closing(Ledger(None)) as ledger:
        yield ledger


@pytest.fixture
def rule(ledger):
    return make(RobotsMemory(ledger, 512_000, 86400.0))


def make(memory, **changes):
    options = {
        "obey": True,
        "table": HostTable(()),
        "times": 3,
        "pause": 2.0,
        "max_pause": 100.0,
    }
    return Robots(memory, "crawler", **{**options, **changes})


def wanted(rule):
    verdict = rule.before(PAGE)
    assert isinstance(verdict, First)
    return verdict.request


def body(text, status=200, **headers):
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response("https://a.example/robots.txt", status, pairs, text.encode())


def test_the_file_is_wanted_first_and_nothing_of_the_page_is_sent_along(rule):
    request = wanted(rule)
    assert request == Request("https://a.example/robots.txt", purpose="robots", row=7, max_body=512_000)
    assert rule.before(request) is GO


def test_what_the_file_says_is_the_answer(rule):
    assert rule.first(wanted(rule), body("User-agent: *\nDisallow: /private")) is KEEP
    verdict = rule.before(PAGE)
    assert verdict == Drop("robots: https://a.example/robots.txt disallows it for crawler")
    assert rule.before(PAGE.replace(url="https://a.example/public")) is GO


def test_each_scheme_has_its_own_file(rule):
    rule.first(wanted(rule), body("", 404))
    assert rule.before(PAGE) is GO
    assert isinstance(rule.before(PAGE.replace(url="http://a.example/private/1")), First)


def test_tries_take_longer_each_time_and_end(rule):
    request = wanted(rule)
    delays = []
    while isinstance(verdict := rule.first(request, body("", 503)), Again):
        delays.append(verdict.delay)
        request = verdict.request
    assert delays == [2.0, 4.0]
    verdict = rule.before(PAGE)
    assert isinstance(verdict, Drop)
    assert (verdict.state, verdict.error) == ("failed", True)
    assert "tried 3 times, at last: status 503" in verdict.reason


def test_the_host_may_say_when_to_come_again(rule):
    assert rule.first(wanted(rule), body("", 503, Retry_After="30")).delay == 30.0
    assert rule.first(wanted(rule), body("", 503, Retry_After="30000")).delay == 100.0


@pytest.mark.parametrize("kind", ["timeout", "connect", "reset", "partial", "protocol"])
def test_an_unreachable_host_is_tried_again(rule, kind):
    assert isinstance(rule.first(wanted(rule), Failure("", kind)), Again)


@pytest.mark.parametrize("kind", ["guard", "tls", "dns", "too_large"])
@pytest.mark.parametrize("hops", [(), ("https://a.example/robots.txt",)])
def test_what_cannot_be_had_and_does_not_pass_forbids_everything_at_once(rule, kind, hops):
    assert rule.first(wanted(rule).replace(hops=hops), Failure("", kind, "it is so")) is KEEP
    verdict = rule.before(PAGE)
    assert (verdict.state, verdict.error) == ("failed", True)
    assert f"cannot be had ({kind}: it is so)" in verdict.reason


def test_what_nobody_plays_offline_is_no_file(rule):
    assert rule.first(wanted(rule), Failure("", "invalid")) is KEEP
    assert rule.before(PAGE) is GO


@pytest.mark.parametrize("outcome", [body("", 503), Failure("", "tls")])
def test_a_file_that_cannot_be_renewed_goes_on_holding(ledger, monkeypatch, outcome):
    clock = [1_000_000.0]
    monkeypatch.setattr("crawler.rules.robots.time.time", lambda: clock[0])
    rule = make(RobotsMemory(ledger, 512_000, 86400.0), times=1)
    public = PAGE.replace(url="https://a.example/public")
    rule.first(wanted(rule), body("User-agent: *\nDisallow: /private"))
    clock[0] += 86_401
    assert rule.before(public) is GO  # it was not used yet
    assert rule.first(wanted(rule), outcome) is KEEP
    assert rule.before(public) is GO
    assert "disallows it" in rule.before(PAGE).reason
    clock[0] += 601
    assert isinstance(rule.before(public), GO.__class__)
    assert wanted(rule)


def test_what_was_fetched_is_good_for_one_request_at_least(ledger):
    rule = make(RobotsMemory(ledger, 512_000, 1e-9))
    for status in (404, 200, 404, 503):
        rule.first(wanted(rule).replace(attempts=2), body("", status))
        assert rule.before(PAGE) is GO


def test_an_age_of_nothing_is_no_limit(ledger, monkeypatch):
    rule = make(RobotsMemory(ledger, 512_000, 0.0))
    rule.first(wanted(rule), body(""))
    monkeypatch.setattr("crawler.rules.robots.time.time", lambda: 1e12)
    assert rule.before(PAGE) is GO
    assert rule.before(PAGE) is GO


def test_the_longest_delay_that_a_file_has_for_one_of_the_crawlers_is_told(ledger):
    told = []
    memory = RobotsMemory(
        ledger, 512_000, 0, tokens=["a", "b"], max_crawl_delay=60.0, slow=lambda *one: told.append(one)
    )
    delays = {"a": 2, "b": 7, "c": 9}
    groups = [f"User-agent: {name}\nCrawl-delay: {delay}\nDisallow: /x" for name, delay in delays.items()]
    memory.learn("https://a.example", "\n".join(groups).encode())
    memory.learn("http://a.example:81", b"User-agent: *\nCrawl-delay: 900")
    memory.learn("http://b.example", b"User-agent: *\nDisallow: /x")
    assert told == [("a.example", 7.0), ("a.example:81", 60.0)]


@pytest.mark.parametrize("location", ["", "http://[", "file:///etc/passwd", "javascript:x", "ftp://a/robots.txt"])
def test_a_redirect_to_nothing_counts_as_no_file(rule, location):
    assert rule.first(wanted(rule), body("", 302, Location=location)) is KEEP
    assert rule.before(PAGE) is GO


def test_only_so_much_of_the_file_is_read(ledger):
    rule = make(RobotsMemory(ledger, 30, 86400.0))
    rule.first(wanted(rule), body("User-agent: *\nDisallow: /a\n#12\nDisallow: /private"))
    assert rule.before(PAGE) is GO
    assert len(ledger.robots("https://a.example")[1]) == 30


def test_what_is_known_of_many_hosts_does_not_fill_the_memory(ledger):
    memory = RobotsMemory(ledger, 1000, 86400.0)
    rule = make(memory)
    for number in range(2500):
        memory.learn(f"https://h{number}.example", b"User-agent: *\nDisallow: /private")
    ledger.commit()
    assert len(memory._known) == 2000
    assert isinstance(rule.before(PAGE.replace(url="https://h1.example/private")), Drop)


def test_large_files_of_many_hosts_do_not_fill_the_memory_either(ledger):
    memory = RobotsMemory(ledger, 512_000, 86400.0)
    body = b"User-agent: *\nDisallow: /private\n" + b"#" * 400_000
    for number in range(40):
        memory.learn(f"https://h{number}.example", body)
    assert len(memory._known) == 24
    assert memory._bytes == 24 * len(body)
    memory.learn("https://h39.example", None)
    assert memory._bytes == 23 * len(body)
    ledger.commit()
    assert not memory.get("https://h0.example", 0).text.allows("https://h0.example/private", "x")

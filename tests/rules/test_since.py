import pytest

from crawler import Request, Response
from crawler.digest import digest_of
from crawler.known_page import KnownPage
from crawler.response import Failure, Gist
from crawler.rules.since import Compared, Since
from crawler.verdict import GO, KEEP, Drop, Go, Keep

REQUEST = Request("http://a.example/", row=7)
CHILD = Request("http://a.example/child")
INSISTENT = Request("http://a.example/news", again=True)
KNOWN = KnownPage('"1"', "Mon, 01 Jan 2024 00:00:00 GMT", digest_of(b"page"), frozenset({5}), (CHILD, INSISTENT))
SAME = Drop("since: not modified since earlier", state="done", leads_to=(CHILD, INSISTENT))


class Earlier:
    name = "earlier"

    def __init__(self, known):
        self.known = known

    def page(self, request):
        return self.known


class Setting:
    def __init__(self, known=KNOWN, conditional=True):
        self.remembered = []
        self.counts = {}
        compared = Compared({}, self.counts.update)
        self.rule = Since(lambda *page: self.remembered.append(page), Earlier(known), compared, conditional)
        self.before, self.after = self.rule.before, self.rule.after


def answer(status=200, body=b"page", **changes):
    pairs = (("X", "y"), ("eTag", '"2"'), ("last-modified", "Tue, 02 Jan 2024 00:00:00 GMT"), ("Date", "today"))
    return Response(REQUEST.url, status, pairs, body, **changes)


def test_every_page_that_is_read_is_remembered():
    remembered = []
    rule = Since(lambda *page: remembered.append(page))
    assert rule.before(REQUEST) == GO
    assert rule.after(REQUEST, answer()) is KEEP
    assert rule.after(REQUEST.replace(row=8), Response(REQUEST.url, 201, (), b"")) is KEEP
    assert remembered == [
        (7, '"2"', "Tue, 02 Jan 2024 00:00:00 GMT", digest_of(b"page"), frozenset()),
        (8, None, None, 0, frozenset()),
    ]


@pytest.mark.parametrize(
    "outcome",
    [answer(301), answer(304), answer(404), answer(500), answer(206), answer(truncated=True), Failure("", "timeout")],
)
def test_what_is_no_whole_page_is_not_remembered(outcome):
    remembered = []
    assert Since(lambda *page: remembered.append(page)).after(REQUEST, outcome) is KEEP
    assert remembered == []


def test_the_host_is_asked_whether_a_page_has_changed():
    pairs = (("If-None-Match", '"1"'), ("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"))
    assert Setting().before(REQUEST) == Go(pairs)


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        (Setting(None), {}),
        (Setting(KnownPage(None, None, 1)), {}),
        (Setting(KnownPage('"1"', None, 1, is_whole=False)), {}),
        (Setting(conditional=False), {}),
        (Setting(), {"headers": {"if-match": '"1"'}}),
        (Setting(), {"headers": {"Range": "bytes=0-1"}}),
        (Setting(), {"method": "POST"}),
        (Setting(), {"purpose": "robots"}),
    ],
)
def test_or_without_conditions(setting, changes):
    assert setting.before(REQUEST.replace(**changes)) == GO


def test_not_modified_is_not_read_and_leads_where_it_led():
    setting = Setting()
    assert setting.after(REQUEST, Response(REQUEST.url, 304)) == SAME
    assert setting.remembered == [(7, '"1"', KNOWN.last_modified, KNOWN.digest, KNOWN.items)]
    assert setting.counts == {"same": 1, "changed": 0, "gone": 0}


def test_validators_that_come_with_it_are_the_new_ones():
    setting = Setting()
    assert setting.after(REQUEST, answer(304, b"")) == SAME
    assert setting.remembered == [(7, '"2"', "Tue, 02 Jan 2024 00:00:00 GMT", KNOWN.digest, KNOWN.items)]


def test_the_same_body_is_not_modified_whatever_the_host_says():
    setting = Setting(conditional=False)
    assert setting.after(REQUEST, answer()) == SAME
    assert setting.remembered[-1] == (7, '"2"', "Tue, 02 Jan 2024 00:00:00 GMT", KNOWN.digest, KNOWN.items)


def test_a_changed_page_is_read_and_leads_where_it_led_too():
    setting = Setting()
    assert setting.after(REQUEST, answer(body=b"other")) == Keep((CHILD,), frozenset({5}))
    assert setting.counts == {"same": 0, "changed": 1, "gone": 0}


def test_the_same_page_is_read_where_that_has_to_be():
    setting = Setting(KnownPage('"1"', None, digest_of(b"page"), leads_to=(CHILD,), is_whole=False))
    assert setting.after(REQUEST, answer()) == Keep((CHILD,))
    assert setting.counts["same"] == 1


@pytest.mark.parametrize("setting", [Setting(conditional=False), Setting(KnownPage(None, None, 1)), Setting(None)])
def test_not_modified_that_was_not_asked_for_is_somebody_elses(setting):
    assert setting.after(REQUEST, answer(304)) is KEEP


def test_not_modified_on_conditions_of_the_spider_is_for_the_spider():
    own = REQUEST.replace(headers={"If-None-Match": '"mine"'})
    assert Setting().after(own, answer(304)) is KEEP


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_counted(status):
    setting = Setting()
    assert setting.after(REQUEST, answer(status)) is KEEP
    assert setting.counts["gone"] == 1
    assert Setting(None).after(REQUEST, answer(status)) is KEEP


@pytest.mark.parametrize("outcome", [answer(500), answer(301), answer(truncated=True), Failure("", "timeout")])
def test_other_outcomes_say_nothing(outcome):
    setting = Setting()
    assert setting.after(REQUEST, outcome) is KEEP
    assert setting.counts == {}


def test_head_has_no_body_to_compare():
    assert Setting().after(REQUEST.replace(method="HEAD"), answer(body=b"")) is KEEP


def test_the_counts_go_on_in_a_run_that_is_resumed():
    kept = {}
    Compared({"same": 3, "changed": 1, "gone": 2}, kept.update).count("same")
    assert kept == {"same": 4, "changed": 1, "gone": 2}
    compared = Compared(kept, kept.update)
    assert compared.notes("monday", 5) == ["compared with monday: 4 pages not modified, 1 changed, 2 gone"]
    assert compared.notes("monday", 0)[1] == "pages have changed, and none of their items since monday"
    assert Compared({"same": 1}, kept.update).notes("monday", 0)[1] == "nothing has changed since monday"
    assert len(Compared({}, kept.update).notes("monday", 0)) == 1


def test_a_page_that_a_worker_has_read_is_known_by_what_it_told_of_the_body():
    remembered = []
    rule = Since(lambda *known: remembered.append(known))
    rule.after(Request("http://a.example/"), Response("http://a.example/", 200, body=b"", gist=Gist(7, 4711)))
    assert [known[3] for known in remembered] == [4711]

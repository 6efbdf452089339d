"""Rules are asked in one order, and the first that says more than "go on" decides."""

import importlib

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.rules import ORDER
from crawler.rules.base import Rules
from crawler.verdict import GO, KEEP, Again, Drop, Go, Keep

REQUEST = Request("http://a.example/")
RESPONSE = Response(REQUEST.url, 200)


class Recorder:
    def __init__(self, name, calls):
        self.name, self.calls = name, calls


class Found(Recorder):
    def found(self, request):
        self.calls.append(self.name)
        return self.verdict

    verdict = GO


class Before(Recorder):
    verdict = GO

    def before(self, request):
        self.calls.append(self.name)
        return self.verdict


class After(Recorder):
    verdict = KEEP

    def after(self, request, outcome):
        self.calls.append(self.name)
        return self.verdict


@pytest.mark.parametrize("kind", [Found, Before, After])
def test_the_first_that_decides_is_the_last_that_is_asked(kind):
    calls = []
    one, two, three = (kind(name, calls) for name in ("one", "two", "three"))
    two.verdict = Drop("two: no")
    rules = Rules([one, two, three], ("one", "two", "three"))
    arguments = (REQUEST, RESPONSE) if kind is After else (REQUEST,)
    assert getattr(rules, kind.__name__.lower())(*arguments) is two.verdict
    assert calls == ["one", "two"]


def test_only_the_moments_a_rule_defines_are_called():
    calls = []
    rules = Rules([Found("one", calls), Before("two", calls), After("three", calls)], ("one", "two", "three"))
    assert rules.found(REQUEST) == GO
    assert rules.before(REQUEST) == GO
    assert rules.after(REQUEST, RESPONSE) == KEEP
    assert calls == ["one", "two", "three"]


def test_the_header_fields_of_all_rules_are_sent():
    one, two = Before("one", []), Before("two", [])
    one.verdict, two.verdict = Go((("A", "1"),)), Go((("B", "2"), ("C", "3")))
    assert Rules([one, two], ("one", "two")).before(REQUEST) == Go((("A", "1"), ("B", "2"), ("C", "3")))


def test_another_attempt_ends_the_questions():
    again, never = After("one", []), After("two", [])
    again.verdict = Again(REQUEST)
    assert Rules([again, never], ("one", "two")).after(REQUEST, RESPONSE) is again.verdict
    assert never.calls == []


def test_what_a_rule_adds_to_a_page_is_kept_to_the_end():
    one, two = After("one", []), After("two", [])
    one.verdict = Keep((REQUEST,), frozenset({1}))
    assert Rules([one, two], ("one", "two")).after(REQUEST, RESPONSE) is one.verdict


def test_others_overhear_what_a_rule_wanted_first():
    heard = []

    class First:
        name = "one"
        first = staticmethod(lambda request, outcome: heard.append("one") or KEEP)

    class Curious:
        name = "two"
        overhear = staticmethod(lambda request, outcome: heard.append(request.purpose))

    rules = Rules([First(), Curious()], ("one", "two"))
    assert rules.first(REQUEST.replace(purpose="one"), RESPONSE) is KEEP
    assert heard == ["one", "one"]


def test_rules_out_of_order_are_refused():
    rules = [Found("one", []), Found("two", [])]
    with pytest.raises(ValueError, match="rules out of order"):
        Rules(rules[::-1], ("one", "two"))
    with pytest.raises(ValueError, match="not in"):
        Rules([Found("three", [])], ("one", "two"))


def test_every_name_in_the_order_is_a_file_with_a_rule_of_that_name():
    for name in ORDER:
        module = importlib.import_module(f"crawler.rules.{name}")
        rules = [kind for kind in vars(module).values() if {"found", "before", "after"} & set(dir(kind))]
        assert [rule.name for rule in rules] == [name]

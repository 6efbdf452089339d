import pytest

from crawler.observe.profile import Kind, Tally, bucket, count, described, form_of, rare, together, url_form


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("9.5", "0."),
        ("9,5", "0,"),
        ("1,234.50", "0,."),
        ("2024-05-01", "0--"),
        ("€ 3", "0€ "),
        ("12 EUR", "0 EUR"),
        ("Lamp 3", "abc"),  # a title with a number
        ("a title", "abc"),
        ("Амели", "é"),
        ("Amélie", "é"),
        ("霸王别姬", "字"),
        ("éœ¸çŽ‹", "broken"),
        ("\ufffd\ufffd", "broken"),
        (9.5, "number"),
        (["a"], "list"),
        (True, "bool"),
    ],
)
def test_how_a_value_looks(value, form):
    assert form_of(value) == form
    assert described(form)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://a.example", "/"),
        ("https://a.example/", "/"),
        ("https://a.example/films", "/films"),
        ("https://a.example/films?page=2", "/films"),
        ("https://a.example/board/4", "/board/"),
        ("https://a.example/board/4?offset=10", "/board/"),
        ("https://a.example/2024/05/a-story", "/*/"),
        ("https://a.example/film-12", "/*"),
    ],
)
def test_kinds_of_addresses(url, form):
    assert url_form(url) == form


def test_numbers_are_counted_in_steps():
    assert [bucket(number) for number in (0, 32, 33, 100, 1000)] == [0, 32, 32, 96, 960]


def test_runs_are_summed_up():
    one = Kind(pages=2, with_items=1, items={0: 1, 10: 1}, tallies={"items": Tally(bad=1, worst=1, longest=1)})
    two = Kind(pages=3, with_items=3, items={10: 3}, forms={"score": {"0.": 3}})
    whole = together([one, two])
    assert (whole.runs, whole.pages, whole.with_items, whole.items) == (2, 5, 4, {0: 1, 10: 4})
    assert whole.tallies == {"items": Tally(bad=1, worst=1, longest=1)}
    assert whole.forms == {"score": {"0.": 3}}


def test_of_many_forms_the_rest_is_counted_together():
    forms = {}
    for number in range(20):
        count(forms, f"form {number}")
    assert len(forms) == 13
    assert rare(forms) == 20

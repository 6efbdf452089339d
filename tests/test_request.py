"""Requests: callbacks by name, bodies as bytes, and what makes two of them the same."""

import pickle

import pytest

from crawler.errors import UsageError
from crawler.request import Request

URL = "http://a.example/"


class Films:
    def parse_film(self, page): ...


def parse_page(page): ...


def test_a_method_of_a_spider_is_stored_by_its_name():
    request = Request(URL, callback=Films().parse_film, on_failure=Films().parse_film)
    assert (request.callback, request.on_failure) == ("parse_film", "parse_film")


def test_a_function_of_a_module_is_stored_by_its_name():
    assert Request(URL, callback=parse_page).callback == "parse_page"


def test_a_name_stays_as_it_is():
    assert Request(URL, callback="parse_film", on_failure="lost").callback == "parse_film"


@pytest.mark.parametrize("field", ["callback", "on_failure"])
def test_a_lambda_is_refused_with_its_line(field):
    function = lambda page: None  # noqa: E731
    line = function.__code__.co_firstlineno
    with pytest.raises(UsageError, match=rf"test_request\.py:{line}: a lambda cannot be a callback") as raised:
        Request(URL, **{field: function})
    assert "write a method" in raised.value.hint


def test_a_function_inside_a_function_is_refused_with_its_line():
    def inner(page): ...

    with pytest.raises(UsageError, match=rf"test_request\.py:{inner.__code__.co_firstlineno}: .*cannot be a callback"):
        Request(URL, callback=inner)


def test_what_has_no_name_is_refused():
    class Called:
        def __call__(self, page): ...

    with pytest.raises(UsageError, match="cannot be a callback"):
        Request(URL, callback=Called())


def test_a_text_body_is_sent_as_utf_8():
    assert Request(URL, body="电影").body == "电影".encode()
    assert Request(URL, body=b"\xff").body == b"\xff"
    assert Request(URL).body is None


def test_replacing_fields_keeps_the_others():
    request = Request(URL, callback="parse_film", data={"rank": 1}, priority=3)
    other = request.replace(url=URL + "x", callback=parse_page)
    assert (other.url, other.callback, other.data, other.priority) == (URL + "x", "parse_page", {"rank": 1}, 3)
    assert request.url == URL


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        Request(URL).url = "http://b.example/"


def test_it_crosses_processes():
    request = Request(URL, callback=parse_page, body="x", data={"a": [1]}, hops=("http://b.example/",))
    assert pickle.loads(pickle.dumps(request)) == request


def test_the_same_thing_asked_for_differently_has_the_same_fingerprint():
    asked = Request(URL)
    same = Request(URL, callback="other", priority=5, depth=3, data=1, headers={"a": "b"}, attempts=2)
    assert asked.fingerprint == same.fingerprint


@pytest.mark.parametrize("change", [{"url": URL + "x"}, {"method": "POST"}, {"body": b"x"}, {"spider": 1}])
def test_different_things_have_different_fingerprints(change):
    assert Request(URL).fingerprint != Request(URL).replace(**change).fingerprint


def test_a_post_has_a_body_and_says_what_it_is():
    request = Request.post(URL, "parse_page", json={"q": "电影", "page": [1]}, headers={"X-A": "b"}, data=1)
    assert (request.method, request.body, request.callback) == (
        "POST",
        '{"q":"电影","page":[1]}'.encode(),
        "parse_page",
    )
    assert (request.headers, request.data) == ({"X-A": "b", "Content-Type": "application/json"}, 1)
    assert Request.post(URL, json=None).body == b"null"


@pytest.mark.parametrize("form", [{"a": "é&", "b": ["1", 2], "c": None}, [("a", "é&"), ("b", 1), ("b", 2)]])
def test_a_post_of_fields_is_a_form(form):
    request = Request.post(URL, form=form)
    assert request.body == b"a=%C3%A9%26&b=1&b=2"
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_content_type_of_ones_own_stays():
    assert Request.post(URL, json=1, headers={"content-TYPE": "x/y"}).headers == {"content-TYPE": "x/y"}


@pytest.mark.parametrize("bodies", [{}, {"json": 1, "form": {}}])
def test_a_post_has_one_body(bodies):
    with pytest.raises(TypeError, match="json= or form="):
        Request.post(URL, **bodies)


def test_a_post_is_told_what_json_cannot_hold():
    with pytest.raises(TypeError):
        Request.post(URL, json=object())

"""Forms as browsers send them. What is expected here is what the HTML standard (4.10.22) says."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.spider.page import Page

URL = "https://example.com/films/list?page=2"


def page_of(body: str, encoding: str = "utf-8") -> Page:
    head = (("Content-Type", f"text/html; charset={encoding}"),)
    return Page(Response(URL, 200, head, body.encode(encoding)), Request(URL))


def sent(body: str, **options: Any) -> list[tuple[str, str]]:
    """The entries that a form made of these controls sends."""
    query = page_of(f"<form>{body}</form>").form(**options).url.partition("?")[2]
    return parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<input name=a value=1><input type=hidden name=h value=' x '><input name=e>", "a=1&h=+x+&e="),
        ("<input value=1><input name='' value=2>", ""),
        ("<input type=checkbox name=a checked><input type=checkbox name=b value=2>", "a=on"),
        ("<input type=radio name=a value=1><input type=RADIO name=a value=2 checked>", "a=2"),
        ("<input type=radio name=a value=1>", ""),
        ("<select name=a><option>  x   y <option value=2 selected>2</select>", "a=2"),
        ("<select name=a><option disabled>x<option> y  z </select>", "a=y+z"),
        ("<select name=a><option selected>x<option selected>y</select>", "a=y"),
        ("<select name=a><option selected disabled>x<option>y</select>", ""),
        ("<select name=a size=4><option>x</select>", ""),
        ("<select name=a multiple><option selected>x<option>y<option selected value=''>z</select>", "a=x&a="),
        ("<select name=a multiple><optgroup disabled><option selected>x</optgroup><option selected>y</select>", "a=y"),
        ("<select name=a></select>", ""),
        ("<textarea name=a>\nx\ny</textarea><textarea name=b>\n\nz</textarea>", "a=x%0D%0Ay&b=%0D%0Az"),
        ("<input name=a value='x\ny'><input type=hidden name=b value='x\ny'>", "a=xy&b=x%0D%0Ay"),
        ("<input name=a disabled value=1><textarea name=b disabled></textarea>", ""),
        (
            "<fieldset disabled><legend><input name=a><fieldset disabled><input name=b></fieldset></legend>"
            "<legend><input name=c></legend><input name=d></fieldset><input name=e>",
            "a=&e=",
        ),
        ("<datalist><input name=a></datalist>", ""),
        ("<input type=reset name=a><input type=button name=b><button type=button name=c></button>", ""),
        ("<input type=submit name=a value=1><button name=b value=2>x</button>", "a=1"),
        ("<input type=submit name=a disabled><button type=odd name=b>x</button>", "b="),
        ("<input type=image name=a><input name=b value=1>", "a.x=0&a.y=0&b=1"),
        ("<input type=image>", "x=0&y=0"),
        ("<input type=file name=a>", "a="),
        ("<input name=a value='*-._~ é'>", "a=*-._%7E+%C3%A9"),
    ],
)
def test_the_fields_that_a_page_has_are_sent_as_browsers_do(body: str, expected: str) -> None:
    assert page_of(f"<form action=/s>{body}</form>").form().url == f"https://example.com/s?{expected}"


def test_what_is_filled_in_stands_where_the_field_does() -> None:
    body = "<input name=a value=1><input name=b><input name=c value=3><select name=s><option>x</select>"
    assert sent(body, fields={"b": "中", "a": 7}) == [("a", "7"), ("b", "中"), ("c", "3"), ("s", "x")]
    assert sent(body, fields={"a": None, "b": ["1", 2.5], "s": "new", "c": []}) == [
        ("b", "1"),
        ("b", "2.5"),
        ("s", "new"),
    ]
    assert sent("<input name=a disabled value=1>", fields={"a": "2"}) == [("a", "2")]
    radio = "<input type=radio name=a value=1 checked><input type=radio name=a value=2>"
    assert sent(radio, fields={"a": "2"}) == [("a", "2")]


def test_a_checkbox_is_ticked_or_not_and_what_shares_its_name_stays() -> None:
    body = "<input type=hidden name=a value=0><input type=checkbox name=a value=1><input type=checkbox name=b checked>"
    assert sent(body) == [("a", "0"), ("b", "on")]
    assert sent(body, fields={"a": True, "b": False}) == [("a", "0"), ("a", "1")]
    with pytest.raises(ValueError, match="'c' is no checkbox"):
        sent("<input name=c>", fields={"c": True})


def test_the_button_is_pressed_that_is_named() -> None:
    body = (
        "<input type=submit name=first value=1><button id=two name=x value=2>Second</button>"
        "<button formaction=/three formmethod=post>\n Number  <b>three</b></button><button disabled name=off></button>"
    )
    assert sent(body) == [("first", "1")]
    for click in ("x", "two", "2", "Second"):
        assert sent(body, click=click) == [("x", "2")]
    assert sent(body, click=False) == []
    request = page_of(f"<form action=/s>{body}</form>").form(click="Number three")
    assert (request.url, request.method, request.body) == ("https://example.com/three", "POST", b"")
    with pytest.raises(ValueError, match="no button 'off'; its buttons are: 'first', 'x', 'Number three'"):
        sent(body, click="off")


def test_controls_belong_to_a_form_wherever_they_stand() -> None:
    page = page_of(
        "<input name=a form=f><form id=f><input name=b><input name=c form=g><input name=d form=none></form>"
        "<form id=g></form><input name=e><button form=f name=go value=1></button>"
    )
    assert page.form(id="f").url.endswith("?a=&b=&go=1")
    assert page.form(id="g").url.endswith("?c=")


def test_a_get_replaces_the_query_and_a_post_keeps_it() -> None:
    field = "<input name=a value=1>"
    assert page_of(f"<form>{field}").form().url == "https://example.com/films/list?a=1"
    assert page_of(f"<form action=''>{field}").form().url == "https://example.com/films/list?a=1"
    assert page_of(f"<base href=/x/><form action='s?q=1#f'>{field}").form().url == "https://example.com/x/s?a=1"
    assert page_of("<base href=/x/><form>").form().url == "https://example.com/films/list?"
    request = page_of(f"<form method=POST>{field}").form(data=3, headers={"X-A": "b"}, priority=2)
    assert (request.url, request.method, request.body) == (URL, "POST", b"a=1")
    assert request.headers == {"X-A": "b", "Content-Type": "application/x-www-form-urlencoded"}
    assert (request.data, request.priority) == (3, 2)


def test_the_callback_is_the_requests() -> None:
    assert page_of("<form>").form(callback="parse_hits").callback == "parse_hits"


def test_a_form_is_sent_in_the_encoding_of_its_page() -> None:
    assert page_of("<form><input name=a value=中>", "gbk").form().url.endswith("?a=%D6%D0")
    assert (
        page_of("<form accept-charset='x-odd UTF-8'><input name=a value=中>", "gbk").form().url.endswith("?a=%E4%B8%AD")
    )
    assert page_of("<form><input name=a value=é>", "utf-16").form().url.endswith("?a=%C3%A9")
    assert page_of("<form><input name=a>", "latin-1").form(fields={"a": "中é"}).url.endswith("?a=%26%2320013%3B%E9")


def test_multipart_is_sent_in_parts() -> None:
    page = page_of(
        "<form method=post enctype=multipart/form-data><input name='a\"b' value=é><input type=file name=f>"
        "<input type=file name=g>"
    )
    request = page.form(fields={"g": ("x\n.png", b"\0\r\n")})
    assert request.headers is not None
    kind = request.headers["Content-Type"]
    boundary = kind.removeprefix("multipart/form-data; boundary=")
    assert re.fullmatch(r"form-[0-9a-f]{32}", boundary)
    expected = (
        '--B\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\né\r\n'
        '--B\r\nContent-Disposition: form-data; name="f"; filename=""\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n"
        '--B\r\nContent-Disposition: form-data; name="g"; filename="x%0A.png"\r\n'
        "Content-Type: image/png\r\n\r\n\0\r\n\r\n"
        "--B--\r\n"
    )
    assert request.body == expected.replace("B\r\n", f"{boundary}\r\n").replace("B--", f"{boundary}--").encode()
    again = page.form(fields={"g": ("x\n.png", b"\0\r\n")})
    other = page.form(fields={"g": ("x\n.png", b"\0\r")})
    assert request.fingerprint == again.fingerprint != other.fingerprint
    plain = page.form(click=False, fields={"g": ("x.png", b"1")}).replace(headers=None)
    assert b'filename="x.png"' in (plain.body or b"")


def test_plain_text_is_sent_in_lines() -> None:
    body = "<form method=post><input name=a value='1 2'><textarea name=b>x\ny</textarea><button formenctype=text/plain>"
    request = page_of(body).form()
    assert (request.body, request.headers) == (b"a=1 2\r\nb=x\r\ny\r\n", {"Content-Type": "text/plain"})


def test_a_file_without_multipart_is_its_name() -> None:
    assert sent("<input type=file name=f>", fields={"f": ("a.png", b"x")}) == [("f", "a.png")]


FORMS = (
    "<form id=one action=/1><input name=q></form>"
    "<div id=box><form name=two><input name=user><input name=pass></form></div>"
)


def test_a_form_is_chosen_by_what_it_is_or_has() -> None:
    page = page_of(FORMS)
    assert page.form().url.endswith("?q=")
    for choice in (
        {"number": 1}, {"name": "two"}, {"css": "#box"}, {"css": "[name=user], [name=pass]"}, {"css": "#box form"},
    ):  # fmt: skip
        assert page.form(**choice).url.endswith("?user=&pass=")  # type: ignore[arg-type]
    assert page.form(css="form", id="one").url.endswith("?q=")


@pytest.mark.parametrize(
    "choice", [{"number": 2}, {"number": -1}, {"name": "one"}, {"id": "two"}, {"css": "p"}, {"css": "form::attr(id)"}]
)
def test_where_there_is_no_such_form_the_others_are_listed(choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="there is no form") as raised:
        page_of(FORMS).form(**choice)
    told = str(raised.value)
    assert f"on {URL}" in told
    assert f"{next(iter(choice))} {next(iter(choice.values()))!r}" in told
    assert "<form id='one' action='/1'> with 'q'; <form name='two'> with 'user', 'pass'" in told
    with pytest.raises(ValueError, match="The forms there are: none"):
        page_of("<p>").form()


def test_unknown_fields_are_told_with_near_ones() -> None:
    with pytest.raises(ValueError, match="no field 'usr': did you mean 'user'"):
        page_of(FORMS).form(name="two", fields={"usr": "x"})
    with pytest.raises(ValueError, match="no field 'xyz': it has 'user', 'pass'"):
        page_of(FORMS).form(name="two", fields={"xyz": "x"})


@pytest.mark.parametrize("value", [b"x", {"a": 1}, ("a", "b"), [True], object()])
def test_what_no_field_can_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="'q' cannot hold"):
        page_of(FORMS).form(fields={"q": value})


@pytest.mark.parametrize(
    "form", ["<form action=javascript:x>", "<form action=mailto:a@b.example>", "<form method=dialog>"]
)
def test_a_form_that_leads_nowhere_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="the form is sent"):
        page_of(form).form()


def test_of_radio_buttons_that_are_all_checked_the_last_one_is():
    html = "<form action=/s><input type=radio name=a value=1 checked><input type=radio name=a value=2 checked></form>"
    page = Page(Response("http://a.example/", 200, (), html.encode()), Request("http://a.example/"))
    assert page.form().url == "http://a.example/s?a=2"


def test_options_and_buttons_that_stand_in_each_other_are_not_ever_longer() -> None:
    page = page_of(
        "<form><select name=a multiple>" + "<option selected><div>" * 900 + "x" * 900_000 + "</select></form>"
    )
    assert len(page.form().url) < 10_000_000
    page = page_of("<form>" + "<button><div>" * 900 + "x" * 100_000 + "</form>")
    with pytest.raises(ValueError, match="and 890 more") as raised:
        page.form(click="nope")
    assert len(str(raised.value)) < 2_000


def test_a_fieldset_disables_what_it_has_but_for_its_legend_and_all_of_those_in_it() -> None:
    page = page_of(
        "<form><fieldset disabled><legend><input name=a></legend><input name=b><fieldset><legend><input name=c>"
        "</legend></fieldset></fieldset><fieldset><input name=d></fieldset>"
        "<datalist><input name=e></datalist><input name=f></form>"
    )
    assert page.form().url.partition("?")[2] == "a=&d=&f="


def test_fields_that_a_script_would_add_come_last() -> None:
    page = page_of("<form><input name=a value=1><input type=hidden name=_charset_></form>")
    assert page.form(extra={"token": "x", "tag": ["b", "c"]}).url.partition("?")[2] == (
        "a=1&_charset_=utf-8&token=x&tag=b&tag=c"
    )

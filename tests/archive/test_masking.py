import pytest

from crawler.archive.masking import masked_body, masked_fields

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "kept"),
    [
        (FORM, b"q=films&page=2", b"q=films&page=2"),
        (FORM, b"user=ada&password=x&q=1", b"user=***&password=***&q=1"),
        (FORM, b"user=ada&q=1", b"user=ada&q=1"),
        (FORM, b"api_key=x&q=1", b"api_key=***&q=1"),
        (FORM + "; charset=utf-8", b"token=x", b"token=***"),
        (FORM, b"password", b"***"),
        ("application/json", b'{"password":"x","email":"a@b","q":[{"token":"y","n":1}]}',
         b'{"password":"***","email":"***","q":[{"token":"***","n":1}]}'),
        ("application/vnd.api+json", b'{"secret":1}', b'{"secret":"***"}'),
        ("application/json", b'{"password":', b"***"),
        ("application/json", b'{"q": 1}', b'{"q": 1}'),
        ("multipart/form-data; boundary=b", b'--b\r\nname="password"\r\n\r\nx\r\n--b--', b"***"),
        ("text/plain", b"password=x", b"password=x"),
    ],
)  # fmt: skip
def test_bodies(kind, body, kept):
    assert masked_body(body, kind) == kept


def test_fields_keep_their_names_and_lose_what_is_secret():
    pairs = (("Authorization", "Bearer x"), ("cookie", "a=b"), ("X-Api-Key", "x"), ("Accept", "*/*"))
    assert masked_fields(pairs) == (
        ("Authorization", "***"), ("cookie", "***"), ("X-Api-Key", "***"), ("Accept", "*/*"),
    )  # fmt: skip

import pytest

from crawler.errors import UsageError
from crawler.secrets import mask_url, resolve


def test_a_value_is_itself_unless_it_names_a_variable():
    assert resolve("plain", {}) == "plain"
    assert resolve("env:NAME", {"NAME": "value"}) == "value"
    with pytest.raises(UsageError, match="variable NAME is not set"):
        resolve("env:NAME", {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@proxy:3128/", "http://***@proxy:3128/"),
        ("no URL, me@example.org", "no URL, me@example.org"),
        ("socks5h://u@p and http://a:b@c/x@y", "socks5h://***@p and http://***@c/x@y"),
        ("http://a.example/x?mail=me@b", "http://a.example/x?mail=me@b"),
    ],
)
def test_user_and_password_of_urls_are_hidden(text, shown):
    assert mask_url(text) == shown

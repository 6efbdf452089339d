import pytest

from crawler.digest import digest_of

PAGE = b"<p>one</p>" * 1000


@pytest.mark.parametrize("other", [PAGE[:-1], PAGE + b"\0", PAGE.replace(b"one", b"two", 1), PAGE[::-1], b""])
def test_another_page_has_another_digest(other):
    assert digest_of(other) != digest_of(PAGE)


def test_it_is_the_same_in_every_process_and_fits_a_column():
    assert digest_of(b"page") == 4 << 32 | 0x140AB620
    assert digest_of(b"") == 0
    assert digest_of(bytes(10_000_000)) < 1 << 63

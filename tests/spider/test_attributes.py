"""A tag with very many attributes costs no more than others."""

import pytest

from crawler.spider.attributes import bounded
from crawler.spider.tree import parse_html


def many(count, form=b"a%d=1 "):
    return b"".join(form % number for number in range(count))


BOMBS = {
    "plain": b"<p %s>" % many(300_000),
    "without values": b"<p %s>" % many(300_000, b"a%d "),
    "quoted": b"<p %s>" % many(300_000, b'a%d="x>"'),
    "single quotes": b"<p %s>" % many(300_000, b"a%d='<b>' "),
    "slashes": b"<p/%s>" % many(300_000, b"a%d/"),
    "blanks around =": b"<p %s>" % many(300_000, b'a%d = ">" '),
    "never closed": b"<p %s" % many(300_000),
    "in what looks like a comment": b"<title><!--</title><p %s>" % many(300_000),
    "in what looks like a script": b"<title><script></title><p %s>" % many(300_000),
    "a quote that is never closed": b"<p x=' %s>" % many(300_000),
    "many tags": b"<p %s>" % many(5_000) * 400,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_cut(name):
    text = b"<html>" + BOMBS[name] + b"<a href=/after>"
    root = parse_html(text.decode())  # would take minutes
    assert max(len(element.attrib) for element in root.iter("p", "html")) <= 501


def test_what_stands_behind_it_is_kept():
    root = parse_html(f"<p {many(50_000).decode()}><a href=/after>x</a>")
    assert [element.get("href") for element in root.iter("a")] == ["/after"]


@pytest.mark.parametrize(
    "text",
    [
        b"<img src='data:image/png;base64,%s'>" % (b"iVBOR/w0KGgo+A==" * 100_000),
        b"<p %s>" % many(10_000),
        b"<script>if (a<b) x = [%s]</script>" % (b"1, 2, 3, " * 3_000),
        b"<p class=x>text</p>" * 100_000,
        b"<" * 1_000_000,
        b"<a" * 500_000,
        b"< p " * 300_000,
    ],
)
def test_everything_else_stays_as_it_is(text):
    assert bounded(text) is text


@pytest.mark.parametrize("text", [b"<a='", b"<a \"='", b"<a =' =", b'<a ="x', b"<a\n="])
def test_no_text_makes_it_slow(text):
    assert bounded(text * 500_000).startswith(text)


def test_the_end_of_a_comment_survives():
    assert bounded(b"<!-- <p %s --><p>" % many(100_000)).endswith(b"--><p>")

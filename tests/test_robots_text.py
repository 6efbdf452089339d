"""robots.txt as RFC 9309 has it, and nothing in one that costs more than it is worth."""

import pytest

from crawler.robots_text import RobotsText, token_of

SIZE = 512_000


def allows(text, url="http://a.example/x/y", token="crawler"):
    return RobotsText(text.encode() if isinstance(text, str) else text, SIZE).allows(url, token)


def test_a_group_that_names_the_crawler_wins_over_the_one_for_everybody():
    text = "User-agent: *\nDisallow: /\n\nUser-agent: Crawler\nDisallow: /y\n"
    assert allows(text)
    assert not allows(text, token="other")


def test_groups_of_one_name_count_as_one():
    text = "User-agent: crawler\nDisallow: /x\nUser-agent: b\nDisallow: /\nUser-agent: crawler\nDisallow: /z\n"
    assert not allows(text)
    assert not allows(text, "http://a.example/z")
    assert allows(text, "http://a.example/y")


@pytest.mark.parametrize("between", ["Crawl-delay: 3", "Sitemap: /s", "Nonsense: 1", "", "# why"])
def test_other_lines_do_not_divide_a_list_of_user_agents(between):
    assert not allows(f"User-agent: crawler\n{between}\nUser-agent: b\nDisallow: /\n")


@pytest.mark.parametrize("name", ["crawler/2.0", "crawler bot", "CRAWLER*", "crawler (+http://b.example)"])
def test_a_name_counts_up_to_its_version(name):
    text = f"User-agent: {name}\nDisallow: /\n"
    assert not allows(text)
    assert allows(text, token="crawl")


def test_the_longest_rule_wins_and_of_two_the_one_that_allows():
    assert allows("User-agent: *\nDisallow: /x\nAllow: /x/y\n")
    assert allows("User-agent: *\nDisallow: /x/y\nAllow: /x/y\n")
    assert not allows("User-agent: *\nDisallow: /x/y\nAllow: /x\n")


@pytest.mark.parametrize("rule", ["/*y", "/x/*$", "/x/y$", "*", "/%78/", "/x%2Fy/../", "/x y", "/é"])
def test_wildcards_and_escapes(rule):
    forbidden = {"/*y", "/x/*$", "/x/y$", "*", "/%78/"}
    assert allows(f"User-agent: *\nDisallow: {rule}\n") == (rule not in forbidden)


def test_bytes_outside_ascii_are_compared_as_they_are_escaped():
    text = b"User-agent: *\nDisallow: /caf\xe9\nDisallow: /th\xc3\xa9\n"  # Latin-1 and UTF-8 in one file
    assert not allows(text, "http://a.example/caf%E9")
    assert not allows(text, "http://a.example/th%C3%A9")
    assert allows(text, "http://a.example/caf%C3%A9")


def test_only_line_ends_of_the_rfc_end_a_line():
    assert not allows("User-agent: *\rDisallow: /x\r\nAllow: /z")
    assert not allows("User-agent: *\nDisallow: /\nAllow: /\u2028Allow: /x/y\x0bAllow: /x/y\n")


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_a_byte_order_mark_is_left_out(start):
    assert not allows(start + b"User-agent: *\nDisallow: /\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_read_by_its_mark(encoding):
    text = ("" if encoding == "utf-16" else "\ufeff") + "User-agent: *\nDisallow: /x\n"
    assert not allows(text.encode(encoding))
    assert allows(text.encode(encoding), "http://a.example/y")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\0" * 100, bytes(range(256)), b"<html><p>Disallow: /</p></html>", b"Disallow: /", b"User-agent: *",
        "User-agent: *\nDisallow: /\n".encode("utf-16-le"), b"User-agent: *\nDisallow:\n", b"User-agent *:\nDisallow /",
        b"\xff\xfe\x00", b"User-agent: *\nDisallow:/ and more", b"User-agent:\nDisallow: /",
    ],
)  # fmt: skip
def test_what_says_nothing_forbids_nothing(body):
    text = RobotsText(body, SIZE)
    assert text.allows("http://a.example/x/y", "crawler")
    assert text.crawl_delay("crawler") is None
    assert text.sitemaps == ()


def test_the_missing_colon_is_seen():
    assert not allows("user-agent crawler\ndisallow /\n")
    assert allows("user-agent crawler\ndisallow / and all\n")


def test_what_is_behind_the_size_is_not_read():
    body = b"User-agent: *\nDisallow: /a\n" + b"#" * SIZE + b"\nDisallow: /x\n"
    assert allows(body)
    assert not RobotsText(body, 2 * SIZE).allows("http://a.example/x/y", "crawler")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [("2.5", 2.5), ("1\nCrawl-delay: 7", 7.0), ("-1", None), ("nan", None), ("inf", None), ("soon", None), ("0", 0.0)],
)
def test_the_crawl_delay(lines, seconds):
    text = RobotsText(f"User-agent: b\nCrawl-delay: 99\nUser-agent: *\nCrawl-delay: {lines}\nDisallow:".encode(), SIZE)
    assert text.crawl_delay("crawler") == (99.0 if seconds is None else max(99.0, seconds))  # one group for both
    alone = RobotsText(f"User-agent: *\nCrawl-delay: {lines}\nDisallow: /x".encode(), SIZE)
    assert alone.crawl_delay("crawler") == seconds


def test_sitemaps_belong_to_nobody_in_particular():
    text = (
        b"Sitemap: http://a.example/1.xml\nUser-agent: b\nDisallow: /\nsitemap:/2.xml # new\nSitemap: /2.xml\nSitemap:"
    )
    assert RobotsText(text, SIZE).sitemaps == ("http://a.example/1.xml", "/2.xml")


def test_robots_txt_itself_may_be_fetched():
    assert allows("User-agent: *\nDisallow: /\n", "http://a.example/robots.txt")


HEAD = b"User-agent: *\n"
HOSTILE = {
    "a line of 1 MB": HEAD + b"Disallow: /" + b"a" * 1_000_000,
    "100,000 stars": HEAD + b"Disallow: /z" + b"*" * 100_000,
    "stars with letters between": HEAD + b"Disallow: /" + b"*a" * 250_000 + b"b",
    "100,000 rules": HEAD + b"".join(b"Disallow: /%d\n" % number for number in range(100_000)),
    "100,000 groups": b"".join(b"User-agent: a%d\nDisallow: /\n" % number for number in range(100_000)),
    "16,000 names for 16,000 rules": b"".join(b"User-agent: a%d\n" % number for number in range(16_000))
    + HEAD
    + b"".join(b"Disallow: /%d\n" % number for number in range(16_000)),
    "escapes": HEAD + b"Disallow: /" + b"%41" * 300_000,
    "dollars": HEAD + b"".join(b"Disallow: /$%d$\n" % number for number in range(100_000)),
    "empty lines": b"\n" * 1_000_000,
    "colons": b":\n" * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_and_asked(name):
    text = RobotsText(HOSTILE[name], SIZE)
    assert text.allows("http://a.example/x/y", "crawler")
    assert text.allows("http://a.example/" + "b" * 8000, "crawler")
    assert text.crawl_delay("crawler") is None


def test_of_very_many_wildcards_the_last_ones_forbid_what_stands_before_them():
    rules = "".join(f"Disallow: /p{number}/*{number}\n" for number in range(3000))
    text = f"User-agent: *\n{rules}Allow: /p2999/*/a\n"
    assert allows(text, "http://a.example/p1/x")  # matched in full
    assert not allows(text, "http://a.example/p2999/x")
    assert not allows(text, "http://a.example/p2999/x/a")


@pytest.mark.parametrize(
    ("agent", "token"),
    [("crawler/0.1 (Python web crawler)", "crawler"), ("my-bot_2 x", "my-bot_2"), ("bot", "bot"), ("(odd)", "(odd)")],
)
def test_the_token_of_a_user_agent(agent, token):
    assert token_of(agent) == token


def test_rules_of_many_wildcards_count_for_several():
    rules = "".join(f"Disallow: /p{number}/{'*b' * 100}N\n" for number in range(100))
    text = RobotsText(f"User-agent: *\n{rules}".encode(), SIZE)
    assert text.allows("http://a.example/p1/bbb", "crawler")  # matched in full
    assert not text.allows("http://a.example/p99/bbb", "crawler")  # it is forbidden before the *

"""The header fields every request carries."""

from crawler.request import Request
from crawler.rules.headers import HeaderFields
from crawler.verdict import Go


def test_the_name_of_the_crawler_and_the_fields_of_the_settings_are_sent():
    rule = HeaderFields("mine/1.0", {"Accept": "text/html", "Accept-Language": "zh"})
    assert rule.before(Request("http://a.example/")) == Go(
        (("User-Agent", "mine/1.0"), ("Accept", "text/html"), ("Accept-Language", "zh"))
    )

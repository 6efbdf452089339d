"""Verification and ban pages are told from pages, by anchors and never by a word in a text."""

import gzip
import time
from pathlib import Path

import pytest

from crawler.request import Request
from crawler.response import Failure, Gist, Response
from crawler.rules.blocked import SMALL, Blocked
from crawler.verdict import KEEP, Drop

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
HTML = (("Content-Type", "text/html; charset=utf-8"),)
URL = "https://www.maoyan.com/board/7"


def verdict(body="", status=200, headers=HTML, own=None):
    content = body.encode() if isinstance(body, str) else body
    return Blocked(own).after(Request(URL), Response(URL, status, tuple(headers), content))


def titled(title, content=""):
    return (
        f"<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>{title}</title></head><body>{content}</body></html>"
    )


BLOCK_PAGES = {
    "maoyan": (titled("猫眼验证中心"), 200),
    "maoyan-gbk": (titled("猫眼验证中心").encode("gbk"), 200),
    "maoyan-spaced": (titled("\n   猫眼验证中心\n  "), 200),
    "maoyan-attributes": (titled("猫眼验证中心").replace("<title>", '<title data-rh="true">'), 200),
    "meituan": (titled("验证中心", '<script src="https://static.meituan.net/yoda/yoda.js"></script>'), 200),
    "meituan-script": (
        "<script>window.location.href='https://verify.meituan.com/v2/web/general_page?a=1'</script>",
        200,
    ),
    "meituan-replace": ('<html><script>location.replace("//verify.maoyan.com/x")</script></html>', 200),
    "baidu": (titled("百度安全验证"), 200),
    "zhihu": (titled("安全验证 - 知乎"), 403),
    "weibo": (titled("Sina Visitor System"), 200),
    "cloudflare": (titled("Just a moment...", "<script>window._cf_chl_opt={cvId:'3'};</script>"), 403),
    "cloudflare-script": (
        titled("Just a moment...", "<script src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1'></script>"),
        503,
    ),
    "cloudflare-ban": (titled("Attention Required! | Cloudflare"), 403),
    "cloudflare-restricted": (titled("Access denied | shop.example used Cloudflare to restrict access"), 403),
    "perimeterx": (titled("Access to this page has been denied."), 403),
    "akamai": (
        "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>"
        "You don't have permission to access it.<P>Reference&#32;&#35;18&#46;1</BODY></HTML>",
        403,
    ),
    "sucuri": (titled("Sucuri WebSite Firewall - Access Denied"), 403),
    "ddos-guard": (titled("DDoS-Guard"), 403),
    "f5": (titled("Request Rejected", "The requested URL was rejected. Your support ID is: 12"), 200),
    "captcha": (titled("Are you a robot?", '<div class="g-recaptcha" data-sitekey="k"></div>'), 200),
    "captcha-h": (titled("Security Check", "<div class=h-captcha></div>"), 403),
    "datadome": (
        "<html><head><title>shop.example</title></head><body><p id='cmsg'>Please enable JS</p>"
        "<script>var dd={'rt':'c','cid':'A','host':'geo.captcha-delivery.com'}</script></body></html>",
        403,
    ),
    "imperva": (
        '<html><head><META NAME="robots" CONTENT="noindex,nofollow"></head>'
        '<iframe id="main-iframe" src="/_Incapsula_Resource?SWUDNSAI=31">Request unsuccessful.</iframe></html>',
        200,
    ),
    "amazon": (titled("Amazon.com", '<form method="get" action="/errors/validateCaptcha" name=""></form>'), 200),
}


@pytest.mark.parametrize("name", BLOCK_PAGES)
def test_a_block_page_is_dropped_as_blocked(name):
    body, status = BLOCK_PAGES[name]
    dropped = verdict(body, status)
    assert isinstance(dropped, Drop)
    assert dropped.state == "blocked"
    assert dropped.reason.startswith("blocked: ")
    assert dropped.reason.endswith(f"({name.partition('-')[0]})" if name != "ddos-guard" else "(ddos-guard)")


def test_the_reason_is_a_plain_sentence():
    assert verdict(titled("猫眼验证中心")).reason == "blocked: verification page 猫眼验证中心 (maoyan)"


ORDINARY_PAGES = {
    "article naming the verification page": titled("爬虫笔记", "<p>标题是“猫眼验证中心”的页面不是榜单。</p>"),
    "article with the name in its title": titled("遇到猫眼验证中心怎么办 - 博客"),
    "article with a title that begins like it": titled("猫眼验证中心是什么"),
    "article showing the page as code": titled("爬虫", "<pre>&lt;title&gt;猫眼验证中心&lt;/title&gt;</pre>"),
    "second title in an inline picture": titled("影评", "<svg><title>猫眼验证中心</title></svg>"),
    "another company's verification centre": titled("验证中心", "<p>学历验证</p>"),
    "article about captchas": titled("How captchas work", "<p>captcha reCAPTCHA hCaptcha Are you a robot?</p>"),
    "article with a captcha in its comment form": titled("My garden", '<div class="g-recaptcha"></div>'),
    "long article titled like a captcha page": titled(
        "Are you a robot?", "<p>Robots dream.</p>" * 600 + '<div class="g-recaptcha"></div>'
    ),
    "film called Just a moment...": titled("Just a moment...", "<p>A short film.</p>"),
    "ordinary page behind Cloudflare": titled(
        "Just a moment...", '<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>'
    ),
    "ordinary page behind Imperva": titled("Shop", '<script src="/_Incapsula_Resource?SWJIYLWA=7"></script>'),
    "ordinary page behind DataDome": titled("Shop", '<script src="https://js.captcha-delivery.com/tag.js"></script>'),
    "page that links to the verify host": titled("帮助", '<a href="https://verify.meituan.com/">verify</a>'),
    "page without a title": "<p>x</p>" * 5000,
    "empty page": "",
    "title that never ends": "<title>" + " " * 1_000_000,
    "title tag that never ends": "<title " + "a" * 1_000_000,
}


@pytest.mark.parametrize("name", ORDINARY_PAGES)
@pytest.mark.parametrize("status", [200, 404])
def test_an_ordinary_page_is_kept(name, status):
    assert verdict(ORDINARY_PAGES[name], status) is KEEP


def test_access_denied_is_a_ban_only_from_a_firewall():
    assert verdict(titled("Access Denied", "Please log in to see this page."), 403) is KEEP
    assert verdict(titled("Access Denied", "Reference #1 errors.edgesuite.net"), 200) is KEEP


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "image/svg+xml", "application/pdf"])
def test_only_html_is_searched(kind):
    assert verdict(titled("猫眼验证中心"), headers=[("Content-Type", kind)]) is KEEP


@pytest.mark.parametrize("headers", [[], [("content-type", "application/xhtml+xml")], [("CONTENT-TYPE", "TEXT/HTML")]])
def test_html_may_be_declared_in_any_way_or_not_at_all(headers):
    assert isinstance(verdict(titled("猫眼验证中心"), headers=headers), Drop)


@pytest.mark.parametrize(
    ("status", "header", "reason"),
    [
        (403, ("CF-Mitigated", "challenge"), "blocked: challenge page (cloudflare)"),
        (429, ("cf-mitigated", "challenge"), "blocked: challenge page (cloudflare)"),
        (202, ("x-amzn-waf-action", "challenge"), "blocked: challenge page (aws-waf)"),
        (405, ("x-amzn-waf-action", "captcha"), "blocked: captcha page (aws-waf)"),
    ],
)
def test_a_firewall_that_says_so_in_a_header_is_believed(status, header, reason):
    assert verdict("anything", status, [*HTML, header]).reason == reason


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://verify.maoyan.com/verify?requestCode=1", "verify.maoyan.com"),
        ("//verify.meituan.com/v2/web/general_page?action=spiderindefence", "verify.meituan.com"),
        ("HTTPS://VERIFY.MEITUAN.COM", "verify.meituan.com"),
        ("https://sec.douban.com/b?r=https%3A%2F%2Fmovie.douban.com%2F", "sec.douban.com"),
        ("https://www.google.com/sorry/index?continue=x", "www.google.com/sorry"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_to_a_verification_host_is_blocked(location, host, status):
    dropped = verdict("", status, [("Location", location)])
    assert dropped == Drop(f"blocked: redirected to {host}", state="blocked")


@pytest.mark.parametrize(
    "location",
    [
        "/board/7",
        "https://www.maoyan.com/?next=https://verify.maoyan.com/",
        "https://verify.maoyan.com.example/",
        "https://notverify.maoyan.com/",
        "https://www.google.com/search?q=sorry",
    ],
)
def test_any_other_redirect_is_kept(location):
    assert verdict("", 302, [("Location", location)]) is KEEP


def test_a_location_counts_only_in_a_redirect():
    assert verdict("", 201, [("Location", "https://verify.maoyan.com/")]) is KEEP


def test_a_failure_is_kept():
    own = pytest.fail
    assert Blocked(own).after(Request(URL), Failure(URL, "timeout")) is KEEP


def test_the_spider_is_asked_after_the_signatures_and_gives_the_reason():
    asked = []

    def own(request, response):
        asked.append((request.url, response.status))
        return "too many visits today"

    assert verdict("quota", 200, own=own) == Drop("blocked: too many visits today", state="blocked")
    assert verdict(titled("猫眼验证中心"), own=own).reason == "blocked: verification page 猫眼验证中心 (maoyan)"
    assert asked == [(URL, 200)]


def test_the_spider_may_answer_with_true_or_false():
    assert verdict("x", own=lambda request, response: True) == Drop("blocked: the spider says so", state="blocked")
    assert verdict("x", own=lambda request, response: False) is KEEP
    assert verdict("x", own=lambda request, response: "") is KEEP


def test_no_false_alarm_on_real_pages():
    pages = sorted((DATA / "pages").glob("*.html.gz"))
    if not pages:
        pytest.skip(f"needs the real pages in {DATA / 'pages'}")
    for path in pages:
        body = gzip.decompress(path.read_bytes())
        assert verdict(body) is KEEP, path.name
        assert verdict(body, 403) is KEEP, path.name


def test_no_false_alarm_on_real_boards():
    pages = sorted((DATA / "maoyan").glob("*.html"))
    if not pages:
        pytest.skip(f"needs the real pages in {DATA / 'maoyan'}")
    for path in pages:
        assert verdict(path.read_bytes()) is KEEP, path.name


def test_a_title_without_end_costs_next_to_nothing():
    body = b"<title>" + b" " * 1_000_000
    start = time.process_time()
    for _ in range(50):
        assert verdict(body) is KEEP
    assert time.process_time() - start < 0.25


def test_an_ordinary_page_costs_next_to_nothing():
    rule, request = Blocked(), Request(URL)
    body = (titled("热映口碑榜", "<p>一部电影</p>" * 1500)).encode()
    assert len(body) > 3 * SMALL
    response = Response(URL, 200, (*HTML, *((f"X-Header-{number}", "value") for number in range(15))), body)
    start = time.process_time()
    for _ in range(10_000):
        rule.after(request, response)
    assert time.process_time() - start < 0.5  # 50 µs each; it takes about 2, a search of the whole page 100


def test_a_page_that_a_worker_has_read_is_not_asked_about_again():
    def own(request, response):
        raise AssertionError("the body is not here")

    read = Response(URL, 200, body=b"", gist=Gist(7, 1))
    assert Blocked(own).after(Request(URL), read) == KEEP

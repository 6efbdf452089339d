"""Knows a verification or ban page when it sees one: a page that says "prove that you are human" is no result, even
with status 200.

Every signature is anchored: a whole title, a header field, the host of a redirect, a script of a page that has nothing
else. A word such as "captcha" in a text never counts. The rule has to stand before `redirect` and `retry` in the order,
since neither following nor repeating gets past such a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from crawler.request import Request
from crawler.response import Failure, Outcome, Response
from crawler.verdict import KEEP, After, Drop

HEAD = 4096  # bytes in which a title is looked for
SMALL = 8192  # bytes up to which a page can be nothing but a script
TITLE_SPAN = 512  # bytes a title element may take; keeps a title of a million spaces from costing anything


class Signature(msgspec.Struct, frozen=True):
    """One known page. All that is given has to hold.

    - `name`: who shows it. `page`: what it is called in the reason.
    - `title`: pattern of the whole title, without case.
    - `body`: pattern looked for in the page. Without a title, only pages up to `SMALL` bytes are searched for it,
      and only if they contain `hint`, which is cheap to find.
    - `small`: only pages up to `SMALL` bytes. `status`: only these.
    """

    name: str
    page: str
    title: bytes = b""
    hint: bytes = b""
    body: re.Pattern[bytes] | None = None
    small: bool = False
    status: tuple[int, ...] = ()


def _either(text: str) -> bytes:
    """A pattern of Chinese text in UTF-8 or GBK, the two encodings it comes in."""
    return b"(?:" + re.escape(text.encode()) + b"|" + re.escape(text.encode("gbk")) + b")"


TITLES = (
    Signature("maoyan", "verification page 猫眼验证中心", title=_either("猫眼验证中心")),
    Signature(
        "meituan",
        "verification page 验证中心",
        title=_either("验证中心"),
        body=re.compile(rb"\.meituan\.(?:com|net)/"),
    ),
    Signature("baidu", "verification page 百度安全验证", title=_either("百度安全验证")),
    Signature("zhihu", "verification page 安全验证", title=_either("安全验证 - 知乎")),
    Signature("weibo", "visitor check Sina Visitor System", title=rb"Sina Visitor System"),
    Signature(
        "cloudflare",
        "challenge page Just a moment...",
        title=rb"Just a moment\.\.\.",
        # Not every script below challenge-platform/: Cloudflare adds one of them to ordinary pages too.
        body=re.compile(rb"_cf_chl_opt|/cdn-cgi/challenge-platform/h/[a-z]+/orchestrate/"),
    ),
    Signature(
        "cloudflare",
        "ban page Attention Required!",
        title=rb"(?:Attention Required!|Please Wait\.\.\.) \| Cloudflare"
        rb"|Access denied \| [^<]{1,200} used Cloudflare to restrict access",
    ),
    Signature(
        "perimeterx",
        "ban page Access to this page has been denied",
        title=rb"Access to this page has been denied\.?",
    ),
    Signature(
        "akamai",
        "ban page Access Denied",
        title=rb"Access Denied",
        body=re.compile(rb"Reference(?: |&#32;)(?:#|&#35;)|errors(?:\.|&#46;)edgesuite(?:\.|&#46;)net"),
        status=(403,),
    ),
    Signature("sucuri", "ban page Sucuri WebSite Firewall", title=rb"Sucuri WebSite Firewall - Access Denied"),
    Signature("ddos-guard", "challenge page DDoS-Guard", title=rb"DDoS-Guard", status=(403, 429, 503)),
    Signature("f5", "ban page Request Rejected", title=rb"Request Rejected", body=re.compile(rb"Your support ID is")),
    Signature(
        "captcha",
        "verification page with a captcha",
        title=rb"(?:Bloomberg - )?Are you (?:a robot|human|a human)\?|Robot Check|Human Verification|Security Check"
        rb"|Verify (?:that )?you are (?:a )?human|Captcha|reCAPTCHA|hCaptcha",
        # The element that shows the captcha, not its name; small, since an article may have one in its comment form.
        body=re.compile(rb"""class=["']?(?:g-recaptcha|h-captcha|cf-turnstile)\b|id=["']?px-captcha\b"""),
        small=True,
    ),
)

SCRIPTS = (
    Signature(
        "meituan",
        "redirect to the verification page",
        hint=b"//verify.m",
        body=re.compile(
            rb"""location(?:\.href)?\s?(?:=|\.(?:replace|assign)\()\s?["'](?:https?:)?//verify\.(?:maoyan|meituan)\.com\b"""
        ),
    ),
    Signature(
        "datadome",
        "captcha page",
        hint=b"captcha-delivery.com",
        body=re.compile(rb"var dd\s?=\s?\{[^}<]*captcha-delivery\.com"),
    ),
    Signature(
        "imperva",
        "ban page Request unsuccessful",
        hint=b"_Incapsula_Resource",
        body=re.compile(rb"<iframe[^<>]*\ssrc=[\"']?/_Incapsula_Resource\?"),
    ),
    Signature(
        "amazon",
        "captcha page",
        hint=b"/errors/validateCaptcha",
        body=re.compile(rb"<form[^<>]*\saction=[\"']?/errors/validateCaptcha\b"),
    ),
)

# Documented by who sends them: developers.cloudflare.com "Detect a Challenge Page response", and the AWS WAF
# developer guide, "CAPTCHA and Challenge action behavior". Never sent with status 200.
HEADERS = {
    ("cf-mitigated", "challenge"): Signature("cloudflare", "challenge page"),
    ("x-amzn-waf-action", "challenge"): Signature("aws-waf", "challenge page"),
    ("x-amzn-waf-action", "captcha"): Signature("aws-waf", "captcha page"),
}

# Where visitors are sent to prove themselves.
REDIRECT = re.compile(
    r"(?:https?:)?//(?P<to>verify\.maoyan\.com|verify\.meituan\.com|sec\.douban\.com|wappass\.baidu\.com"
    r"|geo\.captcha-delivery\.com|validate\.perfdrive\.com|(?:www|ipv4|ipv6)\.google\.[a-z.]{2,6}/sorry)(?:[/?#:]|$)",
    re.IGNORECASE,
)

_TITLE = re.compile(
    rb"<title(?:\s[^<>]*)?>\s*(?:"
    + b"|".join(b"(?P<s%d>%b)" % (number, signature.title) for number, signature in enumerate(TITLES))
    + rb")\s*</title",
    re.IGNORECASE,
)


class Blocked:
    """Drops verification and ban pages, with the state `blocked`.

    `own(request, response)` is asked after the signatures: the spider's `blocked(page)`, whose answer is True, or the
    reason as text. What it raises is not caught here.
    """

    name = "blocked"

    def __init__(self, own: Callable[[Request, Response], bool | str] | None = None) -> None:
        self._own = own

    def after(self, request: Request, outcome: Outcome) -> After:
        if type(outcome) is Failure:
            return KEEP
        assert isinstance(outcome, Response)
        if outcome.gist is not None:  # asked where the page was read
            return KEEP
        reason: bool | str = known(outcome)
        if not reason and self._own is not None:
            reason = self._own(request, outcome)
        if not reason:
            return KEEP
        return Drop(f"blocked: {reason if isinstance(reason, str) else 'the spider says so'}", state="blocked")


def known(response: Response) -> str:
    """What block page this is, such as "verification page 猫眼验证中心 (maoyan)", or "" for any other response."""
    if response.status != 200:
        for key, value in response.header_pairs:
            field = key.lower()
            if signature := HEADERS.get((field, value.strip().lower())):
                return f"{signature.page} ({signature.name})"
            if field == "location" and 300 <= response.status < 400 and (match := REDIRECT.match(value)):
                return f"redirected to {match['to'].lower()}"
    body = response.body
    start = body.find(b"<title", 0, HEAD)
    if start < 0 and len(body) <= SMALL:  # written in capitals by old firewalls, whose pages are short
        start = body.find(b"<TITLE", 0, HEAD)
    if start >= 0 and (title := _TITLE.match(body, start, start + TITLE_SPAN)):
        signature = TITLES[int(str(title.lastgroup)[1:])]
        if _holds(signature, response):
            return f"{signature.page} ({signature.name})"
    if len(body) <= SMALL:
        for signature in SCRIPTS:
            if signature.hint in body and _holds(signature, response):
                return f"{signature.page} ({signature.name})"
    return ""


def _holds(signature: Signature, response: Response) -> bool:
    """Whether the rest of a signature fits too. Asked rarely, so it may cost more."""
    kind = response.headers.get("content-type", "").lower()
    return (
        (not kind or "html" in kind)
        and (not signature.status or response.status in signature.status)
        and (not signature.small or len(response.body) <= SMALL)
        and (signature.body is None or signature.body.search(response.body, 0, 8 * SMALL) is not None)
    )

import time
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import Request, Response
from crawler.response import Failure
from crawler.rules.cache_folder import CacheFolder
from crawler.rules.cache_rfc9111 import PrivateCache
from crawler.verdict import GO, KEEP, Again, Answer, Go

URL = "http://a.example/"
REQUEST = Request(URL, row=7)


def date(seconds=0.0):
    """An HTTP date so many seconds from now."""
    return formatdate(time.time() + seconds, usegmt=True)


def page(body=b"page", status=200, **fields):
    pairs = tuple((name.replace("_", "-").title(), value) for name, value in fields.items())
    return Response(URL, status, (("Date", date()), *pairs) if "date" not in fields else pairs, body)


@pytest.fixture
def cache(tmp_path):
    cache = PrivateCache(CacheFolder(tmp_path), lambda request: cache.sent)
    cache.sent = (("Accept", "text/html"),)
    return cache


def fetch(cache, response, request=REQUEST):
    """One exchange; what the rule says to the response."""
    verdict = cache.before(request)
    assert isinstance(verdict, Go), "there was no need to fetch"
    return cache.after(request, response)


def conditions(cache, request=REQUEST):
    """The fields of a conditional request, () for a plain one, None where the cache answers."""
    verdict = cache.before(request)
    return None if isinstance(verdict, Answer) else verdict.header_pairs


def body(cache, request=REQUEST):
    return cache.before(request).response.body


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_control": "max-age=60"},
        {"cache_control": "private, max-age=60"},
        {"cache_control": "s-maxage=0, max-age=60"},
        {"cache_control": "must-revalidate, max-age=60"},
        {"cache_control": "max-age=60", "expires": "0"},
        {"expires": date(+6000)},
        {"last_modified": date(-100_000)},  # 10,000 s, 4.2.2
        {"cache_control": "max-age=6000", "age": "5000"},
        {"cache_control": "max-age=6000", "date": date(-50)},
        {"expires": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Tue, 01 Jan 1980 00:00:00 GMT"},
    ],
)
def test_fresh_answers_are_used(cache, fields):
    assert fetch(cache, page(**fields)) == KEEP
    answer = cache.before(REQUEST)
    assert isinstance(answer, Answer)
    assert answer.by == "the cache"
    assert (answer.response.url, answer.response.status, answer.response.body) == (URL, 200, b"page")
    assert answer.response.cached


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_control": "no-cache, max-age=60"},
        {"cache_control": "max-age=0"},
        {"cache_control": "max-age=0, s-maxage=60"},
        {"expires": date(-1)},
        {"expires": "0"},
        {"cache_control": "max-age=60", "age": "61"},
        {"cache_control": "max-age=60", "date": date(-61)},
        {"cache_control": "max-age=60", "age": "61", "date": date(+1000)},  # a clock that is ahead hides no age
        {"expires": date(+900), "date": date(+1000)},
        {"cache_control": "max-age=60", "age": "99999999999"},
        {},
    ],
)
def test_others_are_asked_for_with_their_validators(cache, fields):
    modified = date(-5)
    assert fetch(cache, page(etag='"1"', last_modified=modified, **fields)) == KEEP
    assert dict(conditions(cache)) == {"If-None-Match": '"1"', "If-Modified-Since": modified}


def test_a_weak_validator_is_a_validator(cache):
    fetch(cache, page(etag='W/"1"', cache_control="no-cache"))
    assert conditions(cache) == (("If-None-Match", 'W/"1"'),)


@pytest.mark.parametrize(
    "response",
    [
        page(cache_control="no-store, max-age=60", etag='"1"'),
        page(cache_control="max-age=60", etag='"1"', status=500),
        page(cache_control="max-age=60", etag='"1"', status=429),
        page(cache_control="max-age=60", etag='"1"', status=206),
        Response(URL, 200, (("Cache-Control", "max-age=60"),), b"half", truncated=True),
        Failure(URL, "timeout"),
    ],
)
def test_what_is_not_stored(cache, response):
    assert fetch(cache, response) == KEEP
    assert conditions(cache) == ()


def test_an_answer_without_a_date_ages_as_well(tmp_path):
    now = time.time()
    old = PrivateCache(CacheFolder(tmp_path), lambda _: (), clock=lambda: now - 61)
    fetch(old, Response(URL, 200, (("Cache-Control", "max-age=60"), ("ETag", '"1"'))))
    assert conditions(PrivateCache(CacheFolder(tmp_path), lambda _: ())) == (("If-None-Match", '"1"'),)


def test_the_age_of_an_answer_is_told(cache):
    fetch(cache, page(cache_control="max-age=600", age="500", date=date(-10)))
    [age] = cache.before(REQUEST).response.headers.getall("age")
    assert 500 <= int(age) <= 502


def test_not_modified_gives_the_stored_page_with_new_fields(cache):
    fetch(cache, page(etag='"1"', cache_control="max-age=0", content_type="text/html", x_old="kept"))
    not_modified = page(b"", 304, etag='"1"', cache_control="max-age=60", content_type="text/plain", x_new="1")
    verdict = fetch(cache, not_modified)
    assert isinstance(verdict, Answer)
    response = verdict.response
    assert (response.status, response.body, response.cached) == (200, b"page", True)
    told = {name: response.headers.get(name) for name in ("content-type", "cache-control", "x-old", "x-new")}
    assert told == {"content-type": "text/html", "cache-control": "max-age=60", "x-old": "kept", "x-new": "1"}
    assert cache.after(REQUEST, response) == KEEP  # the rules are asked about it once more
    assert conditions(cache) is None, "it is fresh again"


def test_not_modified_that_means_no_stored_answer_leads_to_a_plain_request(cache):
    fetch(cache, page(etag='"1"', cache_control="max-age=0"))
    verdict = fetch(cache, page(b"", 304, etag='"2"'))
    assert isinstance(verdict, Again)
    assert verdict.request == REQUEST
    assert conditions(cache) == ()
    assert cache.after(REQUEST, page(b"", 304, etag='"2"')) == KEEP, "nobody asked, and it does not go on for ever"


def test_a_new_page_replaces_the_stored_one(cache):
    fetch(cache, page(etag='"1"', cache_control="max-age=0"))
    assert fetch(cache, page(b"newer", etag='"2"', cache_control="max-age=60")) == KEEP
    assert body(cache) == b"newer"
    assert len(cache._folder.read(REQUEST)) == 1


def test_a_server_error_changes_nothing(cache):
    fetch(cache, page(etag='"1"', cache_control="max-age=0"))
    assert fetch(cache, page(status=503)) == KEEP
    assert conditions(cache) == (("If-None-Match", '"1"'),)


def test_answers_vary_with_fields_of_the_request(cache):
    german = REQUEST.replace(headers={"accept-language": "de"})
    fetch(cache, page(b"en", vary="Accept-Language, Accept", cache_control="max-age=60"))
    assert conditions(cache, german) == (), "that answer is for somebody else, and so are its validators"
    fetch(cache, page(b"de", vary="Accept-Language, Accept", cache_control="max-age=60"), german)
    assert body(cache) == b"en"
    assert body(cache, german) == b"de"
    cache.sent = (("Accept", "application/json"),)
    assert conditions(cache) == ()


def test_what_varies_with_everything_is_asked_for_each_time(cache):
    fetch(cache, page(vary="*", cache_control="max-age=60", etag='"1"'))
    assert conditions(cache) == (("If-None-Match", '"1"'),)


def test_only_some_variants_are_kept(cache):
    for number in range(20):
        request = REQUEST.replace(headers={"Accept-Language": str(number)})
        fetch(cache, page(vary="accept-language", cache_control="max-age=60"), request)
    assert len(cache._folder.read(REQUEST)) == 8
    assert conditions(cache, request) is None


def test_credentials_and_jars_have_answers_of_their_own(cache, tmp_path):
    ann = REQUEST.replace(headers={"Authorization": "Basic YW5uOnNlY3JldA=="})
    fetch(cache, page(b"ann's", cache_control="private, max-age=60"), ann)
    assert conditions(cache) == ()
    assert conditions(cache, REQUEST.replace(jar="bob")) == ()
    assert body(cache, ann) == b"ann's"
    [stored] = cache._folder.read(REQUEST)
    assert "YW5u" not in repr(stored)
    cache.sent = (("Authorization", "Basic YW5uOnNlY3JldA=="),)  # by a rule
    assert body(cache) == b"ann's"


def test_no_field_of_a_request_is_written_down(cache):
    cache.sent = (("X-Api-Key", "secret"),)
    fetch(cache, page(vary="X-Api-Key", cache_control="max-age=60"))
    assert body(cache) == b"page"
    assert "secret" not in repr(cache._folder.read(REQUEST))
    cache.sent = (("X-Api-Key", "other"),)
    assert conditions(cache) == ()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_forgets_the_page(cache, method):
    fetch(cache, page(cache_control="max-age=60"))
    fetch(cache, page(cache_control="max-age=60"), REQUEST.replace(jar="bob"))
    change = REQUEST.replace(method=method, body=b"x")
    fetch(cache, page(status=403), change)
    assert conditions(cache) is None, "nothing was changed"
    fetch(cache, page(status=303, cache_control="max-age=60"), change)
    assert conditions(cache) == ()
    assert conditions(cache, REQUEST.replace(jar="bob")) == ()
    assert conditions(cache, change) == (), "an answer to a change is none to the next one"


def test_head_is_not_kept(cache):
    head = REQUEST.replace(method="HEAD")
    fetch(cache, page(b"", cache_control="max-age=60"), head)
    assert conditions(cache, head) == ()
    assert conditions(cache) == ()


def test_again_fetches_and_keeps_what_came(cache):
    fetch(cache, page(cache_control="max-age=60", etag='"1"'))
    again = REQUEST.replace(again=True)
    assert conditions(cache, again) == ()
    cache.after(again, page(b"newer", cache_control="max-age=60"))
    assert body(cache) == b"newer"


def test_a_request_with_conditions_of_its_own_is_left_alone(cache):
    fetch(cache, page(cache_control="max-age=60"))
    own = REQUEST.replace(headers={"if-none-match": '"mine"'})
    assert cache.before(own) == GO
    assert cache.after(own, page(b"", 304)) == KEEP


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"cache-control": "no-store"}},
        {"body": b"q"},
        {"method": "HEAD"},
        {"method": "OPTIONS"},
        {"purpose": "robots"},
    ],
)
def test_these_are_left_alone(cache, changes):
    fetch(cache, page(cache_control="max-age=60"))
    request = REQUEST.replace(**changes)
    assert cache.before(request) == GO
    assert cache.after(request, page(b"other", cache_control="max-age=60")) == KEEP
    assert body(cache) == b"page"


def test_part_of_a_page_is_not_answered(cache):
    fetch(cache, page(cache_control="max-age=60"))
    part = REQUEST.replace(headers={"Range": "bytes=0-1"})
    assert fetch(cache, page(b"pa", 206, cache_control="max-age=60"), part) == KEEP
    assert body(cache) == b"page"


def test_no_cache_in_a_request_asks_with_the_validators(cache):
    fetch(cache, page(cache_control="max-age=60", etag='"1"'))
    reload = REQUEST.replace(headers={"Cache-Control": "no-cache"})
    assert conditions(cache, reload) == (("If-None-Match", '"1"'),)


def test_a_redirect_that_may_be_stored_is_answered(cache):
    fetch(cache, page(b"", 301, location="/new", cache_control="max-age=60"))
    assert cache.before(REQUEST).response.headers["location"] == "/new"


def test_repeated_fields_stay_repeated(cache):
    response = Response(
        URL, 200, (("Cache-Control", "max-age=60"), ("Set-Cookie", "a=1, 2"), ("X", "y"), ("Set-Cookie", "b=2"))
    )
    fetch(cache, response)
    assert cache.before(REQUEST).response.headers.getall("set-cookie") == ["a=1, 2", "b=2"]


_NAMES = ["Cache-Control", "Expires", "Date", "Age", "Vary", "ETag", "Last-Modified", "Connection", "Pragma", "X"]
_VALUES = [
    "", ",,", "=", "*", "accept,,x", "max-age", "max-age=", "max-age=-1", "max-age=1.5", f"max-age={'9' * 30}",
    'max-age="60"', "max-age=60, max-age=0", 'private="x', 'no-cache="Set-Cookie", max-age=5', "public", "no-store",
    "0", "-1", "9" * 11, "9" * 12, "١٢", "\0", "W/", '"open', '"1"', 'W/"1"', "close, x-y",
    "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Tue, 01 Jan 0001 00:00:00 GMT",
    "Mon, 99 Foo 9999 99:99:99 GMT", "Sun, 06 Nov 1994 08:49:37 +9999999", "Sunday, 06-Nov-94 08:49:37 GMT",
]  # fmt: skip
_FIELDS = st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_VALUES) | st.text(max_size=20)), max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([200, 200, 304, 304, 301, 404, 500, 999]), _FIELDS), min_size=2, max_size=3))
def test_whatever_a_host_writes_is_no_fault(answers):
    with TemporaryDirectory() as path:
        cache = PrivateCache(CacheFolder(Path(path)), lambda request: ())
        for status, fields in answers:
            if isinstance(cache.before(REQUEST), Go):
                cache.after(REQUEST, Response(URL, status, tuple(fields), b"page"))

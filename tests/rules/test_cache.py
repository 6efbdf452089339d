import pytest

from crawler import Request, Response
from crawler.response import Failure
from crawler.rules.cache import Always
from crawler.rules.cache_folder import CacheFolder
from crawler.verdict import GO, KEEP, Answer

REQUEST = Request("http://a.example/")
PAGE = Response("http://a.example/", 200, (("Content-Type", "text/html"),), b"page", 0.25)


@pytest.fixture
def cache(tmp_path):
    cache = Always(CacheFolder(tmp_path), max_age=60, clock=lambda: cache.now)
    cache.now = 1000.0
    return cache


def answers(cache, request=REQUEST):
    verdict = cache.before(request)
    return isinstance(verdict, Answer)


def test_what_was_fetched_once_is_answered(cache):
    assert cache.before(REQUEST) == GO
    assert cache.after(REQUEST, PAGE) == KEEP
    cached = Response(PAGE.url, 200, PAGE.header_pairs, b"page", 0.0, cached=True)
    assert cache.before(REQUEST) == Answer(cached, by="the cache")


def test_an_answer_from_the_cache_is_not_stored_again(cache):
    cache.after(REQUEST, PAGE)
    cache.now += 59
    assert cache.after(REQUEST, cache.before(REQUEST).response) == KEEP
    cache.now += 1
    assert not answers(cache)


def test_old_answers_are_fetched_again(cache):
    cache.after(REQUEST, PAGE)
    cache.now += 59.9
    assert answers(cache)
    cache.now += 0.1
    assert not answers(cache)


def test_without_a_bound_they_are_never_too_old(tmp_path):
    Always(CacheFolder(tmp_path), clock=lambda: 0.0).after(REQUEST, PAGE)
    assert answers(Always(CacheFolder(tmp_path)))


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 303, 307, 308, 404, 410])
def test_statuses_that_are_kept(cache, status):
    cache.after(REQUEST, Response(REQUEST.url, status))
    assert cache.before(REQUEST).response.status == status


@pytest.mark.parametrize("status", [206, 304, 400, 401, 403, 408, 429, 500, 502, 503])
def test_statuses_that_are_not_kept(cache, status):
    cache.after(REQUEST, Response(REQUEST.url, status))
    assert not answers(cache)


@pytest.mark.parametrize(
    "outcome", [Failure(REQUEST.url, "timeout"), Response(REQUEST.url, 200, (), b"half", truncated=True)]
)
def test_failures_and_cut_bodies_are_not_kept(cache, outcome):
    assert cache.after(REQUEST, outcome) == KEEP
    assert not answers(cache)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_methods_that_are_kept(cache, method):
    request = REQUEST.replace(method=method, body=b"q=1")
    cache.after(request, PAGE)
    assert answers(cache, request)
    assert not answers(cache, request.replace(body=b"q=2"))
    assert not answers(cache, request.replace(method="PUT"))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_that_are_not_kept(cache, method):
    cache.after(REQUEST.replace(method=method), PAGE)
    assert not answers(cache, REQUEST.replace(method=method))


def test_part_of_a_page_is_not_kept(cache):
    part = REQUEST.replace(headers={"range": "bytes=0-9"})
    cache.after(part, PAGE)
    assert not answers(cache)
    cache.after(REQUEST, PAGE)
    assert not answers(cache, part)


def test_again_fetches_and_keeps_what_came(cache):
    again = REQUEST.replace(again=True)
    cache.after(REQUEST, PAGE)
    assert not answers(cache, again)
    cache.after(again, Response(REQUEST.url, 200, (), b"newer"))
    assert cache.before(REQUEST).response.body == b"newer"


def test_each_jar_has_its_own_answers(cache):
    cache.after(REQUEST.replace(jar="ann"), PAGE)
    assert not answers(cache, REQUEST.replace(jar="bob"))
    cache.after(REQUEST.replace(jar="bob"), Response(REQUEST.url, 200, (), b"bob's"))
    assert cache.before(REQUEST.replace(jar="ann")).response.body == b"page"
    assert cache.before(REQUEST.replace(jar="bob")).response.body == b"bob's"


def test_what_another_rule_wanted_first_is_kept_too(cache):
    robots = Request("http://a.example/robots.txt", purpose="robots")
    cache.overhear(robots, Response(robots.url, 200, (), b"User-agent: *"))
    assert cache.before(robots).response.body == b"User-agent: *"

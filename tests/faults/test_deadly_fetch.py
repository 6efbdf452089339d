"""A page that is the end of whoever fetches it fails alone; all others are stored."""

import pytest

PAGES = 60  # the last 30 of them link to no other page

DEADLY = """
import ctypes, os

fetch = module.Client.fetch


def hook(client, order):
    if order.url.endswith("/40"):
        os._exit(3)
    if order.url.endswith("/50"):
        ctypes.string_at(0)
    return fetch(client, order)


module.Client.fetch = hook
"""


@pytest.mark.parametrize("method", ["forkserver", "fork", "spawn"])
def test_a_page_that_kills_its_worker_is_set_aside(crawl_of, patched, method):
    crawl = crawl_of(pages=PAGES)
    env = patched("crawler.fetch.requests_fetcher", DEADLY)
    running = crawl.run("-s", f"crawl.start_method={method}", env=env)
    code = crawl.end(running)
    reasons = dict(crawl.query("SELECT url, reason FROM requests WHERE state = 2 ORDER BY url"))
    assert list(reasons) == [f"{crawl.server.url}/{number}" for number in (40, 50)], running.stderr
    told = [f"killed its worker, three times alone: {how}" for how in ("exited with code 3", "killed by signal 11")]
    for reason, part in zip(reasons.values(), told, strict=True):
        assert part in reason
    assert code == 1
    crawl.account("os._exit and a segmentation fault while fetching", 2, 2 * 16, code, without=(40, 50))


RAISING = """
import dataclasses

fetch = module.Client.fetch


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__()

    def __str__(self):
        raise RuntimeError("no text either")


def too_deep(depth=0):
    return too_deep(depth + 1)


def hook(client, order):
    match int(order.url.rsplit("/", 1)[1]):
        case 50:
            raise KeyboardInterrupt
        case 51:
            raise SystemExit(1)
        case 52:
            too_deep()
        case 53:
            raise MemoryError
        case 54:
            raise Odd(1, 2)
        case 55:
            landing = fetch(client, order)
            return module.Landing(order.token, landing.started, module.Failure(order.url, "error", lambda: 0))
        case 56:
            raise GeneratorExit
    return fetch(client, order)


module.Client.fetch = hook
"""
FAILING = range(50, 57)


def test_whatever_a_client_raises_is_a_failure_of_that_page(crawl_of, patched):
    crawl = crawl_of(pages=PAGES)
    running = crawl.run(env=patched("crawler.fetch.requests_fetcher", RAISING))
    code = crawl.end(running)
    failed = dict(crawl.query("SELECT url, reason FROM requests WHERE state = 2"))
    assert sorted(failed) == [f"{crawl.server.url}/{number}" for number in FAILING], running.stderr
    assert max(map(len, failed.values())) < 500
    assert code == 1
    crawl.account("a client that raises anything, or gives what cannot be pickled", 7, 3 * 16, code, without=FAILING)

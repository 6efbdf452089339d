"""Several spiders in one command: one pool, one set of host limits, and shared settings that have to agree."""

import json

import pytest

from crawler import CrawlError, Request, Spider, crawl


class First(Spider):
    site: str
    settings = {"scope.allowed_hosts": ["127.0.0.1"]}

    def start(self):
        for number in range(12):
            yield Request(f"{self.site}/first/{number}")

    def parse(self, page):
        yield {"spider": self.name, "at": page.url.removeprefix(self.site)}
        yield page.follow("/both")


class Second(First):
    settings = {"retry.times": 0}

    def start(self):
        for number in range(12):
            yield Request(f"{self.site}/second/{number}")


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_they_share_the_limits_of_a_host(walk, serve, pool):
    server = serve({"*": "x"}, latency=0.02)
    report = walk(First, Second, pool=pool, arguments={"site": server.url}, politeness={"per_host": 2})
    assert server.most == 2
    assert report.spiders == ("First", "Second")
    for name in ("First", "Second"):
        mine = sorted(item["at"] for item in report.items if item["spider"] == name)
        assert mine == sorted(["/both", *(f"/{name.lower()}/{number}" for number in range(12))])
    assert server.paths.count("/both") == 2  # what one spider has seen, the other one still wants


def test_settings_that_both_share_have_to_agree(walk, serve):
    class Slow(First):
        settings = {"politeness.delay": 2}

    with pytest.raises(CrawlError) as refused:
        crawl(First, Slow, arguments={"site": "http://127.0.0.1:9"})
    assert "First" in refused.value.message
    assert "Slow" in refused.value.message
    assert "politeness.delay" in refused.value.message
    assert refused.value.exit_code == 2


def test_each_has_its_own_scope_and_headers(walk, serve):
    server = serve({"*": "x"})

    class Narrow(First):
        settings = {"scope.allowed_hosts": ["example.com"], "fetch.user_agent": "narrow"}

    report = walk(Narrow, Second, arguments={"site": server.url})
    assert {item["spider"] for item in report.items} == {"Second"}
    assert report.dropped == {"scope": 12}
    assert {hit.headers["User-Agent"] for hit in server.log} != {"narrow"}


def test_the_command_takes_several_files(crawl_here, serve, write):
    server = serve({"*": "x"})
    for name in ("a", "b"):
        write(
            f"{name}.py",
            f"""
            start_urls = ["{server.url}/{name}"]
            settings = {{"politeness.delay": 0}}

            def parse(page):
                yield {{"at": page.url[-1]}}
            """,
        )
    done = crawl_here("run", "a.py", "b.py", "-o", "-", "--pool", "inline")
    assert done.rc == 0, done
    assert sorted(json.loads(line)["at"] for line in done.stdout.splitlines()) == ["a", "b"]
    assert "a, b: finished" in done.stderr


def test_the_command_names_both_where_they_do_not_agree(crawl_here, write):
    text = "start_urls = ['http://127.0.0.1:9']\nsettings = {'crawl.concurrency': %d}\ndef parse(page): yield {}\n"
    write("a.py", text % 5)
    write("b.py", text % 6)
    done = crawl_here("run", "a.py", "b.py")
    assert done.rc == 2
    assert done.stderr == (
        "crawl: a wants crawl.concurrency = 5 and b wants 6, and spiders of one run share it\n"
        "  say which: -s crawl.concurrency=…, or run them one after the other\n"
    )

"""A crawl that was stopped, killed or paused goes on where it was (kills at any moment: `tests/faults/`)."""

import json
import os
import signal

import pytest

PAGES = 120

SPIDER = """
from crawler import Spider


class Site(Spider):
    name = "site"
    start_urls = ["{url}/0"]
    settings = {{"politeness": {{"per_host": 4, "delay": 0}}}}

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        self.state["read"] = self.state.get("read", 0) + 1
        yield {{"number": number}}
        for child in (2 * number + 1, 2 * number + 2):
            if child < {pages}:
                yield page.follow(f"/{{child}}")
"""


@pytest.fixture
def site_spider(serve, write):
    server = serve({"*": "<p>x"}, latency=0.02)
    write("site.py", SPIDER.format(url=server.url, pages=PAGES))
    return server


def numbers(path):
    return [json.loads(line)["number"] for line in path.read_bytes().splitlines()]


def test_a_stopped_run_goes_on_with_its_counters_and_its_state(
    site_spider, start_crawl, crawl_command, wait_until, tmp_path
):
    running = start_crawl("run", "site.py", "-o", "out.jsonl")
    wait_until(lambda: len(site_spider.log) > 30)
    running.signal(signal.SIGTERM)
    running.end(10)
    assert running.rc == 143
    listed = json.loads(crawl_command("runs", "--json").stdout)
    assert (listed["spider"], listed["state"]) == ("site", "stopped")
    done = crawl_command("resume")
    assert done.rc == 0, done.stderr
    assert f"items    {PAGES} in" in done.stderr
    assert f"pages    {PAGES} " in done.stderr
    assert len(site_spider.log) == PAGES  # what flew when it stopped had landed
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(PAGES))
    again = crawl_command("resume")
    assert again.rc == 2
    assert "is finished, there is nothing to go on with" in again.stderr
    assert json.loads(crawl_command("runs", "--json").stdout)["items"] == PAGES


def test_a_running_run_is_refused_and_can_be_steered_from_another_terminal(
    site_spider, start_crawl, crawl_command, wait_until, tmp_path
):
    running = start_crawl("run", "site.py", "-o", "out.jsonl", "--per-host", "1", "--delay", "0.03")
    wait_until(lambda: len(site_spider.log) > 3)
    refused = crawl_command("resume")
    assert refused.rc == 2
    assert f"is in use by process {running.pid}" in refused.stderr
    assert json.loads(crawl_command("runs", "--json").stdout)["state"] == "running"
    assert crawl_command("pause").rc == 0
    wait_until(lambda: json.loads(crawl_command("status", "--json").stdout)["level"] == "pause")
    before = len(site_spider.log)
    status = wait_until(lambda: _numbers_at_rest(crawl_command))
    assert status["in_flight"] == 0
    assert len(site_spider.log) <= before + 1
    assert crawl_command("go").rc == 0
    wait_until(lambda: len(site_spider.log) > before + 3)
    assert crawl_command("stop").rc == 0
    running.end(10)
    assert running.rc == 143
    assert crawl_command("pause").rc == 2
    ended = crawl_command("status")
    assert (ended.rc, ended.stdout.splitlines()[0].partition(": ")[2]) == (0, "stopped, exit code 143")
    assert crawl_command("resume", "-q").rc == 0
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(PAGES))


def _numbers_at_rest(crawl_command):
    status = json.loads(crawl_command("status", "--json").stdout)
    return status if status.get("in_flight") == 0 else None


def test_a_changed_spider_file_is_told(site_spider, start_crawl, crawl_command, wait_until, tmp_path):
    running = start_crawl("run", "site.py")
    wait_until(lambda: len(site_spider.log) > 5)
    running.signal(signal.SIGINT)
    running.end(10)
    assert running.rc == 130
    (tmp_path / "site.py").write_text((tmp_path / "site.py").read_text() + "\n# changed\n")
    done = crawl_command("resume")
    assert done.rc == 0
    assert "has changed since the run was started" in done.stderr


def test_failed_requests_are_tried_again_on_request(serve, write, crawl_command):
    answers = iter([(500, {}, b"")])
    server = serve({"/good": "<p>x", "/bad": lambda *_: next(answers, (200, {}, b"<p>x"))})
    write(
        "two.py",
        f"""
        start_urls = ["{server.url}/good", "{server.url}/bad"]
        settings = {{"retry.times": 0, "politeness.delay": 0}}

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    first = crawl_command("run", "two.py", "-o", "out.jsonl")
    assert first.rc == 1
    again = crawl_command("resume", "--retry-failed")
    assert "items    2 in" in again.stderr, again.stderr
    assert again.rc == 0, again.stderr
    assert server.paths.count("/good") == 1
    assert server.paths.count("/bad") == 2


def test_what_on_failure_gave_counts_no_more_when_the_request_is_tried_again(serve, write, crawl_command, tmp_path):
    answers = iter([(500, {}, b"")])
    server = serve({"/good": "<p>x", "/bad": lambda *_: next(answers, (200, {}, b"<p>x"))})
    write(
        "two.py",
        f"""
        from crawler import Request, Spider

        class Two(Spider):
            settings = {{"retry.times": 0, "politeness.delay": 0}}

            def start(self):
                for path in ("good", "bad"):
                    yield Request(f"{server.url}/{{path}}", on_failure=self.mourn)

            def parse(self, page):
                yield {{"url": page.url}}

            def mourn(self, failure):
                yield {{"lost": failure.url}}
        """,
    )
    assert crawl_command("run", "two.py", "-o", "out.jsonl").rc == 1
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    again = crawl_command("resume", "--retry-failed")
    assert again.rc == 0, again.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(line["url"] for line in lines) == [f"{server.url}/bad", f"{server.url}/good"]
    assert json.loads(crawl_command("runs", "--json").stdout)["items"] == 2


def test_a_run_that_was_killed_while_it_was_paused_is_paused_until_it_is_told_to_go(
    site_spider, start_crawl, crawl_command, wait_until, tmp_path
):
    running = start_crawl("run", "site.py", "-o", "out.jsonl", "--per-host", "1", "--delay", "0.02")
    wait_until(lambda: len(site_spider.log) > 5)
    assert crawl_command("pause").rc == 0
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not running.living(), 3)
    before = len(site_spider.log)
    resumed = start_crawl("resume")
    wait_until(lambda: "the run is paused; `crawl go` lets it go on" in resumed.stderr)
    wait_until(lambda: crawl_command("status").rc == 0 or resumed.process.poll() is not None)
    status = wait_until(lambda: _numbers_at_rest(crawl_command))
    assert (status["level"], len(site_spider.log)) == ("pause", before)
    assert crawl_command("go").rc == 0
    resumed.end(20)
    assert resumed.rc == 0, resumed.stderr
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(PAGES))


def test_a_killed_run_is_still_logged_in(serve, write, start_crawl, crawl_command, wait_until, tmp_path):
    def page(hit):
        return "<p>x" if "session=yes" in hit.headers.get("Cookie", "") else (403, {}, "log in")

    login = (302, {"Location": "/0", "Set-Cookie": "session=yes; Path=/; HttpOnly"}, "")
    server = serve({"/login": login, "*": page}, latency=0.02)
    write("site.py", SPIDER.format(url=server.url, pages=PAGES).replace(f"{server.url}/0", f"{server.url}/login"))
    running = start_crawl("run", "site.py", "-o", "out.jsonl")
    wait_until(lambda: len(server.log) > 20)
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not running.living(), 3)
    before = len(server.log)
    done = crawl_command("resume")
    assert done.rc == 0, done.stderr
    assert server.paths.count("/login") == 1
    assert server.log[before].headers["Cookie"] == "session=yes"
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(PAGES))


def test_a_run_resumed_while_its_host_rests_goes_on_after_that(
    serve, write, start_crawl, crawl_command, wait_until, tmp_path
):
    server = serve({"*": "<p>x"})
    write("site.py", SPIDER.format(url=server.url, pages=4))
    running = start_crawl("run", "site.py", "-o", "out.jsonl", "--per-host", "1", "--delay", "2")
    wait_until(lambda: (tmp_path / "out.jsonl").exists() and numbers(tmp_path / "out.jsonl"))
    os.kill(running.pid, signal.SIGKILL)
    running.end(10)
    assert crawl_command("resume").rc == 0
    assert server.paths == ["/0", "/1", "/2", "/3"]

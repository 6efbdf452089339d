"""`crawl set`: another terminal changes what a running crawl does, and a resumed one goes on with it."""

import json
import signal
import time
from contextlib import closing

import pytest

from crawler.frontier.ledger import Ledger
from crawler.runs.folder import find


@pytest.fixture
def slow(serve, write, start_crawl, wait_until):
    """A crawl of two hosts that asks each of them once in a minute."""
    server = serve({"*": "<p>x"})
    other = server.url.replace("127.0.0.1", "localhost")
    write(
        "slow.py",
        f"""
        start_urls = [f"{{site}}/{{number}}" for number in range(40) for site in ("{server.url}", "{other}")]
        settings = {{"politeness.delay": 60}}

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    running = start_crawl("run", "slow.py", "-o", "out.jsonl")
    wait_until(lambda: len(server.log) == 2)
    return running, server


def test_a_delay_for_one_host_and_then_for_all(slow, crawl_command, wait_until, tmp_path):
    running, server = slow
    done = crawl_command("set", "politeness.delay=0", "--host", server.host)
    assert done.rc == 0, done.stderr
    assert f"politeness.delay = 0 for {server.host}" in done.stderr
    wait_until(lambda: len(server.log) == 41)  # all of that host, and nothing more of the other one
    assert {hit.headers["Host"] for hit in server.log[2:]} == {server.host}
    assert crawl_command("set", "politeness.delay=0.01").rc == 0
    running.end(10)
    assert (running.rc, len(server.log)) == (0, 80)
    with closing(Ledger(find(None, tmp_path / ".crawl").ledger, read_only=True)) as ledger:
        assert all(0 <= time.time() - at < 60 for *_, at in ledger.get("changes"))
    audited = crawl_command("audit")
    assert audited.rc == 0, audited


def test_a_host_is_understood_as_people_write_it_and_told_if_nothing_of_it_waits(slow, crawl_command, wait_until):
    _, server = slow
    done = crawl_command("set", "politeness.delay=1", "--host", "localhost")
    assert done.rc == 0, done
    assert "politeness.delay = 1 for localhost\n" in done.stderr
    assert "no request of localhost waits in this run now; hosts are named with their port" in done.stderr
    named = server.url.replace("http://127.0.0.1", "HTTP://LocalHost") + "/"
    done = crawl_command("set", "politeness.delay=0", "--host", named)
    assert "waits" not in done.stderr, done
    wait_until(lambda: len(server.log) == 41)


def test_a_resumed_run_goes_on_with_it(slow, crawl_command, wait_until):
    running, server = slow
    assert crawl_command("set", "limits.max_pages=30").rc == 0
    assert crawl_command("set", "politeness.delay=0.2").rc == 0
    wait_until(lambda: len(server.log) > 4)
    running.signal(signal.SIGKILL)
    running.end(10)
    done = crawl_command("resume")
    assert "max_pages reached" in done.stderr
    assert json.loads(crawl_command("runs", "--json").stdout)["pages"] == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["politeness.delay"], "expected SECTION.KEY=VALUE"),
        (["politeness.dely=2"], "did you mean politeness.delay?"),
        (["politeness.delay=soon"], "does not fit"),
        (["politeness.delay=-1"], "too small"),
        (["crawl.workers=4"], "cannot be changed while a crawl runs"),
        (["limits.max_pages=4", "--host", "a.example"], "a setting of the whole crawl"),
        (["politeness.delay=2", "--host", "a.example/films"], "--host 'a.example/films' is no host"),
        (["politeness.delay=2", "--host", ""], "--host '' is no host"),
        (["politeness.delay=2"], "there are no runs"),
    ],
)
def test_what_cannot_be_set_is_told(crawl_command, words, said):
    refused = crawl_command("set", *words)
    assert refused.rc == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr

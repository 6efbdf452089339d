"""`crawl demo`: the first thing anybody runs, so it has to work from an empty folder."""

import re
import shlex
import signal
import socket
import sys
import urllib.request

import pytest


def test_it_crawls_its_own_site_and_shows_the_films(crawl_command):
    done = crawl_command("demo")
    assert done.rc == 0, done
    assert "maoyan: finished" in done.stderr
    assert "maoyan_top100: finished" in done.stderr
    assert "maoyan: 10 films" in done.stdout
    assert "maoyan_top100: 100 films" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_commands_that_it_shows_at_the_end_do_what_it_did(crawl_command, start_crawl, tmp_path, wait_until):
    serving, running = crawl_command("demo").stderr.splitlines()[-2:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    site = start_crawl(*shlex.split(serving.replace("8000", port))[1:])
    wait_until(lambda: "Ctrl-C ends it" in site.stderr)
    done = crawl_command(*shlex.split(running.replace("8000", port))[1:])
    assert done.rc == 0, done
    assert len((tmp_path / "films.jsonl").read_text().splitlines()) == 10


def test_with_a_verification_page_it_ends_with_4(crawl_command):
    done = crawl_command("demo", "--verify")
    assert done.rc == 4
    assert done.stderr.count("verification or ban page") == 2


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_can_serve_the_site_alone_until_a_signal(start_crawl, wait_until, name):
    running = start_crawl("demo", "--serve")
    address = wait_until(lambda: re.search(r"http://127\.0\.0\.1:\d+", running.stderr))[0]
    with urllib.request.urlopen(address + "/board/7", timeout=5) as answer:
        assert "热映口碑榜" in answer.read().decode()
    wait_until(lambda: "Ctrl-C ends it" in running.stderr)
    running.signal(signal.Signals[name])
    running.end(5)
    assert running.rc == 0
    assert "Traceback" not in running.stderr


def test_a_signal_that_was_ignored_when_it_started_does_not_end_it(start_command, wait_until):
    running = start_command("sh", "-c", f"trap '' INT HUP; exec {sys.executable} -m crawler demo --serve")
    wait_until(lambda: "Ctrl-C ends it" in running.stderr)
    running.signal(signal.SIGINT)
    running.signal(signal.SIGHUP)
    assert running.process.poll() is None
    running.signal(signal.SIGTERM)
    running.end(5)
    assert running.rc == 0


def test_ctrl_c_in_the_first_spider_does_not_start_the_second(start_crawl, wait_until):
    running = start_crawl("demo")
    wait_until(lambda: "maoyan.py on that site" in running.stderr)
    running.signal(signal.SIGINT)
    running.end(10)
    assert running.rc == 130
    assert "maoyan_top100" not in running.stderr
    assert "Traceback" not in running.stderr


def test_a_port_that_is_taken_or_none_ends_with_2(crawl_here, site):
    port = site.url.rpartition(":")[2]
    done = crawl_here("demo", "--port", port)
    assert done.rc == 2
    assert done.stderr == (
        f"crawl: the site cannot have port {port}: Address already in use\n  without --port it takes one that is free\n"
    )
    done = crawl_here("demo", "--port", "99999")
    assert done.rc == 2
    assert "99999 is not in the range 0<=x<=65535" in done.stderr

"""`crawl demo`: the first thing anybody runs, so it has to work from an empty folder."""

import re
import signal
import urllib.request


def test_it_crawls_its_own_site_and_shows_the_films(crawl_command):
    done = crawl_command("demo")
    assert done.rc == 0, done
    assert "maoyan: finished" in done.stderr
    assert "maoyan_top100: finished" in done.stderr
    assert "maoyan: 10 films" in done.stdout
    assert "maoyan_top100: 100 films" in done.stdout
    assert "Traceback" not in done.stderr


def test_with_a_verification_page_it_ends_with_4(crawl_command):
    done = crawl_command("demo", "--verify")
    assert done.rc == 4
    assert done.stderr.count("verification or ban page") == 2


def test_it_can_serve_the_site_alone_until_ctrl_c(start_crawl, wait_until):
    running = start_crawl("demo", "--serve")
    address = wait_until(lambda: re.search(r"http://127\.0\.0\.1:\d+", running.stderr))[0]
    with urllib.request.urlopen(address + "/board/7", timeout=5) as answer:
        assert "热映口碑榜" in answer.read().decode()
    running.signal(signal.SIGINT)
    running.end(5)
    assert running.rc in (0, 130)
    assert "Traceback" not in running.stderr

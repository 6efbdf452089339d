"""`crawl bench`: for people, for programs, and what cannot be measured."""

import json


def test_people_see_figures(crawl_here):
    done = crawl_here("bench", "--pages", "20", "--hosts", "2", "--runs", "1", "--pool", "thread")
    assert done.rc == 0, done.stderr
    first, speed, *_, last = done.stdout.splitlines()
    assert first == "20 pages of 25 KB on 2 hosts; all were fetched once, and every item is right"
    assert speed.startswith("  pages/s  ")
    assert last == "(median of 1; the site takes its share of the same cores)"


def test_programs_get_one_json_object(crawl_here):
    options = [
        "--latency",
        "0.01",
        "--workers",
        "1",
        "--per-host",
        "2",
        "--parse-in",
        "pool",
        "-s",
        "crawl.pool=thread",
    ]
    done = crawl_here("bench", "--pages", "7", "--runs", "2", "--json", *options)
    assert done.rc == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["pages"], told["hosts"], told["latency"], len(told["runs"])) == (7, 1, 0.01, 2)
    assert told["options"] == ["-s", "crawl.pool=thread", *options[2:4], "--parse-in", "pool", "--per-host", "2"]
    assert told["median"]["pages_per_second"] > 0


def test_what_cannot_be_meant_is_told(crawl_here):
    done = crawl_here("bench", "--pages", "10", "--hosts", "3")
    assert (done.rc, done.stdout) == (2, "")
    assert "10 pages cannot be shared equally by 3 hosts" in done.stderr
    assert "--pages 9" in done.stderr


def test_a_crawl_that_fails_is_told_and_so_is_why(crawl_here):
    done = crawl_here("bench", "--pages", "3", "--runs", "1", "-s", "fetch.nothing=1")
    assert done.rc == 6
    assert "fetch.nothing" in done.stderr
    assert "the crawl ended with exit code 2" in done.stderr

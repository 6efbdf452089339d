"""`crawl runs`: every run is listed, whatever has become of its ledger."""

import json


def test_a_broken_ledger_is_listed_as_broken_and_the_others_as_they_are(broken_run, crawl_here):
    folder, said = broken_run
    listed = crawl_here("runs")
    assert listed.rc == 0, listed
    _, broken, whole = (line.split() for line in listed.stdout.splitlines())
    assert (broken[0], broken[1], broken[-1]) == ("many", "broken", str(folder))
    assert whole[2:5] == ["stopped", "3", "3"]
    told = [json.loads(line) for line in crawl_here("runs", "--json").stdout.splitlines()]
    assert [one["state"] for one in told] == ["broken", "stopped"]
    assert said in told[0]["reason"]


def test_nothing_to_list(crawl_here):
    done = crawl_here("runs")
    assert (done.rc, done.stdout, done.stderr) == (0, "", "there are no runs in .crawl\n")


def test_runs_that_ended_by_a_limit_are_pruned_and_those_that_broke_are_not(films, crawl_here, tmp_path):
    (tmp_path / "full.csv").symlink_to("/dev/full")
    command = ("run", films, "-a", "pages=3", "--max-pages", "1", "--pool", "inline", "-q")
    assert crawl_here(*command, "-o", "full.csv").rc == 5
    for _ in range(3):
        assert crawl_here(*command).rc == 0
    listed = [json.loads(line) for line in crawl_here("runs", "--json").stdout.splitlines()]
    assert [run["state"] for run in listed] == ["stopped"] * 4
    pruned = crawl_here("runs", "--prune", "1", "--json")
    left = [json.loads(line)["path"] for line in pruned.stdout.splitlines()]
    assert left == [listed[0]["path"], listed[3]["path"]]


def test_a_new_run_makes_room_among_those_that_ended_by_a_limit(films, crawl_here):
    for _ in range(4):
        crawl_here("run", films, "--max-pages", "1", "-s", "run.keep=2", "--pool", "inline", "-q")
    assert len(crawl_here("runs", "--json").stdout.splitlines()) == 3  # two, and the one that was about to run

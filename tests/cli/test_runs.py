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

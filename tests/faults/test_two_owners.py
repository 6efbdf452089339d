"""Two processes on one run: the second one is refused, and the first one does not notice."""


def test_a_run_has_one_process_at_a_time(crawl_of):
    crawl = crawl_of()
    running = crawl.started("--delay", "0.005", pages=30)
    folder = crawl.ledger.parent
    refused = [crawl.start("resume"), crawl.start("resume", folder), crawl.run("--run-dir", folder)]
    for second, told in zip(
        refused, ["is in use by process", "is in use by process", "holds a run already"], strict=True
    ):
        assert crawl.end(second) == 2
        assert told in second.stderr
    assert f"is in use by process {running.pid}" in refused[0].stderr
    assert running.process.poll() is None
    assert crawl.end(running) == 0, running.stderr
    crawl.account("a second process on the same run", len(refused), 0, running.rc)

"""A folder of runs that cannot be written is told before anything is fetched."""


def test_a_folder_of_runs_that_is_read_only(crawl_of, mount):
    crawl = crawl_of(pages=20)
    mount(crawl.folder / ".crawl", "ro", "size=64k")
    running = crawl.run()
    code = crawl.end(running)
    assert code == 5
    assert running.stderr.startswith("crawl: cannot make the folder of the run in .crawl")
    assert "--run-dir" in running.stderr
    assert not crawl.server.log
    elsewhere = crawl.run("--run-dir", "elsewhere")
    assert crawl.end(elsewhere) == 0, elsewhere.stderr
    crawl.account("folder of runs read-only; then another one", 1, 0, code)

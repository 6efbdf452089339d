"""`crawl resume`: what it refuses to go on with. How it goes on is shown in tests/walk/test_resume.py."""

import signal
from contextlib import closing

import pytest

from crawler.frontier.ledger import Ledger


def test_a_broken_ledger_is_refused_with_what_to_do(broken_run, crawl_here):
    folder, said = broken_run
    done = crawl_here("resume", str(folder))
    assert done.rc == 2, done
    first, hint = done.stderr.splitlines()
    assert first.startswith(f"crawl: {folder.absolute()}/ledger.db {said}")
    assert "crawl run" in hint


def test_items_of_a_damaged_ledger_can_still_be_written(films, crawl_here, tmp_path):
    crawl_here("run", films, "-a", "pages=10", "--run-dir", "kept", "--pool", "inline", "-q")
    ledger = tmp_path / "kept" / "ledger.db"
    data = ledger.read_bytes()
    page = data.index(b"/board/4?offset=90") // 4096 * 4096  # the table of requests
    ledger.write_bytes(data[:page] + bytes(4096) + data[page + 4096 :])
    assert crawl_here("resume", "kept").rc == 2
    assert crawl_here("export", "kept", "-o", "saved.jsonl").rc == 0
    assert len((tmp_path / "saved.jsonl").read_text().splitlines()) == 100


def test_killed_while_it_tries_failed_requests_again_it_is_not_finished(
    serve, write, start_crawl, crawl_here, wait_until
):
    server = serve({"/": (500, {}, "")})
    write(
        "down.py",
        f"""
        start_urls = ["{server.url}/"]
        settings = {{"retry.times": 0, "politeness.delay": 0}}

        def parse(page):
            yield {{"at": page.url}}
        """,
    )
    assert crawl_here("run", "down.py", "--run-dir", "kept", "--pool", "inline", "-q").rc == 1
    assert "is finished" in crawl_here("resume", "kept").stderr
    server.routes["/"] = lambda hit: str(server.over.wait(20))
    running = start_crawl("resume", "kept", "--retry-failed", "-q")
    wait_until(lambda: len(server.log) == 2)
    running.signal(signal.SIGKILL)
    running.end(10)
    server.routes["/"] = "<p>x"
    assert "items    1\n" in crawl_here("resume", "kept").stderr


@pytest.fixture
def two_steps(serve, write):
    """A spider of one start page and ten films, that ends after one page; `write_as(name)` renames its callback."""
    server = serve({"/": "<p>x", "*": "<p>film"})

    def write_as(callback):
        return write(
            "steps.py",
            f"""
            from crawler import Request, Spider

            class Steps(Spider):
                start_urls = ["{server.url}/"]
                settings = {{"politeness.delay": 0, "limits.max_pages": 1}}

                def parse(self, page):
                    for number in range(10):
                        yield page.follow(f"/film/{{number}}", callback=self.{callback})
                    yield {{"at": page.url}}

                def {callback}(self, page):
                    yield {{"at": page.url}}
            """,
        )

    write_as("film")
    return server, write_as


def test_a_callback_that_is_gone_is_told_before_anything_is_fetched(two_steps, crawl_command):
    server, write_as = two_steps
    assert crawl_command("run", "steps.py", "--run-dir", "kept", "--pool", "inline", "-q").rc == 0
    write_as("movie")
    done = crawl_command("resume", "kept")
    assert done.rc == 2, done
    assert "spider steps has no callback 'film', and 10 waiting requests want it" in done.stderr
    assert len(server.log) == 1


def test_a_run_that_ended_by_a_limit_goes_on_with_a_higher_one_and_keeps_it(two_steps, crawl_here):
    server, _ = two_steps
    crawl_here("run", "steps.py", "--run-dir", "kept", "--pool", "inline", "-q")
    told = crawl_here("resume", "kept")
    assert (told.rc, len(server.log)) == (0, 1), told
    assert "limits.max_pages = 1 is reached already" in told.stderr
    assert "crawl resume -s limits.max_pages=N kept\n" in told.stderr
    done = crawl_here("resume", "-s", "limits.max_pages=5", "-s", "politeness.per_host=2", "kept")
    assert (done.rc, len(server.log)) == (0, 5), done
    assert "reached already" not in done.stderr
    assert "limits.max_pages = 5 is reached already" in crawl_here("resume", "kept").stderr
    assert crawl_here("resume", "-s", "limits.max_pages=0", "kept").rc == 0
    assert len(server.log) == 11
    assert "is finished" in crawl_here("resume", "kept").stderr


def test_a_limit_given_to_resume_wins_over_one_that_was_set_before(two_steps, crawl_here, tmp_path):
    server, _ = two_steps
    crawl_here("run", "steps.py", "--run-dir", "kept", "--pool", "inline", "-q")
    changes = [["limits.max_pages", 2, ""], ["politeness.delay", 0.0, server.host]]
    with closing(Ledger(tmp_path / "kept" / "ledger.db")) as ledger:
        ledger.set("changes", changes)
        ledger.commit()
    assert crawl_here("resume", "-s", "limits.max_pages=4", "kept").rc == 0
    assert len(server.log) == 4
    with closing(Ledger(tmp_path / "kept" / "ledger.db")) as ledger:
        assert ledger.get("changes") == changes[1:]


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("limits.max_pages", "expected section.key=value"),
        ("limits.max_page=3", "there is no setting"),
        ("limits.max_pages=-3", "is too small"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_goes_on(assignment, said, two_steps, crawl_here):
    server, _ = two_steps
    crawl_here("run", "steps.py", "--run-dir", "kept", "--pool", "inline", "-q")
    done = crawl_here("resume", "-s", assignment, "kept")
    assert (done.rc, len(server.log)) == (2, 1), done
    assert said in done.stderr


def test_a_file_that_a_later_run_has_written_is_not_replaced(two_steps, crawl_here, tmp_path):
    run = ["run", "steps.py", "-o", "films.jsonl", "-q", "--pool", "inline"]
    assert crawl_here(*run).rc == 0
    first = next((tmp_path / ".crawl/steps").iterdir())
    assert crawl_here(*run, "-s", "limits.max_pages=3", "--append").rc == 0
    later = (tmp_path / "films.jsonl").read_bytes()
    done = crawl_here("resume", first, "-s", "limits.max_pages=100")
    assert done.rc == 2
    assert "films.jsonl was written by a later run, .crawl/steps/" in done.stderr
    assert (tmp_path / "films.jsonl").read_bytes() == later
    (tmp_path / "films.jsonl").rename(tmp_path / "others.jsonl")
    assert crawl_here("resume", first, "-s", "limits.max_pages=100", "-q").rc == 0
    assert len((tmp_path / "films.jsonl").read_bytes().splitlines()) == 11


def test_a_finished_run_is_told_with_the_one_that_is_not(two_steps, crawl_here, films, tmp_path):
    assert crawl_here("run", "steps.py", "-q", "--pool", "inline").rc == 0
    stopped = next((tmp_path / ".crawl/steps").iterdir()).relative_to(tmp_path)
    assert crawl_here("run", films, "-q", "--pool", "inline").rc == 0
    done = crawl_here("resume", "films")
    assert (done.rc, f"  crawl resume {stopped} goes on with the latest that is not" in done.stderr) == (2, True), done

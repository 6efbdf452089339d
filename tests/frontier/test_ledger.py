"""The ledger: what was found, what became of it, what was read; and that it is whole whenever the process dies."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from crawler.errors import OutputError, UsageError
from crawler.frontier.ledger import Ledger
from crawler.frontier.tables import VERSION
from crawler.request import Request

URL = "https://films.example/1"
RICH = Request(
    URL + "?rich",
    callback="film",
    on_failure="failed",
    method="POST",
    headers={"X-A": "1"},
    body=b"\x00\xff",
    data={"rank": [1, None]},
    priority=-3,
    depth=4,
    cookies={"a": "b"},
    jar="session",
    timeout=2.5,
    spider=1,
    parent_row=7,
    attempts=1,
    hops=("https://films.example/old",),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def waiting(ledger, host="films.example", after=(10**9, 0), most=100):
    return ledger.waiting(host, after, most)


def test_a_request_comes_back_as_it_was(path):
    first = Ledger(path)
    plain, rich = first.add(Request(URL)), first.add(RICH)
    assert (plain.row, rich.row) == (1, 2)
    first.commit()
    first.close()
    second = Ledger(path)
    assert [request for request, _ in waiting(second)] == [plain, rich]
    assert second.add(Request(URL + "/next")).row == 3
    second.close()


def test_what_was_not_committed_is_gone(path):
    ledger = Ledger(path)
    ledger.add(Request(URL))
    ledger.close()
    again = Ledger(path)
    assert again.count() == {}
    again.close()


def test_requests_wait_in_the_order_of_their_priority_and_then_as_found(path):
    ledger = Ledger(path)
    rows = [ledger.add(Request(f"{URL}/{number}", priority=number % 3)).row for number in range(7)]
    ledger.commit()
    order = [request.row for request, _ in waiting(ledger)]
    assert order == [rows[2], rows[5], rows[1], rows[4], rows[0], rows[3], rows[6]]
    assert [request.row for request, _ in waiting(ledger, after=(1, rows[1]), most=2)] == [rows[4], rows[0]]
    ledger.close()


def test_hosts_that_have_something_waiting_are_told_one_after_the_other(path):
    ledger = Ledger(path)
    for host in ("b.example", "a.example", "c.example", "a.example:81"):
        for number in range(3):
            last = ledger.add(Request(f"https://{host}/{number}"))
    ledger.commit()
    assert ledger.hosts_waiting("", 10) == ["a.example", "a.example:81", "b.example", "c.example"]
    assert ledger.hosts_waiting("a.example", 2) == ["a.example:81", "b.example"]
    ledger.end(last, "done")
    ledger.commit()
    assert len(ledger.hosts_waiting("", 10)) == 4
    ledger.close()


def test_a_finished_request_does_not_wait_any_more(path):
    ledger = Ledger(path)
    done, failed, blocked = (ledger.add(Request(f"{URL}/{number}")) for number in range(3))
    ledger.end(done, "done")
    ledger.end(failed, "failed", "timeout: no end after 60 s")
    ledger.end(blocked, "blocked", "blocked: verification page")
    ledger.commit()
    assert waiting(ledger) == []
    assert ledger.count() == {"done": 1, "failed": 1, "blocked": 1}
    ledger.close()


def test_a_request_that_goes_on_keeps_its_row(path):
    ledger = Ledger(path)
    request = ledger.add(Request(URL, data={"rank": 1}))
    ledger.again(request.replace(attempts=1), 100.0)
    ledger.commit()
    ((found, wait),) = waiting(ledger)
    assert found == request.replace(attempts=1)
    assert 90 < wait <= 100
    hop = request.replace(url="https://other.example/", hops=(URL,), attempts=0)
    ledger.again(hop)
    ledger.commit()
    assert waiting(ledger) == []
    assert waiting(ledger, "other.example") == [(hop, 0.0)]
    assert ledger.count() == {"waiting": 1}
    ledger.close()


def test_a_refused_request_is_written_once_and_waits_when_it_is_found_again(path):
    ledger = Ledger(path)
    deep = Request(URL, depth=9)
    ledger.drop(deep, "depth: 9 is more than limits.max_depth = 3")
    ledger.drop(deep, "depth: 9 is more than limits.max_depth = 3")
    ledger.commit()
    assert ledger.count() == {"dropped": 1}
    assert b"".join(ledger.fingerprints()) == b""
    near = ledger.add(Request(URL, depth=2))
    ledger.commit()
    assert waiting(ledger) == [(near, 0.0)]
    ledger.drop(deep, "depth: again")
    ledger.commit()
    assert ledger.count() == {"waiting": 1}
    ledger.close()


def test_all_that_counts_as_seen_is_told(path):
    ledger = Ledger(path)
    requests = [ledger.add(Request(f"{URL}/{number}")) for number in range(5)]
    ledger.end(requests[0], "done")
    hop = requests[1].replace(url="https://other.example/", hops=(requests[1].url,))
    ledger.again(hop)
    ledger.commit()
    new = ledger.add(Request(f"{URL}/new"))
    late = requests[2].replace(url="https://late.example/", hops=(requests[2].url,))
    ledger.again(late)  # neither is committed: a room that is lost just now has to know them all the same
    seen = b"".join(ledger.fingerprints(chunk=2))
    told = {seen[start : start + 8] for start in range(0, len(seen), 8)}
    assert told == {request.fingerprint for request in [*requests, hop, new, late]}
    ledger.close()


def test_two_requests_that_insist_on_one_url_are_two(path):
    ledger = Ledger(path)
    plain = ledger.add(Request(URL))
    again = [ledger.add(Request(URL, again=True)) for _ in range(2)]
    ledger.commit()
    assert [request.row for request, _ in waiting(ledger)] == [plain.row, *(request.row for request in again)]
    ledger.close()


def test_items_are_numbered_through(path):
    ledger = Ledger(path)
    request = ledger.add(Request(URL))
    ledger.store(request, [b'{"a":1}', b'{"a":2}'])
    ledger.commit()
    ledger.store(request.replace(spider=1), [b'{"a":3}'])
    ledger.commit()
    assert ledger.last_item == 3
    assert list(ledger.items_after(1)) == [(2, b'{"a":2}'), (3, b'{"a":3}')]
    assert list(ledger.items_after(0, spider=1)) == [(3, b'{"a":3}')]
    ledger.close()
    with closing(Ledger(path)) as again:
        assert again.last_item == 3


def test_values_marks_and_hosts_are_kept(path):
    ledger = Ledger(path)
    ledger.set("settings", {"delay": 1})
    ledger.set("settings", {"delay": 2})
    ledger.mark("x.jsonl", {"position": 5}, 3)
    ledger.rest_host("films.example", 100.0)
    ledger.rest_host("rested.example", 0.0)
    assert ledger.get("settings") is None
    ledger.commit()
    assert ledger.get("settings") == {"delay": 2}
    assert ledger.get("nothing", 7) == 7
    assert ledger.marks() == {"x.jsonl": ({"position": 5}, 3)}
    ((host, pause),) = ledger.resting_hosts().items()
    assert host == "films.example"
    assert 90 < pause <= 100
    ledger.close()


def test_failed_requests_can_be_tried_again(path):
    ledger = Ledger(path)
    request = ledger.add(Request(URL, attempts=2))
    ledger.end(request, "failed", "timeout")
    ledger.commit()
    assert ledger.retry_failed() == 1
    assert waiting(ledger) == [(request.replace(attempts=0), 0.0)]
    ledger.close()


def test_keys_of_items_are_known_from_when_they_are_stored_on(path):
    ledger = Ledger(path)
    page = ledger.add(Request(URL))
    assert not ledger.has_key(-5)
    ledger.store(page, [b"{}"], keys=(-5, 2**63 - 1))
    assert ledger.has_key(-5)
    ledger.commit()
    ledger.close()
    ledger = Ledger(path)
    assert ledger.has_key(-5)
    assert ledger.has_key(2**63 - 1)
    assert not ledger.has_key(5)
    ledger.close()


def test_keys_that_are_not_committed_are_not_kept(path):
    ledger = Ledger(path)
    ledger.store(ledger.add(Request(URL)), [b"{}"], keys=(1,))
    ledger.close()
    ledger = Ledger(path)
    assert not ledger.has_key(1)
    ledger.close()


def test_items_of_a_request_that_is_tried_again_give_their_keys_back(path):
    ledger = Ledger(path)
    failed, done = ledger.add(Request(URL)), ledger.add(Request(URL + "2"))
    ledger.store(failed, [b"{}"], keys=(1,))
    ledger.store(done, [b"{}"], keys=(2,))
    ledger.end(failed, "failed", "timeout")
    ledger.end(done, "done")
    ledger.commit()
    ledger.retry_failed()
    assert (ledger.has_key(1), ledger.has_key(2)) == (False, True)
    ledger.close()


def test_a_clock_that_was_set_makes_nothing_wait_longer_than_it_was_meant_to(path, monkeypatch):
    ledger = Ledger(path)
    request = ledger.add(Request(URL))
    ledger.again(request, 60.0)
    ledger.rest_host("films.example", 30.0)
    ledger.commit()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    assert waiting(ledger)[0][1] == 60.0
    assert ledger.resting_hosts() == {"films.example": 30.0}
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    assert waiting(ledger)[0][1] == 0.0
    assert ledger.resting_hosts() == {}
    ledger.close()


def test_requests_know_on_which_page_they_were_found(path):
    ledger = Ledger(path)
    page = ledger.add(Request(URL))
    ledger.add(Request(f"{URL}/2", parent_row=page.row))
    ledger.again(page.replace(url=f"{URL}/moved", hops=(URL,)))
    ledger.commit()
    assert [found.parent for found, _ in waiting(ledger)] == ["", f"{URL}/moved"]
    ledger.close()


def test_with_nothing_new_nothing_is_written(path):
    ledger = Ledger(path)
    before = path.stat().st_mtime_ns, ledger._db.total_changes
    ledger.commit()
    assert (path.stat().st_mtime_ns, ledger._db.total_changes) == before
    ledger.close()


def test_a_ledger_of_another_version_is_refused(path):
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(UsageError, match=f"version 99, this crawler writes version {VERSION}"):
        Ledger(path)


def test_a_file_that_is_no_ledger_is_refused(path):
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(UsageError):
        Ledger(path)


def test_a_file_of_another_program_is_refused(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()
    with pytest.raises(UsageError, match="not a whole ledger: it is empty, or from another program"):
        Ledger(path)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.close()
    with pytest.raises(UsageError, match="not a whole ledger: no such table"):
        Ledger(path, read_only=True)


def test_damage_in_the_middle_is_found_by_the_check_and_told_by_whoever_reads_there(path):
    ledger = Ledger(path)
    for number in range(5000):
        ledger.add(Request(f"{URL}/{number}"))
    ledger.commit()
    ledger.check()
    ledger.close()
    data = path.read_bytes()
    middle = len(data) // 2 // 4096 * 4096
    path.write_bytes(data[:middle] + bytes(40_960) + data[middle + 40_960 :])
    damaged = Ledger(path)
    for read in (
        damaged.check,
        damaged.count,
        lambda: list(damaged.fingerprints()),
        lambda: waiting(damaged, most=9999),
    ):
        with pytest.raises(UsageError, match="not a whole ledger") as told:
            read()
        assert "crawl export" in told.value.hint
    damaged.close()
    path.write_bytes(data[:middle])
    with pytest.raises(UsageError, match="not a whole ledger"), closing(Ledger(path)) as cut:
        cut.check()


def test_values_that_are_no_json_are_damage(path):
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO meta VALUES ('record', '{')")
    db.close()
    with pytest.raises(UsageError, match="not a whole ledger"), closing(Ledger(path)) as ledger:
        ledger.get("record")


def test_a_file_without_anything_in_it_was_going_to_be_a_ledger(path):
    path.touch()
    ledger = Ledger(path)
    assert ledger.get("record") is None
    ledger.close()


def test_a_ledger_that_cannot_be_written_is_an_output_error(path):
    ledger = Ledger(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger._db.execute("PRAGMA busy_timeout = 10")
    ledger.add(Request(URL))
    with pytest.raises(OutputError, match="locked"):
        ledger.commit()
    other.execute("ROLLBACK")
    other.close()
    ledger.commit()  # what failed is still there
    assert ledger.count() == {"waiting": 1}
    ledger.close()


def test_a_kill_at_any_moment_leaves_whole_transactions(path):
    """Each transaction adds a request, ends the one before and stores its item: killed anywhere, they fit."""
    writer = (
        "import sys; from pathlib import Path\n"
        "from crawler.frontier.ledger import Ledger; from crawler.request import Request\n"
        "ledger = Ledger(Path(sys.argv[1])); last = None\n"
        "for number in range(10**9):\n"
        "    request = ledger.add(Request(f'https://films.example/{ledger._next_row}'))\n"
        "    if last: ledger.end(last, 'done'); ledger.store(last, [b'{}'])\n"
        "    ledger.commit(); last = request\n"
    )
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", writer, str(path)])
        before = path.stat().st_size if path.exists() else 0
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (not path.exists() or _items(path) <= before % 50 + 5):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        ledger = Ledger(path)
        counts = ledger.count()
        assert sum(1 for _ in ledger.items_after(0)) == counts.get("done", 0) > 0
        assert ledger._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ledger.close()


def _items(path):
    try:
        with sqlite3.connect(path) as db:
            return db.execute("SELECT count(*) FROM items").fetchone()[0]
    except sqlite3.Error:
        return 0
    finally:
        if "db" in locals():
            db.close()


def test_cookies_are_there_again_as_they_were_last_set(path):
    first = Ledger(path)
    first.keep_cookie("", "films.example", "/", "session", '{"value": "1"}')
    first.keep_cookie("two", "films.example", "/", "session", '{"value": "2"}')
    first.keep_cookie("", "films.example", "/", "theme", "{}")
    first.commit()
    first.keep_cookie("", "films.example", "/", "session", '{"value": "3"}')
    first.keep_cookie("", "films.example", "/", "theme", None)
    first.commit()
    first.keep_cookie("", "films.example", "/", "lost", "{}")
    first.close()
    second = Ledger(path)
    assert sorted(second.cookies()) == [("", '{"value": "3"}'), ("two", '{"value": "2"}')]
    second.close()


def test_a_cookie_that_is_set_and_taken_back_before_a_commit_is_gone(path):
    ledger = Ledger(path)
    ledger.keep_cookie("", "films.example", "/", "a", "{}")
    ledger.keep_cookie("", "films.example", "/", "a", None)
    ledger.commit()
    assert ledger.cookies() == []
    ledger.close()


def test_items_of_a_page_are_remembered_also_after_a_commit(tmp_path):
    with closing(Ledger(tmp_path / "ledger.db")) as ledger:
        stored = ledger.add(Request("http://a.example/"))
        ledger.remember(stored.row, '"1"', None, 5)
        ledger.commit()  # before the page was read
        ledger.store(stored, [b"{}"], bytes(16))
        ledger.commit()
        assert ledger.select("SELECT * FROM pages") == [(stored.row, '"1"', None, 5, bytes(16))]


def test_the_hosts_of_starts_are_those_that_were_asked_for_not_those_they_led_to(path):
    with closing(Ledger(path)) as ledger:
        ledger.add(Request("http://a.example/1"))
        ledger.add(Request("http://a.example/2"))
        moved = ledger.add(Request("http://b.example:81/"))
        ledger.again(moved.replace(url="http://inside.example/", hops=("http://b.example:81/",)))
        ledger.add(Request("http://found.example/", depth=1, parent_row=1))
        ledger.commit()
        assert ledger.start_hosts() == {"a.example", "b.example:81"}


def test_what_a_host_allows_is_kept(path):
    with closing(Ledger(path)) as ledger:
        assert ledger.robots("http://a.example") is None
        ledger.keep_robots("http://a.example", 5.0, b"User-agent: *")
        ledger.keep_robots("http://b.example", 6.0, None)
        assert ledger.robots("http://a.example") == (5.0, b"User-agent: *")
        ledger.commit()
    with closing(Ledger(path)) as ledger:
        assert ledger.robots("http://a.example") == (5.0, b"User-agent: *")
        assert ledger.robots("http://b.example") == (6.0, None)

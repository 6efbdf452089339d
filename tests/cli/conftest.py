"""What the tests of the command share: a spider in the folder they run in."""

import sqlite3

import pytest

from crawler.frontier.tables import VERSION


def _zeros(path):
    data = path.read_bytes()
    middle = len(data) // 2 // 4096 * 4096
    path.write_bytes(data[:middle] + bytes(16_384) + data[middle + 16_384 :])


def _truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _text(path):
    path.write_text("these are the notes of somebody\n" * 200)


def _version(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def _of_another_program(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()


DAMAGE = {
    "zeros in the middle": (_zeros, "is not a whole ledger"),
    "truncated": (_truncated, "is not a whole ledger"),
    "a text file": (_text, "is not a whole ledger: file is not a database"),
    "version 99": (_version, f"is a ledger of version 99, this crawler writes version {VERSION}"),
    "of another program": (_of_another_program, "is not a whole ledger: it is empty, or from another program"),
}


@pytest.fixture(params=DAMAGE)
def broken_run(request, write, crawl_here, serve, tmp_path):
    """A run whose ledger is broken, beside a whole one: its folder, and what is said of it."""
    server = serve({"*": "".join(f'<a href="/{n}">' for n in range(1500))})
    write("many.py", f"""
        start_urls = ["{server.url}/"]
        settings = {{"politeness.delay": 0, "limits.max_pages": 3}}

        def parse(page):
            yield {{"at": page.url}}
            yield from (page.follow(link) for link in page.links())
    """)  # fmt: skip
    for name in ("20240101-000001", "20240101-000002"):
        assert crawl_here("run", "many.py", "--run-dir", f".crawl/many/{name}", "--pool", "inline", "-q").rc == 0
    damage, said = DAMAGE[request.param]
    folder = tmp_path / ".crawl" / "many" / "20240101-000001"
    damage(folder / "ledger.db")
    return folder.relative_to(tmp_path), said

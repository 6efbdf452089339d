"""Every format written by one crawl that is killed in the middle and resumed, and read by a reader of other people."""

import csv
import gzip
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import pytest
from lxml import etree

from tests.export.postgres import PASSWORD

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PAGES = 80

SPIDER = """
from crawler import Spider


class Films(Spider):
    name = "films"
    start_urls = ["{url}/0"]
    settings = {{"politeness": {{"per_host": 4, "delay": 0}}}}

    def parse(self, page):
        number = int(page.url.rsplit("/", 1)[1])
        film = {{"number": number, "title": f"霸王别姬 <{{number}}> & \\"mehr\\" ]]>", "score": number / 4}}
        film["seen"] = number % 2 == 0
        film["stars"] = ["张国荣", str(number)][: number % 3]
        if number > 30:
            film["late"] = number * 1_000_000_007  # a field that comes up later
        yield film
        for child in (2 * number + 1, 2 * number + 2):
            if child < {pages}:
                yield page.follow(f"/{{child}}")
"""

LOCAL = (
    "out.jsonl", "out.jsonl.gz", "out.jsonl.zst", "out.json", "out.json.gz", "out.csv", "out.csv.zst", "out.txt",
    "out.xml", "out.sqlite", "part-%(batch)03d.jsonl",
)  # fmt: skip


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.release()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"<p>x")

    def log_message(self, format, *args):
        pass


@contextmanager
def site():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        server.asked = threading.Semaphore(0)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def fixture_or_none(request, name):
    try:
        return request.getfixturevalue(name)
    except pytest.skip.Exception:
        return None


@pytest.fixture(scope="module")
def crawl(request, tmp_path_factory):
    """A crawl into all outputs that was killed in its middle and resumed: its folder, and what it said."""
    folder = tmp_path_factory.mktemp("killed")
    outputs = list(LOCAL)
    for library, output in (("pyarrow", "out.parquet"), ("sqlalchemy", "sqlite:///by_url.db#films")):
        if find_spec(library):
            outputs.append(output)
    environment = dict(os.environ)
    if s3 := fixture_or_none(request, "s3"):
        environment |= s3.environment
        outputs.append("s3://bucket/killed/out.csv")
    given_again = []
    if postgres := fixture_or_none(request, "postgres"):
        outputs.append(f"{postgres}#films")
        given_again = ["-o", outputs[-1]]
    command = [sys.executable, "-m", "crawler"]
    options = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with site() as server:
        address = "http://{}:{}".format(*server.server_address)
        (folder / "films.py").write_text(SPIDER.format(url=address, pages=PAGES), encoding="utf-8")
        named = [part for output in outputs for part in ("-o", output)]
        more = ["--batch-items", "25", "--format", "{number}|{title}|{stars}"]
        running = subprocess.Popen([*command, "run", "films.py", *named, *more], **options)
        for _ in range(PAGES // 2):
            assert server.asked.acquire(timeout=20)
        running.kill()
        told = running.communicate(timeout=20)[1]
        before = (folder / "out.jsonl").read_text(encoding="utf-8").count("\n")
        resumed = subprocess.run([*command, "resume", *given_again], **options, timeout=60)
    told += resumed.stderr
    assert resumed.returncode == 0, told
    assert running.returncode == -signal.SIGKILL
    assert 0 < before < PAGES, "it was not killed in the middle"
    return folder, told


def unpacked(path):
    data = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            return zstd.decompress(data)
    return data


def from_jsonl(path):
    return [json.loads(line) for line in unpacked(path).decode().split("\n")[:-1]]


def from_json(path):
    return json.loads(unpacked(path))


def from_text(rows):
    """Rows of nothing but text, as items: what is empty is missing."""
    return [{name: reading[name](text) for name, text in row.items() if text} for row in rows]


def film(values):
    """An item out of a row in which what is missing is None, and lists may be JSON text."""
    found = {name: value for name, value in values.items() if value is not None and not name.startswith("_")}
    if isinstance(found.get("stars"), str):
        found["stars"] = json.loads(found["stars"])
    return found | {"seen": bool(found["seen"])}


reading = {"number": int, "late": int, "title": str, "score": float, "seen": json.loads, "stars": json.loads}


def from_csv(path):
    return from_text(csv.DictReader(io.StringIO(unpacked(path).decode(), newline="")))


def from_xml(path):
    def value(field):
        return json.dumps([one.text for one in field]) if field.tag == "stars" else field.text

    return from_text({field.tag: value(field) for field in item} for item in etree.parse(path).getroot())


def from_sqlite(path, table="items"):
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [film(dict(row)) for row in db.execute(f"SELECT * FROM {table} ORDER BY _item")]


def from_parquet(path):
    parquet = pytest.importorskip("pyarrow.parquet")
    return [film(row) for row in parquet.read_table(path).to_pylist()]


def from_batches(path):
    sizes = [from_jsonl(one) for one in sorted(path.parent.glob("part-*.jsonl"))]
    assert [len(one) for one in sizes] == [25, 25, 25, PAGES - 75]
    return [item for one in sizes for item in one]


READERS = {
    "out.jsonl.gz": from_jsonl,
    "out.jsonl.zst": from_jsonl,
    "out.json": from_json,
    "out.json.gz": from_json,
    "out.csv": from_csv,
    "out.csv.zst": from_csv,
    "out.xml": from_xml,
    "out.sqlite": from_sqlite,
    "out.parquet": from_parquet,
    "part-%(batch)03d.jsonl": from_batches,
    "by_url.db": lambda path: from_sqlite(path, "films"),
}


def test_every_item_is_there_once(crawl):
    folder, _ = crawl
    assert sorted(item["number"] for item in from_jsonl(folder / "out.jsonl")) == list(range(PAGES))


@pytest.mark.parametrize("name", READERS)
def test_every_format_has_the_same_items_in_the_same_order(crawl, name):
    folder, _ = crawl
    if not list(folder.glob(name.replace("%(batch)03d", "*"))):
        pytest.skip("the library that writes it is missing")
    assert READERS[name](folder / name) == from_jsonl(folder / "out.jsonl")


def test_lines_of_text_too(crawl):
    folder, _ = crawl
    expected = [
        f"{item['number']}|{item['title']}|{json.dumps(item['stars'], ensure_ascii=False, separators=(',', ':'))}"
        for item in from_jsonl(folder / "out.jsonl")
    ]
    assert (folder / "out.txt").read_text(encoding="utf-8").splitlines() == expected


def test_a_table_of_a_real_postgresql_server_too(crawl, postgres):
    import sqlalchemy as sa

    folder, _ = crawl
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM films ORDER BY _item")).mappings().all()
        types = {column["name"]: str(column["type"]) for column in sa.inspect(connection).get_columns("films")}
    assert [film(dict(row)) for row in rows] == from_jsonl(folder / "out.jsonl")
    assert [types[name] for name in ("number", "late", "title", "score", "seen", "stars")] == [
        "BIGINT", "BIGINT", "TEXT", "DOUBLE PRECISION", "BOOLEAN", "JSON",
    ]  # fmt: skip


def test_an_upload_to_s3_too(crawl, s3):
    folder, _ = crawl
    body = s3.client.get_object(Bucket="bucket", Key="killed/out.csv")["Body"].read()
    assert body == (folder / "out.csv").read_bytes()
    assert [one["Key"] for one in s3.client.list_objects_v2(Bucket="bucket")["Contents"]] == ["killed/out.csv"]


def test_no_password_is_told_or_kept(crawl, postgres):
    folder, told = crawl
    assert "postgresql+psycopg://me:***@/postgres" in told
    assert PASSWORD not in told
    kept = [path for path in folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert kept == []

"""What the tests of all formats share: every suffix, reading a file with other people's code, a full disk."""

import csv
import gzip
import io
import json
import resource
import sys
from types import SimpleNamespace

import pytest
from lxml import etree

from crawler.export.registry import Options, exporter_for
from tests.export.postgres import programs, server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NAMES = [f"out.{name}{end}" for name in ("jsonl", "json", "csv", "txt") for end in ("", ".gz")]
NAMES += ["out.xml", "out.json.zst"]


@pytest.fixture(params=NAMES)
def name(request):
    """A file name of every format, plain and compressed."""
    return request.param


@pytest.fixture(scope="session")
def exporter_of():
    """`exporter_of(path)`: the exporter for a path; lines of `.txt` are `a|b`."""
    return lambda path: exporter_for(str(path), Options(template="{a}|{b}"))


@pytest.fixture(scope="session")
def items_of():
    """`items_of(path)`: the items in a file, as other people's code reads them."""

    def read(path):
        data = path.read_bytes()
        if path.suffix == ".gz":
            assert data, "not even an empty gzip file"
            data = gzip.decompress(data)
        if path.suffix == ".zst":
            assert data, "not even an empty zstd file"
            data = zstd.decompress(data)
        text = data.decode()
        match path.name.split(".")[1]:
            case "jsonl":
                return [json.loads(line) for line in text.split("\n")[:-1]]
            case "json":
                return json.loads(text)
            case "xml":
                return [{field.tag: field.text or "" for field in item} for item in etree.fromstring(data)]
            case "csv":
                rows = list(csv.reader(io.StringIO(text, newline="")))
                return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        return [dict(zip("ab", line.split("|"), strict=True)) for line in text.split("\n")[:-1]]

    return read


@pytest.fixture(scope="session")
def shown():
    """`shown(name, items)`: what `items_of` reads from a file with these items, whose values are strings."""

    def expected(name, items):
        match name.split(".")[1]:
            case "csv":
                header = dict.fromkeys(key for item in items for key in item)
                return [{key: item.get(key, "") for key in header} for item in items if item]
            case "txt":
                return [{key: item.get(key, "").replace("\n", " ") for key in "ab"} for item in items]
        return items

    return expected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Lift the limit with the last line of a test: the runner itself may write to a large file right after it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        return (yield)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def limit_files():
    """`limit_files(size)`: no file of this process can grow beyond that, until `limit_files(None)` or the end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)  # Python ignores the signal that goes with it

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size is None else size, hard))

    return limit


@pytest.fixture(scope="session")
def postgres():
    """The URL of a database on a real PostgreSQL server."""
    pytest.importorskip("psycopg", reason="psycopg is missing: pip install 'psycopg[binary]'")
    if programs() is None:
        pytest.skip("there is no PostgreSQL here (Debian, Ubuntu: apt-get install postgresql)")
    with server() as url:
        yield url


@pytest.fixture(scope="session")
def s3():
    """A local S3 server with a bucket "bucket": the environment that leads there, and a client of it."""
    pytest.importorskip("s3fs", reason="s3fs is missing: pip install s3fs")
    moto = pytest.importorskip(
        "moto.server", reason="the S3 server is missing: pip install 'moto[s3]' flask flask-cors"
    )
    boto3 = pytest.importorskip("boto3")
    running = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        environment = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "g3heim",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        client = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="somebody",
            aws_secret_access_key="g3heim",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="bucket")
        yield SimpleNamespace(environment=environment, client=client)
    finally:
        running.stop()

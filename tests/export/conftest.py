"""What the tests of all formats share: every suffix, reading a file with other people's code, a full disk."""

import csv
import gzip
import io
import json
import resource
import sys

import pytest
from lxml import etree

from crawler.export.registry import Options, exporter_for

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NAMES = [f"out.{name}{end}" for name in ("jsonl", "json", "csv", "txt") for end in ("", ".gz")]
NAMES += ["out.xml", "out.json.zst", "out.csv.zst"]


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

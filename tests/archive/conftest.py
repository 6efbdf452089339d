"""Archives as this crawler and as other programs write them."""

import gzip
from contextlib import ExitStack, closing

import pytest

from crawler.archive.archive import Archive
from crawler.archive.recorder import Recorder
from crawler.request import Request
from crawler.response import Response


@pytest.fixture
def record(tmp_path):
    """`record("a.warc.gz", (request, outcome), …)`: an archive of this crawler; its path."""

    def write(name, *fetches, run="run"):
        recorder = Recorder(str(tmp_path / name), run, "crawler/0")
        recorder.open()
        for request, outcome in fetches:
            recorder.take(request, (("Accept", "*/*"),), outcome)
        recorder.close()
        return tmp_path / name

    return write


@pytest.fixture
def page():
    """`page(url, body, row=1)`: a request and what came of it."""

    def made(url, body=b"x", status=200, pairs=(), row=1, **fields):
        return Request(url, row=row, **fields), Response(url, status, pairs, body)

    return made


@pytest.fixture
def foreign(tmp_path):
    """`foreign("a.warc", [(kind, url, head, body), …], gzip=False)`: an archive as other programs write it; its path.

    `head` are the lines of the HTTP message. Kinds: "response", "request" (it belongs to the response before it),
    "revisit" (of the first answer of that URL).
    """

    def write(name, records, is_packed=True):
        said = [record_of("warcinfo", "", 0, b"software: somebody else\r\n")]
        for number, (kind, url, head, body) in enumerate(records):
            said.append(record_of(kind, url, number, "\r\n".join(head).encode() + b"\r\n\r\n" + body))
        path = tmp_path / name
        path.write_bytes(b"".join(gzip.compress(one) for one in said) if is_packed else b"".join(said))
        return path

    return write


def record_of(kind, url, number, block):
    fields = [f"WARC-Type: {kind}", f"WARC-Record-ID: <urn:uuid:{number}>", "WARC-Date: 2024-05-20T12:00:00Z"]
    if kind == "request":
        fields.append(f"WARC-Concurrent-To: <urn:uuid:{number - 1}>")
    if kind == "revisit":
        fields.append(f"WARC-Refers-To-Target-URI: {url}")
    if url:
        fields.append(f"WARC-Target-URI: {url}")
    content = "application/warc-fields" if kind == "warcinfo" else f"application/http; msgtype={kind}"
    fields += [f"Content-Type: {content}", f"Content-Length: {len(block)}"]
    return "\r\n".join(["WARC/1.0", *fields]).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


@pytest.fixture
def read():
    """`read(path)`: the `Archive`, closed at the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(Archive(str(path))))

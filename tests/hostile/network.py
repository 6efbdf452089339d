"""Hosts that break the network or HTTP."""

import gzip
import zlib
from functools import cache

import brotli

from tests.hostile.behaviour import HTML, Behaviour, answer, head, page, sends

try:
    from compression import zstd
except ImportError:
    from backports import zstd

MB = 1 << 20
_TIMEOUT = r"^timeout: "
_NOT_HTTP = r"^(protocol|partial): "
_TOO_LARGE = r"^too_large: "
_BROKEN = r"^partial: "


async def accepts_and_is_silent(talk):
    await talk.silence()


async def resets(talk):
    talk.reset()


async def closes(talk):
    talk.close()


async def header_in_drops(talk):
    await talk.drip(head(HTML, *[f"X-{number}: 1" for number in range(50)]))


async def body_in_drops(talk):
    await talk.send(head(HTML, "Content-Length: 1000"))
    await talk.drip(b"x" * 1000)


async def stops_in_the_body(talk):
    await talk.send(head(HTML, "Content-Length: 1000") + b"<title>half")
    await talk.silence()


async def resets_in_the_body(talk):
    await talk.send(head(HTML, "Content-Length: 1000") + b"<title>half")
    await talk.pause(0.05)
    talk.reset()


async def body_without_end(talk):
    await talk.flood(head(HTML) + b"<title>for ever</title>", b"<p>more" * 8192, 300 * MB)
    talk.close()


async def header_without_end(talk):
    await talk.flood(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1000, 300 * MB)
    talk.close()


async def line_without_end(talk):
    await talk.flood(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536, 300 * MB)
    talk.close()


async def status_line_without_end(talk):
    await talk.flood(b"HTTP/1.1 200 ", b"O" * 65536, 300 * MB)
    talk.close()


async def continues_for_ever(talk):
    await talk.flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 300 * MB)
    talk.close()


async def continues_slowly(talk):
    for _ in range(200):
        await talk.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await talk.pause(0.3)


async def chunk_size_without_end(talk):
    await talk.flood(head(HTML, "Transfer-Encoding: chunked"), b"0" * 65536, 300 * MB)
    talk.close()


async def chunks_without_end(talk):
    await talk.flood(head(HTML, "Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 2000, 300 * MB)
    talk.close()


async def trailers_without_end(talk):
    start = head(HTML, "Transfer-Encoding: chunked") + b"5\r\n<p>hi\r\n0\r\n"
    await talk.flood(start, b"X-More: 1\r\n" * 1000, 300 * MB)
    talk.close()


async def smuggles(talk):
    """The body is longer than announced, and its rest looks like the next answer."""
    if talk.target == "/":
        real = b"<title>first</title><a href=/next>"
        stolen = page("smuggled")
        await talk.send(head(HTML, f"Content-Length: {len(real)}") + real + stolen)
    else:
        await talk.send(page("second"))


async def answers_twice(talk):
    await talk.send(page("first", "<a href=/next>") + page("smuggled") if talk.target == "/" else page("second"))


async def closes_after_each_answer(talk):
    await talk.send(page("first", "<a href=/next>") if talk.target == "/" else page("second"))
    talk.close()


async def storm(talk):
    if talk.target == "/":
        await talk.send(page("storm", "".join(f"<a href=/{number}>" for number in range(40))))
    else:
        await talk.send(answer(b"", status="503 Service Unavailable"))


async def too_many_requests(talk):
    first = answer(b"", "Retry-After: 1", status="429 Too Many Requests")
    await talk.send(page("patience") if talk.count > 1 else first)


async def comes_back_in_a_century(talk):
    fields = "Retry-After: 3155760000", "Retry-After: Fri, 31 Dec 2199 23:59:59 GMT"
    first = answer(b"", fields[talk.count % 2], status="503 Service Unavailable")
    await talk.send(page("patience") if talk.count > 1 else first)


def waited_a_second(crawl, address):
    first, second = (hit.at for hit in crawl.server.hits(address)[:2])
    return "" if second - first > 0.98 else f"came back after {second - first:.2f} s"


def second_page_is_its_own(crawl, address):
    titles = {item["title"] for item in crawl.items if item["address"] == address}
    return "" if titles == {"first", "second"} else f"the pages are {sorted(titles)}"


@cache
def bomb(coding):
    """500 MB of zeros (gzip) or 100 MB (the others)."""
    if coding == "gzip":
        # After a full flush nothing refers to what came before, so the same block may come again and again.
        packer = zlib.compressobj(9, wbits=31)
        begin = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
        return begin + (packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)) * 499 + packer.flush()
    if coding == "br":
        packer = brotli.Compressor(quality=1)
        return b"".join(packer.process(bytes(MB)) for _ in range(100)) + packer.finish()
    packer = zstd.ZstdCompressor()
    return b"".join(packer.compress(bytes(MB)) for _ in range(100)) + packer.flush()


def explodes(coding):
    return sends(answer(bomb(coding), HTML, f"Content-Encoding: {coding}"))


def nested(data, times):
    for _ in range(times):
        data = gzip.compress(data)
    return data


_PACKED = gzip.compress(b"<title>packed</title>" + bytes(range(256)) * 50)
_BAD_SIZES = {"negative": b"-5", "not a number": b"many", "empty": b"", "beyond all": b"9" * 5000}

NETWORK = [
    Behaviour("accepts and never answers", accepts_and_is_silent, "failed", _TIMEOUT),
    Behaviour("resets at once", resets, "failed", r"^reset: "),
    Behaviour("refuses", None, "failed", r"^connect: .*refused", host="refusing", asks_robots=False, most=0),
    Behaviour("nobody accepts", None, "failed", _TIMEOUT, host="full", asks_robots=False, most=0),
    Behaviour(
        "a host that no name can have",
        None,
        "failed",
        r"^(dns|invalid): ",
        url=f"http://{'a' * 70}.example/",
        most=0,
        host="nowhere",
        asks_robots=False,
    ),
    Behaviour("empty reply", closes, "failed", r"^(reset|protocol): "),
    Behaviour("header byte by byte", header_in_drops, "failed", _TIMEOUT),
    Behaviour("body byte by byte", body_in_drops, "failed", _TIMEOUT),
    Behaviour("stops in the body", stops_in_the_body, "failed", _TIMEOUT),
    Behaviour("resets in the body", resets_in_the_body, "failed", r"^reset: "),
    Behaviour("body without end", body_without_end, item={"truncated": True, "title": "for ever"}),
    Behaviour("header without end", header_without_end, "failed", r"^(too_large|protocol): "),
    Behaviour("header line without end", line_without_end, "failed", r"^(too_large|protocol): "),
    Behaviour("status line without end", status_line_without_end, "failed", r"^(too_large|protocol): "),
    Behaviour(
        "101 header fields",
        sends(page("a page", "", *[f"X-{number}: 1" for number in range(100)])),
        "failed",
        r"^(too_large|protocol): ",
    ),
    Behaviour(
        "header field of 70 KB",
        sends(page("a page", "", "X-Long: " + "x" * 70_000)),
        "failed",
        r"^(too_large|protocol): ",
    ),
    Behaviour(
        "header of 1 MB",
        sends(page("a page", "", *["X-Long: " + "x" * 60_000] * 18)),
        "failed",
        r"^(too_large|protocol): ",
    ),
    Behaviour(
        "100 Continue without end",
        continues_for_ever,
        "failed",
        r"^(timeout|too_large|protocol): ",
    ),
    Behaviour("100 Continue every 0.3 s", continues_slowly, "failed", _TIMEOUT),
    Behaviour(
        "103 Early Hints before the answer",
        sends(head("Link: </x>", status="103 Early Hints") + page("after hints")),
        item={"title": "after hints"},
    ),
    Behaviour(
        "101 Switching Protocols", sends(head("Upgrade: x", status="101 Switching")), "failed", r"^(status|protocol)"
    ),
    Behaviour("status line of garbage", sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "failed", _NOT_HTTP),
    Behaviour(
        "status line of terminal escapes", sends(b"\x1b[31m\x1b]0;owned\x07 forged\r\n\r\n"), "failed", _NOT_HTTP
    ),
    Behaviour(
        "chunk size of terminal escapes",
        sends(head(HTML, "Transfer-Encoding: chunked") + b"\x1b[31mZ\r\n<p>hi\r\n0\r\n\r\n"),
        "failed",
        _BROKEN,
    ),
    Behaviour(
        "a content coding of terminal escapes",
        sends(answer(b"<title>coded</title>", HTML, "Content-Encoding: gzip\x1b[31m, gzip")),
        "done|failed",
        r"^$|^(partial|protocol): ",
    ),
    Behaviour("status 99999", sends(page(status="99999 What")), "failed", _NOT_HTTP),
    Behaviour("status 99", sends(page(status="099 What")), "failed", r"^(protocol|partial|status): "),
    Behaviour("status 600", sends(page(status="600 What")), "failed", r"^(protocol|status): "),
    Behaviour("status that is a word", sends(page(status="OK 200")), "failed", _NOT_HTTP),
    Behaviour("a page without a header", sends(b"<!doctype html><title>HTTP/0.9</title>\r\n\r\n"), "failed", _NOT_HTTP),
    Behaviour("an answer in HTTP/2", sends(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\r\n\r\n"), "failed", _NOT_HTTP),
    Behaviour("half a header", sends(b"HTTP/1.1 200 OK\r\nContent-Ty"), "failed", r"^(protocol|partial|reset): "),
    Behaviour("NUL in a header field", sends(page("a page", "", "X-Nul: a\0b")), "done|failed", r"^$|^protocol: "),
    Behaviour("a line without a colon", sends(page("a page", "", "no colon here")), "done|failed", r"^$|^protocol: "),
    Behaviour(
        "a header field folded", sends(page("folded", "", "X-Old: a\r\n b\r\n\tc")), "done|failed", r"^$|^protocol: "
    ),
    Behaviour("ESC in the reason phrase", sends(page(status="404 \x1b[31mgone\x1b]0;x\7")), "failed", "^status: 404"),
    Behaviour(
        "ESC in header fields",
        sends(page("escaped", "", "X-Esc: \x1b[2J\x07", "Server: \x1b]0;owned\x07")),
        item={"title": "escaped"},
    ),
    Behaviour(
        "Content-Length too long", sends(head(HTML, "Content-Length: 1000") + b"<title>short"), "failed", _BROKEN
    ),
    Behaviour(
        "Content-Length too short, and a second answer behind it",
        smuggles,
        item={"title": "first"},
        follow=True,
        check=second_page_is_its_own,
    ),
    Behaviour(
        "two answers to one request", answers_twice, item={"title": "first"}, follow=True, check=second_page_is_its_own
    ),
    Behaviour(
        "closes after each answer, without saying so",
        closes_after_each_answer,
        item={"title": "first"},
        follow=True,
        check=second_page_is_its_own,
    ),
    *(
        Behaviour(
            f"Content-Length {kind}",
            sends(head(HTML, b"Content-Length: " + size) + b"<title>sized</title>"),
            "done|failed",
            r"^$|^(protocol|partial): ",
        )
        for kind, size in _BAD_SIZES.items()
    ),
    Behaviour(
        "two different Content-Lengths",
        sends(head(HTML, "Content-Length: 10", "Content-Length: 21") + b"<title>which</title>"),
        "failed",
        r"^(protocol|invalid|partial): ",
    ),
    Behaviour(
        "Content-Length and chunks",
        sends(
            head(HTML, "Content-Length: 3", "Transfer-Encoding: chunked") + b"14\r\n<title>both</title>\r\n0\r\n\r\n"
        ),
        "done|failed",
        r"^$|^(protocol|partial): ",
    ),
    Behaviour("chunks cut", sends(head(HTML, "Transfer-Encoding: chunked") + b"64\r\n<title>"), "failed", _BROKEN),
    Behaviour(
        "chunks without the last one",
        sends(head(HTML, "Transfer-Encoding: chunked") + b"5\r\n<p>hi\r\n"),
        "failed",
        _BROKEN,
    ),
    Behaviour(
        "chunk size of garbage",
        sends(head(HTML, "Transfer-Encoding: chunked") + b"ZZ\r\n<p>hi\r\n0\r\n\r\n"),
        "failed",
        _BROKEN,
    ),
    Behaviour(
        "chunk size negative",
        sends(head(HTML, "Transfer-Encoding: chunked") + b"-5\r\n<p>hi\r\n0\r\n\r\n"),
        "failed",
        r"^(partial|protocol): ",
    ),
    Behaviour(
        "chunk size of exabytes",
        sends(head(HTML, "Transfer-Encoding: chunked") + b"FFFFFFFFFFFFFFF\r\n<p>hi"),
        "failed",
        r"^(partial|too_large|protocol): ",
    ),
    Behaviour(
        "chunk size line without end", chunk_size_without_end, "failed", r"^(partial|protocol|too_large|timeout): "
    ),
    Behaviour("chunks of one byte without end", chunks_without_end, "done|failed", r"^$|^timeout: "),
    Behaviour("trailers without end", trailers_without_end, "failed", r"^(protocol|too_large|timeout): "),
    Behaviour(
        "204 with a body",
        sends(head(HTML, status="204 No Content") + b"<title>none</title>"),
        "done|dropped|failed",
        r"^$|204",
        item=None,
    ),
    Behaviour(
        "304 nobody asked for",
        sends(head(HTML, status="304 Not Modified") + b"<title>none</title>"),
        "failed|dropped",
        r"304",
    ),
    Behaviour(
        "206 nobody asked for",
        sends(page("a part", "", "Content-Range: bytes 0-9/99", status="206 Partial")),
        "failed|dropped",
        r"206",
    ),
    Behaviour("gzip bomb, 500 MB", explodes("gzip"), "failed", _TOO_LARGE),
    Behaviour("br bomb, 100 MB", explodes("br"), "failed", _TOO_LARGE),
    Behaviour("zstd bomb, 100 MB", explodes("zstd"), "failed", _TOO_LARGE),
    Behaviour(
        "a bomb of which nothing is left, 90 bytes",
        sends(answer(brotli.compress(gzip.compress(b"") * 5_000_000), HTML, "Content-Encoding: gzip, br")),
        "failed",
        _TOO_LARGE,
    ),
    Behaviour(
        "a body of two bytes and two bytes, without end",
        sends(answer(gzip.compress(gzip.compress(b"ab") * 1_000_000), HTML, "Content-Encoding: gzip, gzip")),
        "failed",
        _TOO_LARGE,
    ),
    Behaviour(
        "gzip ten times over",
        sends(answer(nested(b"<title>deep</title>", 10), HTML, "Content-Encoding: " + ", ".join(["gzip"] * 10))),
        "failed",
        r"^(partial|too_large|protocol): ",
    ),
    Behaviour(
        "gzip broken",
        sends(answer(_PACKED[:40] + b"\xff" * 40 + _PACKED[80:], HTML, "Content-Encoding: gzip")),
        "failed",
        _BROKEN,
    ),
    Behaviour("gzip cut", sends(answer(_PACKED[:-30], HTML, "Content-Encoding: gzip")), "failed", _BROKEN),
    Behaviour(
        "gzip that is none",
        sends(answer(b"<title>plain</title>" * 9, HTML, "Content-Encoding: gzip")),
        "failed",
        _BROKEN,
    ),
    Behaviour(
        "br and zstd that are none, one after the other",
        sends(answer(b"<title>plain</title>" * 9, HTML, "Content-Encoding: br, zstd")),
        "failed",
        _BROKEN,
    ),
    Behaviour(
        "a coding that nobody knows", sends(page("plain", "", "Content-Encoding: x-rot13")), item={"title": "plain"}
    ),
    Behaviour(
        "deflate without its wrapper",
        sends(answer(zlib.compress(b"<title>raw</title>")[2:-4], HTML, "Content-Encoding: deflate")),
        item={"title": "raw"},
    ),
    Behaviour("storm of 503", storm, item={"title": "storm"}, follow=True, cut="^host: given up", most=30),
    Behaviour("429 with Retry-After", too_many_requests, item={"title": "patience"}, check=waited_a_second),
    Behaviour("503 with Retry-After of a century", comes_back_in_a_century, item={"title": "patience"}),
]

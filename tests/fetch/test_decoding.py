"""Content codings: undone whole and in small parts, broken ones and endless ones told."""

import gzip
import io
import tracemalloc
import zlib

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.fetch.decoding import Decoder, decoder_for, zstd
from crawler.fetch.faults import Fault


def bare_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "bare deflate": bare_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
PLAIN = b"".join(b"<li>film %d, %x</li>" % (number, number * 7919) for number in range(5000))


def undo(name, data, step=1 << 20):
    decoder = decoder_for(name.removeprefix("bare "))
    plain = b"".join(part for start in range(0, len(data), step) for part in decoder.parts(data[start : start + step]))
    decoder.end()
    return plain


@pytest.mark.parametrize("name", PACKERS)
@settings(max_examples=30)
@given(st.binary(max_size=500), st.integers(1, 300), st.integers(1, 400))
def test_what_was_packed_is_what_comes_out_however_it_is_cut(name, data, times, step):
    assert undo(name, PACKERS[name](data * times), step) == data * times


@pytest.mark.parametrize("step", [1000, 1 << 20])
@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("plain", [PLAIN, bytes(1 << 16), bytes((1 << 16) + 1), bytes(1 << 20)])
def test_bodies_larger_than_one_part(name, plain, step):
    assert undo(name, PACKERS[name](plain), step) == plain


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("kept", [1, 2, 5, 0.5, -1])
def test_a_stream_that_ends_too_early_is_partial(name, kept):
    packed = PACKERS[name](PLAIN)
    cut = packed[: int(len(packed) * kept) if isinstance(kept, float) else kept]
    with pytest.raises(Fault, match="ends too early") as told:
        undo(name, cut)
    assert told.value.kind == "partial"


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_not_packed_is_partial(name):
    with pytest.raises(Fault, match=f"^broken {name.removeprefix('bare ')}: ") as told:
        undo(name, b"<p>not packed at all</p>")
    assert told.value.kind == "partial"


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_streams_one_after_the_other_are_one_body(name):
    pack = PACKERS[name]
    for step in (1, 7, 1000):
        assert undo(name, pack(b"abc") + pack(b"") + pack(b"def"), step) == b"abcdef"
    with pytest.raises(Fault, match="ends too early"):
        undo(name, pack(PLAIN) + pack(PLAIN)[:-1])


@pytest.mark.parametrize("rest", [b"\n", b"\0", bytes(600), b"garbage"])
@pytest.mark.parametrize("step", [1, 1000])
def test_what_follows_a_gzip_stream_and_is_none_is_left_alone(rest, step):
    assert undo("gzip", gzip.compress(b"abc") + rest, step) == b"abc"


def test_an_empty_body_is_no_broken_stream():
    for name in ("gzip", "deflate", "br", "zstd"):
        assert undo(name, b"") == b""


def test_codings_one_over_the_other():
    assert undo("gzip, br", brotli.compress(gzip.compress(PLAIN)), 100) == PLAIN
    assert undo("X-GZIP,Deflate, zstd", zstd.compress(zlib.compress(gzip.compress(PLAIN)))) == PLAIN


def test_too_many_codings_are_refused_before_anything_is_undone():
    with pytest.raises(Fault, match="10 codings one over the other") as told:
        decoder_for(", ".join(["gzip"] * 10))
    assert told.value.kind == "too_large"


@pytest.mark.parametrize("name", ["", "identity", "utf-8", "none", "compress", ","])
def test_what_is_no_coding_changes_nothing(name):
    assert decoder_for(name) is None


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "gzip, gzip, gzip"])
def test_a_stream_that_grows_without_end_takes_no_memory(name):
    zeros = bytes(1 << 20)
    if name == "br":
        packer = brotli.Compressor(quality=4)
        packed = b"".join(packer.process(zeros) for _ in range(64)) + packer.finish()
    elif name == "zstd":
        packer = zstd.ZstdCompressor()
        packed = b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()
    else:
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
            for _ in range(64):
                file.write(zeros)
        packed = buffer.getvalue()
        for _ in name.split(",")[1:]:
            packed = gzip.compress(packed)
    decoder = decoder_for(name)
    assert isinstance(decoder, Decoder)
    tracemalloc.start()
    try:
        sizes = [len(part) for part in decoder.parts(packed)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    decoder.end()
    assert sum(sizes) == 64 << 20
    assert peak < 2_000_000
    assert max(sizes) < 300_000


def test_a_zstd_stream_that_asks_for_a_huge_window_is_refused():
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=options)
    packed = packer.compress(PLAIN) + packer.flush()
    with pytest.raises(Fault, match="broken zstd") as told:
        undo("zstd", packed)
    assert told.value.kind == "partial"

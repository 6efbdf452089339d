import gzip

import pytest

from crawler.errors import UsageError
from crawler.export.csv import Csv
from crawler.export.json import JsonArray
from crawler.export.jsonl import Jsonl
from crawler.export.registry import Options, check_format, exporter_for
from crawler.export.text import Template


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("films.jsonl", Jsonl),
        ("films.jl", Jsonl),
        ("a.b/films.JSON", JsonArray),
        ("films.csv", Csv),
        ("films.txt", Template),
        ("-", Jsonl),
    ],
)
def test_the_suffix_decides(path, kind):
    exporter = exporter_for(path, Options(template="{title}"))
    assert type(exporter) is kind
    assert exporter.path == path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("films.jsonl.gz", Jsonl),
        ("films.jl.gz", Jsonl),
        ("films.JSON.GZ", JsonArray),
        ("a.b/films.csv.gz", Csv),
        ("films.txt.gz", Template),
    ],
)
def test_gz_after_the_suffix_compresses(tmp_path, path, kind):
    path = tmp_path / path
    path.parent.mkdir(exist_ok=True)
    exporter = exporter_for(str(path), Options(template="{title}"))
    assert type(exporter) is kind
    exporter.open()
    exporter.write([b'{"title":"x"}'])
    exporter.close()
    assert b"x" in gzip.decompress(path.read_bytes())


@pytest.mark.parametrize(
    "path",
    ["films.xsl", "films", "", "folder.csv/films", ".jsonl", "films.gz", "films.xsl.gz", ".jsonl.gz", "x.csv.gz.gz"],
)
def test_an_unknown_suffix_is_refused_with_the_known_ones(path):
    with pytest.raises(UsageError) as caught:
        exporter_for(path)
    assert repr(path) in caught.value.message
    for suffix in (".jsonl", ".json", ".csv", ".txt", ".gz"):
        assert suffix in caught.value.hint


@pytest.mark.parametrize(
    ("path", "told"), [("films", "no suffix"), ("films.xsl", "the suffix .xsl"), ("films.xsl.gz", "the suffix .xsl.gz")]
)
def test_the_suffix_that_is_unknown_is_named(path, told):
    with pytest.raises(UsageError, match=f"by {told}$"):
        exporter_for(path)


def test_text_without_a_template_is_refused_with_an_example():
    with pytest.raises(UsageError, match=r"films\.txt needs a format") as caught:
        exporter_for("films.txt")
    assert "--format" in caught.value.hint


def test_nothing_is_opened_yet(tmp_path):
    exporter_for(str(tmp_path / "films.csv"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("outputs", [[], ["a.jsonl"], ["-"], ["txt"]])
def test_a_format_that_nothing_is_made_with_is_refused(outputs):
    with pytest.raises(UsageError, match=r"--format is the format of \.txt outputs, and there is none"):
        check_format("--format", outputs)


@pytest.mark.parametrize("path", ["a.txt", "a.TXT", "a.txt.gz", "folder/a.b.txt"])
def test_a_format_is_for_text(path):
    check_format("--format", ["a.csv", path])

"""Outputs as they are asked for: what stands before an exporter, and what does not go together."""

import gzip
import json
import os
import sys

import pytest

from crawler.errors import OutputError, UsageError
from crawler.export import file as files
from crawler.export.outputs import check_outputs, exporters, named
from crawler.export.registry import Options
from crawler.items.chain import Chain

ITEMS = [{"n": number, "name": f"film {number % 3}", "more": number * 1.5} for number in range(7)]


class Ledger:
    """As much of one as outputs need."""

    def __init__(self, items):
        self.lines = [json.dumps(item, separators=(",", ":")).encode() for item in items]

    def items_after(self, number):
        return iter(list(enumerate(self.lines, 1))[number:])


def written(outputs, items=ITEMS, **options):
    """Write items to outputs as `crawl export` does; the notes."""
    ledger = Ledger(items)
    chain = Chain(exporters([str(output) for output in outputs], Options(**options), ledger.items_after), meta=False)
    chain.open(items_after=ledger.items_after)
    chain.close()
    return chain.notes()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_chosen_fields_in_their_order(tmp_path):
    written([tmp_path / "out.jsonl", tmp_path / "out.csv"], fields=["name", "n"])
    assert list(lines(tmp_path / "out.jsonl")[4].items()) == [("name", "film 1"), ("n", 4)]
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == ["name,n", "film 0,0"]


def test_a_chosen_field_that_no_item_has_is_a_column_and_is_told(tmp_path):
    notes = written([tmp_path / "out.csv"], fields=["nmae", "n"])
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == ["nmae,n", ",0"]
    assert notes == [f"{tmp_path}/out.csv: no item has the field nmae of --fields; did you mean name?"]


def test_sorted_by_a_field_that_is_not_chosen(tmp_path):
    written([tmp_path / "out.jsonl"], sort=["name", "-n"], fields=["n"])
    assert [item["n"] for item in lines(tmp_path / "out.jsonl")] == [6, 3, 0, 4, 1, 5, 2]


def test_sorted_lines_on_standard_output(capfd):
    written(["-"], sort=["-n"])
    assert [json.loads(line)["n"] for line in capfd.readouterr().out.splitlines()] == [6, 5, 4, 3, 2, 1, 0]


def test_what_is_sorted_is_not_touched_by_a_thread_that_may_not_read_the_ledger(tmp_path):
    def items_after(number):
        raise RuntimeError("another thread")
        yield

    (exporter,) = exporters([str(tmp_path / "out.json")], Options(sort=["n"]), items_after)
    exporter.open()
    with pytest.raises(RuntimeError):
        exporter.close()
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_what_is_written_at_the_end_is_refused_at_the_start(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install pyarrow")
    for name in ("missing/out.json", "missing/out.parquet"):
        (exporter,) = exporters([str(tmp_path / name)], Options(sort=["n"]), Ledger(ITEMS).items_after)
        with pytest.raises(OutputError, match="No such file"):
            exporter.open()


def test_batches(tmp_path):
    written([tmp_path / "part-%(batch)03d.jsonl", tmp_path / "all.jsonl"], batch_items=3)
    assert [[item["n"] for item in lines(tmp_path / f"part-00{number}.jsonl")] for number in (1, 2, 3)] == [
        [0, 1, 2],
        [3, 4, 5],
        [6],
    ]
    assert len(lines(tmp_path / "all.jsonl")) == 7


def test_batches_that_are_full_make_no_empty_file(tmp_path):
    written([tmp_path / "part-%(batch)d.csv"], items=ITEMS[:6], batch_items=3, sort=["-n"])
    assert sorted(os.listdir(tmp_path)) == ["part-1.csv", "part-2.csv"]
    assert (tmp_path / "part-2.csv").read_text().splitlines()[1] == "2,film 2,3.0"


def test_files_of_an_earlier_run_that_made_more_of_them_are_told(tmp_path):
    (tmp_path / "part-3.jsonl").write_text("old")
    (note,) = written([tmp_path / "part-%(batch)d.jsonl"], items=ITEMS[:4], batch_items=2)
    assert note == f"{tmp_path}/part-3.jsonl and what follows it is from an earlier run, which made more files"


@pytest.mark.parametrize("waits", [False, True])
def test_batches_are_resumed_where_they_were(tmp_path, waits):
    ledger = Ledger(ITEMS)
    suffix, opened = (".json.gz", gzip.open) if waits else (".json", open)

    def chain():
        made = exporters([str(tmp_path / f"part-%(batch)d{suffix}")], Options(batch_items=2), ledger.items_after)
        return Chain(made, meta=False)

    first = chain()
    first.open()
    first.write(ledger.lines[:3], 3)
    assert [item for _, _, item in first.marks()] == [2 if waits else 3]
    marks = {path: (mark, item) for path, mark, item in first.marks()}
    first.write(ledger.lines[3:], 7)
    first.close()
    (tmp_path / f"part-1{suffix}").write_text("this one is not touched any more")
    again = chain()
    again.open(marks, ledger.items_after)
    again.close()
    assert (tmp_path / f"part-1{suffix}").read_text() == "this one is not touched any more"
    found = []
    for number in (2, 3, 4):
        with opened(tmp_path / f"part-{number}{suffix}", "rt") as file:
            found.append(json.load(file))
    assert [[item["n"] for item in batch] for batch in found] == [[2, 3], [4, 5], [6]]


def test_a_batch_that_cannot_be_begun_leaves_the_mark_where_it_was(tmp_path):
    ledger = Ledger(ITEMS)
    (tmp_path / "part-2.jsonl").mkdir()
    (exporter,) = exporters([str(tmp_path / "part-%(batch)d.jsonl")], Options(batch_items=2), ledger.items_after)
    exporter.open()
    exporter.write(ledger.lines[:1])
    mark = exporter.mark()
    with pytest.raises(OutputError, match="Is a directory"):
        exporter.write(ledger.lines[1:])
    assert exporter.mark() == mark
    exporter.close()


@pytest.mark.parametrize(
    ("outputs", "options", "told"),
    [
        (["a.jsonl", "./a.jsonl"], {}, "named twice"),
        (["-", "-"], {}, "named twice"),
        (["postgresql://me:a@h/d", "postgresql://me:a@h/d"], {}, r"me:\*\*\*@h/d is named twice"),
        (["part-%(batch)d.jsonl"], {}, "there are no batches"),
        (["a.jsonl"], {"batch_items": 3}, "--batch-items needs"),
        (["part-%(batch)d.jsonl"], {"batch_items": 3, "append": True}, "cannot be appended"),
        (["a.jsonl"], {"sort": ["n"], "append": True}, "cannot be appended"),
    ],
)
def test_what_does_not_go_together_is_refused(outputs, options, told):
    with pytest.raises(UsageError, match=told):
        check_outputs(outputs, Options(**options))


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("memory://a.xyz", "the suffix .xyz"),
        ("nothing://a.csv", "Protocol not known"),
        ("nothing+driver://h/d", "Can't load plugin"),
        ("postgresql+nodriver://me:g3heim@h/d", "Can't load plugin|needs the driver"),
        ("env:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set"),
        ("a.parquet.gz", "not compressed as a whole"),
        ("a.sqlite.zst", "not compressed as a whole"),
    ],
)
def test_an_output_that_nobody_can_write_is_refused(output, told):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("fsspec")
    with pytest.raises(UsageError, match=told) as caught:
        exporters([output], Options(), Ledger([]).items_after)
    assert "g3heim" not in caught.value.message


@pytest.mark.parametrize(
    ("output", "library", "extra"),
    [("a.parquet", "", "parquet"), ("postgresql://h/d", "sqlalchemy", "sql"), ("s3://b/a.csv", "fsspec", "cloud")],
)
def test_an_extra_that_is_missing_is_told(output, library, extra, monkeypatch):
    monkeypatch.setattr("crawler.export.parquet.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=f"needs the extra {extra}, which is not installed") as caught:
        exporters([output], Options(), Ledger([]).items_after)
    assert f"pip install 'crawler[{extra}]'" in caught.value.hint


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("films.jsonl", "films.jsonl"),
        ("%(spider)s/%(time)s.jsonl", "a b_c/1970-01-02T00-00-00.jsonl"),
        ("100%.jsonl", "100%.jsonl"),
        ("p-%(batch)03d.jsonl", "p-%(batch)03d.jsonl"),
    ],
)
def test_names_are_filled_in(output, expected):
    assert named(output, "a b/c", 86400.0) == expected


@pytest.mark.parametrize("output", ["%(spidre)s.jsonl", "%(batch)s.jsonl", "%(spider)d.jsonl"])
def test_a_name_that_cannot_be_filled_in_is_refused(output):
    with pytest.raises(UsageError, match="nothing that can be filled in"):
        named(output, "a")


def test_a_file_in_the_memory_of_this_process(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    written(["memory://there/out.csv.gz", f"file://{tmp_path}/out.json"], fields=["n"])
    with fsspec.open("memory://there/out.csv.gz", "rt", compression="gzip") as file:
        assert file.read().split() == ["n", "0", "1", "2", "3", "4", "5", "6"]
    assert json.loads((tmp_path / "out.json").read_text())[6] == {"n": 6}
    fsspec.filesystem("memory").rm("/there", recursive=True)


def test_batches_of_an_upload():
    fsspec = pytest.importorskip("fsspec")
    written(["memory://parts/%(batch)02d.jsonl"], batch_items=4)
    memory = fsspec.filesystem("memory")
    assert [memory.cat(f"/parts/0{number}.jsonl").count(b"\n") for number in (1, 2)] == [4, 3]
    assert memory.ls("/parts", detail=False) == ["/parts/01.jsonl", "/parts/02.jsonl"]
    memory.rm("/parts", recursive=True)


def test_a_bucket_that_is_not_there_is_told_at_the_start(s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    (exporter,) = exporters(["s3://no-such-bucket/out.csv"], Options(), Ledger([]).items_after)
    with pytest.raises(OutputError, match="there is no no-such-bucket"):
        exporter.open()


def test_what_has_failed_is_not_uploaded():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.makedirs("/failed")

    def items_after(number):
        yield from Ledger(ITEMS).items_after(number)
        raise OutputError("the ledger is damaged")

    (exporter,) = exporters(["memory://failed/out.csv"], Options(), items_after)
    exporter.open()
    with pytest.raises(OutputError, match="damaged"):
        exporter.close()
    assert memory.ls("/failed") == []
    memory.rm("/failed", recursive=True)


def test_a_file_by_its_url_is_that_file(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_PATIENCE", 0.0)
    path, url = f"{tmp_path}/out.jsonl", f"file://{tmp_path}/out.jsonl"
    with pytest.raises(UsageError, match="named twice"):
        check_outputs([path, url], Options())
    (first,), (second,) = exporters([path], Options(), None), exporters([url], Options(append=True), None)
    assert second.path == path
    first.open()
    with pytest.raises(UsageError, match="is being written by another crawl"):
        second.open()
    first.close()


def test_no_secret_of_a_url_is_told_with_its_suffix():
    with pytest.raises(UsageError) as caught:
        exporters(["https://127.0.0.1:1/x.jsonl?X-Amz-Signature=S3KRET8"], Options(), None)
    assert "S3KRET8" not in caught.value.message

"""What pages declare about their encoding is found as html5lib-tests have it."""

from tests.conformance import encodings


def test_all_declarations_are_found(data):
    results = encodings.results(data)
    assert len(results) == 75
    assert [result for result in results if not result.passed] == []


def test_a_wrong_answer_is_told(tmp_path):
    (tmp_path / "encoding").mkdir()
    right, wrong, late = b'<meta charset="gbk">', b'<meta charset="big5">', b" " * 1024
    (tmp_path / "encoding/a.dat").write_bytes(
        b"".join(b"#data\n%s\n#encoding\ngbk\n\n" % body for body in (right, wrong, late + right))
    )
    results = encodings.results(tmp_path)
    assert [result.passed for result in results] == [True, False]
    assert results[1].reason.startswith("big5hkscs instead of gbk")

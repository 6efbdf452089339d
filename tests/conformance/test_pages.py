"""Real pages are read whole."""

import gzip

from tests.conformance import pages


def test_all_pages_are_read_with_their_links(data):
    results = pages.results(data)
    assert len(results) == 60
    assert [result for result in results if not result.passed] == []


def test_what_is_not_read_is_told(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/one.html.gz").write_bytes(gzip.compress(b"<p>nothing here</p>" + b"\xa4\xa4\xa4\xe5" * 9))
    (result,) = pages.results(tmp_path)
    assert not result.passed
    assert "read as" in result.reason
    assert "title None" in result.reason
    assert "0 links" in result.reason

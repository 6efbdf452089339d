"""Sitemaps that nobody here wrote are read whole."""

from tests.conformance import sitemaps


def test_all_sitemaps_are_read(data):
    results = sitemaps.results(data)
    assert len(results) == 18
    assert [result for result in results if not result.passed] == []


def test_what_is_not_read_is_told(tmp_path):
    (tmp_path / "sitemaps").mkdir()
    (tmp_path / "sitemaps/a.txt").write_bytes(b"http://a.example/A\nno URL\n")
    (tmp_path / "sitemaps/b.xml").write_bytes(b"<urlset><url><loc>http://a.example/%zz/../b</loc></url></urlset>")
    text, xml = sitemaps.results(tmp_path)
    assert (text.passed, xml.passed) == (False, False)
    assert "text with 1 entries instead of text with 3" in text.reason
    assert "which do not stand there" in xml.reason

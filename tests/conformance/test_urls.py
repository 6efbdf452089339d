"""URLs are parsed and joined as the web platform's tests have it."""

from tests.conformance import urls


def test_all_urls_are_parsed_and_joined(data):
    results = urls.results(data)
    assert len(results) == 536
    assert [result for result in results if not result.passed] == []


def test_a_wrong_answer_is_told(tmp_path):
    (tmp_path / "url").mkdir()
    wpt = (
        '["a remark", {"input": "a#b", "base": "http://c.example/", "href": "http://c.example/A", "host": "c.example"}]'
    )
    (tmp_path / "url/urltestdata.json").write_text(wpt)
    (tmp_path / "url/url-resolve.csv").write_text('# a remark, too\n\n"#a", http://c.example/, "http://c.example/#a"\n')
    wrong, right = urls.results(tmp_path)
    assert (wrong.passed, right.passed) == (False, True)
    assert wrong.reason == "gives http://c.example/a instead of http://c.example/A"

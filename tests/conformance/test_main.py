"""The table of all suites, and where it is put."""

import pytest

from tests.conformance.__main__ import account, main, share
from tests.conformance.document import write_section
from tests.conformance.result import Result


def test_a_folder_that_is_not_there_is_an_error(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 1
    (tmp_path / "url").mkdir()
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "has no folder url, robots," in said[0]
    assert "has no folder robots," in said[1]
    assert "make conformance DATA=" in said[1]


def test_the_table_counts_and_names_what_does_not_pass():
    names = ("urls", "robots", "encodings", "cookies", "sitemaps", "pages")
    found = {name: [Result("one", True)] for name in names}
    found["cookies"] = [Result("a\x1b`b", False, "it\nis <so>")] + [Result("c", True)] * 2
    text = account(found)
    assert "| 3 | 2 | 66.7 |" in text
    assert "- `a\\x1b'b`: it\\nis &lt;so>" in text
    assert text.count("Not passed") == 1


@pytest.mark.parametrize(("passed", "cases", "said"), [(3, 3, "100"), (9999, 10000, "99.9"), (0, 0, "no cases")])
def test_nothing_is_rounded_up_to_all(passed, cases, said):
    assert share(passed, cases) == said


def test_sections_are_replaced_alone(tmp_path):
    page = tmp_path / "conformance.md"
    write_section(page, "one", "first")
    write_section(page, "two", "second")
    write_section(page, "one", "third\n")
    text = page.read_text()
    assert text.startswith("# Conformance\n")
    assert "first" not in text
    assert text.endswith("<!-- one -->\nthird\n<!-- end one -->\n\n<!-- two -->\nsecond\n<!-- end two -->\n")

"""Names out of hostile text: one component, harmless everywhere, inside the folder."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.file_names import MOST, name_of, open_inside, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("films.html", "films.html"),
        ("霸王别姬 (1993).jpg", "霸王别姬 (1993).jpg"),
        ("../../x", "_.._x"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("%2e%2e%2fx", "_x"),
        ("%252e%252e", "%2e%2e"),
        ("a%00b", "ab"),
        ("a\x1b[2Jb\x85\u202etxt.exe", "a[2Jb txt.exe"),
        (".", "unnamed"),
        ("..", "unnamed"),
        (".\x00.", "unnamed"),
        ("", "unnamed"),
        (" . ", "unnamed"),
        ("---rf", "rf"),
        (".bashrc", "bashrc"),
        ("name. . ", "name"),
        ("C:\\x", "C_x"),
        ("https://a.example/x?y=1", "https_a.example_x_y=1"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("com1 .txt", "_com1 .txt"),
        ("COM¹", "_COM¹"),
        ("COM10", "COM10"),
        ("console", "console"),
        ("e\u0301.txt", "é.txt"),
        ("\ud800x", "x"),
        ("two\r\nlines", "two lines"),
    ],
)
def test_names(text, name):
    assert safe_name(text) == name


def test_a_long_name_keeps_its_extension():
    assert safe_name("a" * 300 + ".html") == "a" * 195 + ".html"
    assert safe_name("a" * 300 + ".tar.gz", 20) == "a" * 13 + ".tar.gz"
    assert safe_name("页" * 300 + ".html", 999) == "页" * 83 + ".html"
    assert safe_name("a." + "b" * 300, 20) == "a." + "b" * 18
    assert safe_name("CONTENT-of-many", 8) == "CONTENT-"
    assert safe_name("aaaa . .bbbbbbbb", 8) == "aaaa"
    assert safe_name("COM1" + " " * 99 + ".x", 8) == "_COM1 .x"
    with pytest.raises(ValueError, match="too few"):
        safe_name("x", 7)


_NASTY = st.text(
    st.sampled_from("./\\-% \x00\x1b\u202e\u0301\ud800ceonulm1:é页\u2028%2e") | st.characters(), max_size=60
)


@given(_NASTY, st.integers(8, 300))
def test_whatever_comes_in_is_one_harmless_component(text, most):
    name = safe_name(text, most)
    assert name
    assert name not in (".", "..")
    assert name[0] not in ".- "
    assert name[-1] not in ". "
    assert not set(name) & set('/\\\0:*?"<>|')
    assert len(name.encode()) <= min(most, MOST)
    assert name.isprintable()
    assert unicodedata.is_normalized("NFC", name)
    assert name.partition(".")[0].strip().lower() not in {"con", "nul", "aux", "prn", "com1", "lpt9"}
    if "%" not in name:
        assert safe_name(name, most) == name


@pytest.mark.parametrize(
    ("url", "field", "name"),
    [
        ("https://a.example/films/7.html?page=2#top", "", "7.html"),
        ("https://a.example/films/", "", "films"),
        ("https://a.example/", "", "a.example"),
        ("https://a.example:8080", "", "a.example_8080"),
        ("https://a.example/a%2f..%2fb", "", "a_.._b"),
        ("https://a.example/?x=/etc/passwd", "", "a.example"),
        ("https://a.example/..;/%2e%2e", "", "unnamed"),
        ("https://a.example/x", "attachment", "x"),
        ("https://a.example/x", 'attachment; filename="report.pdf"', "report.pdf"),
        ("https://a.example/x", "inline;filename=report.pdf ; size=3", "report.pdf"),
        ("https://a.example/x", 'attachment; FileName = "a \\"b\\"; c.pdf"', "a _b_; c.pdf"),
        ("https://a.example/x", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("https://a.example/x", "attachment; filename=C:\\x\\y.exe", "y.exe"),
        ("https://a.example/x", 'attachment; filename="a%20b.pdf"', "a b.pdf"),
        ("https://a.example/x", "attachment; filename=a.txt; filename*=UTF-8''%e2%82%ac%20rates", "€ rates"),
        ("https://a.example/x", "attachment; filename*=iso-8859-1'en'%A3%20rates; filename=b", "£ rates"),
        ("https://a.example/x", "attachment; filename*=UTF-8''..%2f..%2fx%252e", "x%2e"),
        ("https://a.example/x", "attachment; filename*=utf-7''+AC8-; filename=b.txt", "b.txt"),
        ("https://a.example/x", "attachment; filename*=UTF-8''%2f; filename=b", "unnamed"),
        ("https://a.example/x", "filename=only.txt", "only.txt"),
        ("https://a.example/x", "attachment; filename=\"é.txt\"".encode().decode("latin-1"), "é.txt"),
        ("https://a.example/x", 'attachment; filename="open', "_open"),
        ("https://a.example/x", 'attachment; filename=""', "x"),
    ],
)  # fmt: skip
def test_the_name_of_what_was_fetched(url, field, name):
    assert name_of(url, field) == name


@given(st.text(), st.text(st.sampled_from("filename*=\"\\;'%2UTF-8 ./x\u0130")))
def test_no_field_and_no_url_raises(url, field):
    assert name_of(url, field)
    assert name_of(url, f"attachment; filename={field}")


def test_a_file_is_made_inside_and_nothing_that_is_there_is_followed(tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    with open_inside(folder, "new") as file:
        file.write(b"x")
    assert (folder / "new").read_bytes() == b"x"
    os.symlink(outside, folder / "dangling")
    (tmp_path / "there").write_text("mine")
    os.symlink(tmp_path / "there", folder / "link")
    for name in ("new", "dangling", "link"):
        with pytest.raises(FileExistsError):
            open_inside(folder, name)
    assert not outside.exists()
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/x", "a\0b"])
def test_a_name_that_is_no_name_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="no name of a file"):
        open_inside(tmp_path, name)


def test_no_descriptor_is_left_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    open_inside(tmp_path, "x").close()
    with pytest.raises(FileExistsError):
        open_inside(tmp_path, "x")
    assert len(os.listdir("/proc/self/fd")) == before

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.observe.plain import for_screen, json_line, plain, safe_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("霸王别姬 — naïve 👩‍🚀", "霸王别姬 — naïve 👩‍🚀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("one\ntwo\r\nthree\tfour", "one\\ntwo\\r\\nthree\\tfour"),
        ("\x00\x07\x08\x7f", "\\x00\\x07\\x08\\x7f"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("\u202etxt.exe\u2066\u200f", "\\u202etxt.exe\\u2066\\u200f"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud83d", "\\ud83d"),
        ("", ""),
    ],
)
def test_control_characters_are_written_out(text, expected):
    assert plain(text) == expected


@given(st.text(st.characters()))
def test_nothing_that_a_terminal_acts_on_is_left(text):
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    assert plain(shown) == shown


@given(st.dictionaries(st.text(), st.text()))
def test_json_on_a_screen_says_the_same_without_anything_that_a_terminal_acts_on(value):
    shown = json_line(value)
    assert json.loads(shown) == value
    assert plain(shown) == shown


def test_json_keeps_the_lines_it_was_written_in_and_writes_lone_surrogates_out():
    text = json.dumps({"a": "\x1b\x9b\u2028\ud83d"}, ensure_ascii=False, indent=1)
    assert safe_json(text) == '{\n "a": "\\u001b\\u009b\\u2028\\ud83d"\n}'


def test_only_a_terminal_changes_how_items_are_written(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda number: number == 1)
    assert for_screen() is safe_json
    monkeypatch.setattr(os, "isatty", lambda number: False)
    assert for_screen() is None

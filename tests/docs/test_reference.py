"""The references are made of what the code says, and fail where it says nothing."""

import re
import tomllib
from pathlib import Path

import click
import pytest

import crawler
from crawler.settings import default_layer, file_layer, merge
from docs.generate import api, cli, settings
from tests.docs.blocks import blocks_of


def test_a_default_that_is_text_stands_in_quotes():
    page = api.page()
    assert 'Page.save(name: str = "", *, folder: str = "") -> SavedFile' in page
    assert not re.search(
        r" = ?(,|\)|$)", "\n".join(re.findall(r"```python\n\w+[.(].*?```", page, re.DOTALL)), re.MULTILINE
    )


def test_every_setting_stands_in_the_reference_with_its_default():
    told = re.findall(r"^- `(\S+) = (.*)`$", settings.page(), re.MULTILINE)
    assert {name: tomllib.loads(f"x = {value}")["x"] for name, value in told} == dict(default_layer().values)
    assert len(told) == len(default_layer().values)


def test_every_setting_is_explained():
    for text in settings.page().split("\n### ")[1:]:
        assert re.search(r"^[^-`#\n]", text.partition("\n")[2], re.MULTILINE), text


def test_a_comment_belongs_to_the_keys_below_it():
    _, (before, section) = settings.read(
        "# head\n\n[a]\n# Of both.\n# Two lines.\nb = 1\nc = 2\n# Of one.\nd = [\n  3,\n]\n"
    )
    assert (before.name, before.entries, section.name) == ("", [], "a")
    assert [(entry.text, entry.keys) for entry in section.entries] == [
        (["Of both.", "Two lines."], [("b", "1"), ("c", "2")]),
        (["Of one."], [("d", "[ 3 ]")]),
    ]


def test_a_line_that_is_no_setting_is_refused():
    with pytest.raises(ValueError, match="what is this line"):
        settings.read("# head\n\nsomething\n")


def test_a_setting_without_a_comment_is_refused(monkeypatch, write):
    monkeypatch.setattr(settings, "SOURCE", write("default.toml", "# head\n\n[a]\nb = 1\n"))
    with pytest.raises(ValueError, match=r"explains a\.b"):
        settings.page()


def test_every_command_and_option_has_help():
    page = cli.page()
    for name, command in cli.commands().items():
        assert f"\n## crawl {name}\n" in page
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[-1] in page


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (click.Command("x", help="Does x.", params=[click.Option(["--fast"])]), "crawl x --fast has no help"),
        (click.Command("x"), "crawl x has no help"),
    ],
)
def test_a_command_or_option_without_help_is_refused(monkeypatch, command, missing):
    monkeypatch.setattr(cli, "commands", lambda: {"x": command})
    with pytest.raises(ValueError, match=missing):
        cli.page()


def test_every_public_name_stands_in_the_reference():
    page = api.page()
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == set(crawler.__all__)


def test_a_public_name_without_a_docstring_is_refused(monkeypatch):
    monkeypatch.setattr(crawler, "__all__", ["silent"])
    monkeypatch.setattr(crawler, "silent", type("Silent", (), {}), raising=False)
    with pytest.raises(ValueError, match="silent has no docstring"):
        api.page()


def test_code_in_the_reference_of_settings_is_settings(tmp_path):
    for block in blocks_of(settings.page(), Path("settings.md")):
        if block.language == "toml":
            file = tmp_path / "settings.toml"
            file.write_text(block.text)
            merge([default_layer(), file_layer(file)])

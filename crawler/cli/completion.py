"""`crawl completion SHELL`, and what a shell completes: commands, options, spider files, settings, runs.

The words are found by click; what stands here is asked at each press of the tab key and has to be quick: no spider is
imported, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from crawler.cli import COMPLETING

_HOW = {
    "bash": 'eval "$(crawl completion bash)"  in ~/.bashrc',
    "zsh": 'eval "$(crawl completion zsh)"  in ~/.zshrc, after compinit',
    "fish": "crawl completion fish > ~/.config/fish/completions/crawl.fish",
}


_ADD = "COMPREPLY+=($value)"  # of click's script for bash: after `politeness.delay=` follows the value, not a space


@click.command("completion", epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice(list(_HOW)))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options, spiders, settings and runs. To have it in every new shell:
    """
    from crawler.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    script = kind(cli, {}, "crawl", COMPLETING).source()
    if shell == "bash":
        script = script.replace(_ADD, f"{_ADD}\n            [[ $value == *= ]] && compopt -o nospace")
    click.echo(script)


def add_words(command: click.Command) -> None:
    """Let the arguments and options of a command complete what their metavars promise."""
    for parameter in command.params:
        find = _WORDS.get((parameter.metavar or "").strip("[].") if isinstance(parameter, _KINDS) else "")
        if find is not None:
            parameter.shell_complete = _finder(find)  # type: ignore[method-assign, assignment]


_KINDS = (click.Argument, click.Option)
_Find = Callable[[str], list[CompletionItem]]


def _finder(find: _Find) -> Callable[[click.Context, str], list[CompletionItem]]:
    return lambda _, incomplete: find(incomplete)


def _spiders(incomplete: str) -> list[CompletionItem]:
    """Names of files in spiders/, else files."""
    names = [path.stem for path in sorted(Path("spiders").glob("*.py")) if not path.name.startswith("_")]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)] or _files(incomplete)


def _files(incomplete: str) -> list[CompletionItem]:
    return [] if "://" in incomplete else [CompletionItem(incomplete, type="file")]


def _folders(incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]


def _keys(incomplete: str) -> list[CompletionItem]:
    from crawler.settings import default_layer

    return [CompletionItem(key) for key in default_layer().values if key.startswith(incomplete)]


def _settings(incomplete: str) -> list[CompletionItem]:
    """`section.key=` of `-s`; the value is typed."""
    return [CompletionItem(f"{item.value}=") for item in _keys(incomplete)]


def _runs(incomplete: str) -> list[CompletionItem]:
    """Names of runs, the latest first, and of spiders that have some."""
    folders = sorted((path.parent for path in Path(".crawl").glob("*/*/ledger.db")), key=_name, reverse=True)
    names = dict.fromkeys([*map(_name, folders), *(folder.parent.name for folder in folders)])
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _name(folder: Path) -> str:
    return folder.name


# What a metavar stands for, without brackets and dots.
_WORDS: dict[str, _Find] = {
    "SPIDER": _spiders,
    "RUN": _runs,
    "KEY": _keys,
    "SECTION.KEY=VALUE": _settings,
    "KEY=VALUE": _settings,
    "FILE": _files,
    "URL|FILE": _files,
    "FOLDER|FILE": _files,
    "DIR|FILE": _files,
    "FOLDER": _folders,
}

"""`crawl completion SHELL`, and what a shell completes: commands, options, spider files, settings, runs.

The words are found by click; what stands here is asked at each press of the tab key and has to be quick: no spider is
imported, and nothing raises.
"""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

_VARIABLE = "_CRAWL_COMPLETE"  # as click derives it from the name of the command

_HOW = {
    "bash": 'eval "$(crawl completion bash)"  in ~/.bashrc',
    "zsh": 'eval "$(crawl completion zsh)"  in ~/.zshrc, after compinit',
    "fish": "crawl completion fish > ~/.config/fish/completions/crawl.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice(list(_HOW)))
def command(shell: str) -> None:
    """Print the script that lets a shell complete crawl's commands, options, spiders and settings."""
    from crawler.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    click.echo(kind(cli, {}, "crawl", _VARIABLE).source())


def complete_spiders(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of files in spiders/, and files."""
    names = [path.stem for path in sorted(Path("spiders").glob("*.py")) if not path.name.startswith("_")]
    items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return items if items and "/" not in incomplete else [*items, CompletionItem(incomplete, type="file")]


def complete_pages(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files; a URL is typed or pasted."""
    return [] if "://" in incomplete else [CompletionItem(incomplete, type="file")]


def complete_keys(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of settings, sections first where none is chosen yet."""
    from crawler.settings import default_layer

    return [CompletionItem(key) for key in default_layer().values if key.startswith(incomplete)]


def complete_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`section.key=` of `-s`; the value is typed."""
    if "=" in incomplete:
        return []
    return [CompletionItem(f"{item.value}=") for item in complete_keys(ctx, param, incomplete)]


def complete_runs(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of runs, the latest first, and of spiders that have some."""
    folders = sorted(Path(".crawl").glob("*/*/ledger.db"), reverse=True)
    names = dict.fromkeys([*(path.parent.name for path in folders), *(path.parent.parent.name for path in folders)])
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]

"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
import re

import click

from crawler.cli import cli


def page() -> str:
    """The reference as Markdown. Raises `ValueError` for a command or an option without help."""
    parts = [
        "# Command line",
        "Every command tells the same with `--help`. How it went, its exit code says: [Exit codes](exit-codes.md).",
        "| command | |\n|---|---|\n" + "\n".join(_row(name, command) for name, command in commands().items()),
    ]
    for name, command in commands().items():
        parts += _command(name, command)
    return "\n\n".join(parts) + "\n"


def commands() -> dict[str, click.Command]:
    with click.Context(cli, info_name="crawl") as context:
        found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None and not command.hidden}


def _row(name: str, command: click.Command) -> str:
    return f"| [`crawl {name}`](#crawl-{name}) | {_cell(command.get_short_help_str(limit=200))} |"


def _command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=f"crawl {name}")
    if not command.help:
        raise ValueError(f"crawl {name} has no help")
    usage = " ".join([f"crawl {name}", *command.collect_usage_pieces(context)])
    parts = [f"(crawl-{name})=\n## crawl {name}", f"```text\n{usage}\n```", _prose(command.help)]
    rows = []
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or option.hidden or "--help" in option.opts:
            continue
        record = option.get_help_record(context)
        if not option.help or record is None:
            raise ValueError(f"crawl {name} {option.opts[-1]} has no help")
        rows.append(f"| {_code(record[0])} | {_cell(record[1])} |")
    return [*parts, "| option | |\n|---|---|\n" + "\n".join(rows)] if rows else parts


def _prose(text: str) -> str:
    """Paragraphs as click has them: one after \\b keeps its lines, so it is a block here."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\f")[0].split("\n\n"):
        is_kept = paragraph.startswith("\b")
        lines = paragraph.removeprefix("\b").strip("\n")
        parts.append(f"```text\n{inspect.cleandoc(lines)}\n```" if is_kept else _escaped(lines))
    return "\n\n".join(part for part in parts if part)


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _cell(text: str) -> str:
    return _escaped(text).replace("|", r"\|").replace("\n", " ")


def _escaped(text: str) -> str:
    """Plain text as Markdown; what stands in backticks stays code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<\[`])", r"\\\1", part) for part in parts)

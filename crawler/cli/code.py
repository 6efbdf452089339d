"""Code of the user's, run as if it had been typed at a prompt: what its expressions give is printed."""

from __future__ import annotations

import ast
import linecache
import os
import sys
import traceback
from typing import Any

import click

from crawler.errors import CrawlError
from crawler.observe.plain import plain


def run(source: str, name: str, names: dict[str, Any]) -> None:
    """Run `source`, which a traceback calls `name`, with these names. What it raises ends the process with 1."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        for statement in ast.parse(source, name).body:
            if isinstance(statement, ast.Expr):
                _print(eval(compile(ast.Expression(statement.value), name, "eval"), names))
            else:
                exec(compile(ast.Module([statement], []), name, "exec"), names)
    except (CrawlError, BrokenPipeError):
        raise
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != name:
            trace = trace.tb_next
        lines = "".join(traceback.format_exception(type(error), error, trace)).rstrip().splitlines()
        click.echo("\n".join(map(plain, lines)), err=True)
        sys.exit(1)


def _print(value: Any) -> None:
    """A value as `print` has it; on a terminal without what could do something to it."""
    if value is None:
        return
    text = str(value)
    click.echo("\n".join(map(plain, text.split("\n"))) if os.isatty(1) else text)

"""The `crawl` command: words typed at a terminal. One file per command; `click` is known only here.

Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from crawler.cli.streams import guard
from crawler.errors import CrawlError
from crawler.observe.plain import plain

# command -> the module in this package that has a click command `command`; imported when it is asked for
COMMANDS = {
    "audit": "audit",
    "bench": "bench",
    "check": "check",
    "completion": "completion",
    "config": "config",
    "demo": "demo",
    "doctor": "doctor",
    "export": "export",
    "fetch": "fetch",
    "go": "go",
    "list": "list",
    "new": "new",
    "parse": "parse",
    "pause": "pause",
    "reparse": "reparse",
    "resume": "resume",
    "run": "run",
    "runs": "runs",
    "save-page": "save_page",
    "set": "set",
    "shell": "shell",
    "status": "status",
    "stop": "stop",
    "view": "view",
    "why": "why",
}

COMPLETING = "_CRAWL_COMPLETE"  # the variable by which click's scripts ask for words


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"crawler.cli.{COMMANDS[name]}").command
        if COMPLETING in os.environ:
            from crawler.cli.completion import add_words

            add_words(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close and args[0].endswith(".py"):
                raise click.UsageError(
                    f"No such command {args[0]!r}. Did you mean: crawl run {args[0]}", ctx
                ) from error
            if close:
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean: crawl {close[0]}", ctx) from error
            raise

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None  # click would end with 1


class _ReaderGone(Exception):
    """The reader of standard output went away (`| head`): nothing is wrong, and there is nobody to tell."""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crawler", prog_name="crawl")
def cli() -> None:
    """A web crawler for people who write one Python file."""


def main() -> None:
    """Run the command that was typed, and leave with its exit code."""
    if sys.platform not in ("linux", "darwin"):
        click.echo(f"crawl: runs on Linux and macOS, this is {sys.platform}", err=True)
        sys.exit(2)
    guard()
    try:
        cli(prog_name="crawl", standalone_mode=False)
        sys.stdout.flush()
    except CrawlError as error:
        tell(error)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:  # nothing was typed: what there is to type
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        # What was typed may have been pasted from a page. click puts choices on lines of their own.
        told = plain(error.format_message().replace("\n\t", " "))
        error.format_message = lambda: told  # type: ignore[method-assign]
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (_ReaderGone, BrokenPipeError):
        sys.stdout = None
        sys.exit(5)
    except Exception:
        click.echo(_indented(traceback.format_exc()), err=True)
        click.echo("crawl: this is a fault of the crawler itself; what was stored is whole", err=True)
        sys.exit(6)


def _indented(trace: str) -> str:
    """A traceback in which the message of the exception cannot pass for a line of ours."""
    return "\n".join(f"  {plain(line)}" for line in trace.rstrip().splitlines())


def tell(error: CrawlError) -> None:
    """An error for a person: what happened, the user's own traceback if there is one, what to do next."""
    trace = getattr(error, "trace", "")
    if trace:
        click.echo(_indented(trace), err=True)
    click.echo(f"crawl: {plain(error.message)}", err=True)
    if error.hint:
        for line in error.hint.splitlines():
            click.echo(f"  {plain(line)}", err=True)

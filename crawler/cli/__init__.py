"""The `crawl` command: words typed at a terminal. One file per command; `click` is known only here.

Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

import click

from crawler.errors import CrawlError
from crawler.observe.plain import plain

# command -> the module in this package that has a click command `command`; imported when it is asked for
COMMANDS = {
    "demo": "demo",
    "export": "export",
    "go": "go",
    "pause": "pause",
    "resume": "resume",
    "run": "run",
    "runs": "runs",
    "status": "status",
    "stop": "stop",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"crawler.cli.{COMMANDS[name]}").command
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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crawler", prog_name="crawl")
def cli() -> None:
    """A web crawler for people who write one Python file."""


class _Terminated(BaseException):
    """SIGTERM or SIGHUP outside of a crawl: like Ctrl-C it passes what handles errors, and temporary files go."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


@contextmanager
def _taking_signals() -> Iterator[None]:
    # What is ignored (by nohup) stays ignored.
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _terminate)
    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        # It asks a crawl for its status. To the very end of the process it shall not kill one that is over.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """The console script. Exit codes are in the README."""
    if sys.platform not in ("linux", "darwin"):
        click.echo(f"crawl: runs on Linux and macOS, this is {sys.platform}", err=True)
        sys.exit(2)
    try:
        with _taking_signals():
            cli(prog_name="crawl", standalone_mode=False)
    except CrawlError as error:
        tell(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except _Terminated:
        sys.exit(143)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # The reader of standard output went away (`| head`): nothing is wrong, and there is nobody to tell.
        sys.stdout = None
        sys.exit(5)
    except Exception:
        traceback.print_exc()
        click.echo("crawl: this is a fault of the crawler itself; what was stored is whole", err=True)
        sys.exit(6)


def tell(error: CrawlError) -> None:
    """An error for a person: what happened, the user's own traceback if there is one, what to do next."""
    trace = getattr(error, "trace", "")
    if trace:
        click.echo("\n".join(plain(line) for line in trace.rstrip().splitlines()), err=True)
    click.echo(f"crawl: {plain(error.message)}", err=True)
    if error.hint:
        for line in error.hint.splitlines():
            click.echo(f"  {plain(line)}", err=True)

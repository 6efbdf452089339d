"""`crawl resume [RUN]`: go on with a run that was stopped, killed or broken, under its own settings."""

from __future__ import annotations

from shlex import quote

import click

from crawler.cli.run import drive, finish, flags, prints_aside
from crawler.errors import UsageError
from crawler.observe.plain import plain
from crawler.output_name import with_secrets
from crawler.settings import merge


@click.command("resume")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--retry-failed", is_flag=True, help="Try the requests again that failed, also of a finished run.")
@click.option("-s", "--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE",
              help="Go on with another setting, also after later resumes.")  # fmt: skip
@click.option("-o", "--output", "given", multiple=True, metavar="URL",
              help="An output of the run whose password is not kept, given again.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Only errors; no view, no report.")
def command(
    name: str | None, retry_failed: bool, assignments: tuple[str, ...], given: tuple[str, ...], quiet: bool
) -> None:
    """Go on with an unfinished run.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.history import amend, check_callbacks, compared_with, limit_reached, reopen, written_since
    from crawler.pool.temporary import remove_left
    from crawler.runs.folder import find
    from crawler.spider.load import build_all
    from crawler.spider.url_file import give

    layers = flags(assignments, verbose=False, options={})
    merge(layers)  # a wrong one is told before anything is touched
    folder = find(name)
    folder.lock()
    remove_left()  # a run may have been killed after its end was written down
    try:
        run = reopen(folder, retry_failed)
        if not retry_failed and run.is_finished:
            raise UsageError(
                f"the run {folder.path} is finished, there is nothing to go on with",
                hint=_instead(),
            )
        if later := written_since(folder, run.record):
            output, by = later
            raise UsageError(
                f"{output} was written by a later run, {by}; going on would replace what is in it",
                hint=f"mv {quote(output)} elsewhere first: resumed, the run writes all its items anew",
            )
        outputs = tuple(with_secrets(run.record.outputs, given))
        with prints_aside(outputs):
            spiders = build_all(run.record.targets, run.record.arguments)
        give(folder.path, spiders)
        check_callbacks(folder, spiders)
        since = compared_with(run.record)
        for target in run.changed:
            told = f"crawl: {target} has changed since the run was started; the new version goes on"
            click.echo(plain(told), err=True)
        if run.is_paused:
            click.echo("crawl: the run is paused; `crawl go` lets it go on", err=True)
        settings = amend(folder, run, layers) if layers else run.settings
        if reached := limit_reached(folder, settings[0].limits):
            more = f"crawl resume -s {reached.partition(' ')[0]}=N {quote(str(folder.path))}"
            click.echo(plain(f"crawl: {reached} is reached already; with a higher one it goes on: {more}"), err=True)
        report = drive(spiders, settings, outputs, quiet, folder, since=since)
    finally:
        folder.unlock()
    finish(report, quiet)


def _instead() -> str:
    """What can be typed where a run is finished."""
    from crawler.history import entries

    unfinished = [one.path for one in entries() if one.state in ("stopped", "unfinished")]
    if unfinished:
        return f"crawl resume {quote(unfinished[-1])} goes on with the latest that is not"
    return "crawl run starts a new one; crawl resume --retry-failed tries what failed again"

"""The command itself: help, unknown commands, how errors are told."""

import pytest

from crawler.cli import COMMANDS


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_commands(crawl_here, flag):
    done = crawl_here(flag)
    assert done.rc == 0
    assert done.stderr == ""
    listed = done.stdout.partition("Commands:\n")[2].split("\n")
    assert [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "] == sorted(COMMANDS)
    assert done.stdout.startswith("Usage: crawl [OPTIONS] COMMAND [ARGS]...\n\n  A web crawler for people who")


def test_without_a_command_the_help_is_shown_as_it_is(crawl_command):
    done = crawl_command()
    assert (done.rc, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: crawl [OPTIONS] COMMAND [ARGS]...\n\n  A web crawler")


def test_the_version_is_that_of_the_package(crawl_here):
    from crawler.settings import version

    assert crawl_here("--version").stdout == f"crawl, version {version()}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rum"], "Error: No such command 'rum'. Did you mean: crawl run\n"),
        (["films.py"], "Error: No such command 'films.py'. Did you mean: crawl run films.py\n"),
        (["run"], "Error: Missing argument 'SPIDER...'.\n"),
        (["run", "x.py", "--dely", "1"], "Did you mean"),
        (["run", "x.py", "--delay", "soon"], "Error: Invalid value for '--delay': 'soon' is not a valid float.\n"),
        (["run", "x.py", "--pool", "fibre"], "Error: Invalid value for '--pool': 'fibre' is not one of"),
        (["run", "x.py", "--max-pages"], "Error: Option '--max-pages' requires an argument.\n"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_one_message(crawl_here, arguments, told):
    done = crawl_here(*arguments)
    assert done.rc == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_help_of_run_names_every_option(crawl_here):
    done = crawl_here("run", "--help")
    options = """
        --output --argument --set --config --format --meta --workers --concurrency --per-host --delay --max-pages
        --max-items --max-depth --max-time --max-errors --stop-after-errors --allow-empty --pool --log-level --log-file
        --verbose --quiet
    """
    assert [option for option in options.split() if option not in done.stdout] == []
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_real_command_does_the_same(crawl_command):
    done = crawl_command("run", "nothing.py")
    assert (done.rc, done.stdout) == (2, "")
    assert done.stderr == (
        "crawl: there is no file nothing.py\n  give the path of a spider file, or its name if it lies in spiders/\n"
    )

"""What shells complete."""

import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def complete(crawl_here):
    """The words for what is typed so far; its last word may be incomplete."""

    def words(typed):
        words = typed.split(" ")
        environment = {
            "_CRAWL_COMPLETE": "bash_complete",
            "COMP_WORDS": f"crawl {typed}",
            "COMP_CWORD": str(len(words)),
        }
        done = crawl_here(env=environment)
        assert (done.rc, done.stderr) == (0, "")
        return [
            line.partition(",")[2] if line.startswith("plain") else line for line in done.stdout.split("\n") if line
        ]

    return words


def test_commands_options_and_choices(complete):
    assert complete("pa") == ["parse", "pause"]
    assert complete("run x.py --max-e") == ["--max-errors"]
    assert complete("run x.py --pool ") == ["process", "thread", "inline"]
    assert complete("completion ") == ["bash", "zsh", "fish"]


def test_spiders_and_files(complete, write):
    for name in ("films", "forum", "_base"):
        write(f"spiders/{name}.py", "1/0")  # nothing is imported
    assert complete("run f") == ["films", "forum"]
    assert complete("parse fi") == ["films"]
    assert complete("run films x.p") == ["file,x.p"]
    assert complete("shell pages/a") == ["file,pages/a"]
    assert complete("shell https://a") == []
    assert complete("run x.py --run-dir a") == ["dir,a"]


def test_settings(complete):
    assert complete("run x.py -s politeness.del") == ["politeness.delay="]
    assert complete("config politeness.del") == ["politeness.delay"]
    assert "crawl.pool=" in complete("fetch -s ")


def test_runs(complete, write):
    for place in ("a/20250101-000000", "b/20240101-000000"):
        write(f".crawl/{place}/ledger.db", "")
    assert complete("why https://a.example/ ") == ["20250101-000000", "20240101-000000", "a", "b"]
    assert complete("resume 2024") == ["20240101-000000"]
    assert complete("run x.py --since 2025") == ["20250101-000000"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_that_shell(crawl_here, shell):
    done = crawl_here("completion", shell)
    assert done.rc == 0
    assert f"_CRAWL_COMPLETE={shell}_complete" in done.stdout
    assert "crawl" in done.stdout


def test_a_shell_that_is_not_known(crawl_here):
    assert crawl_here("completion", "bsh").rc == 2


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_uses_it(tmp_path):
    (tmp_path / "crawl").write_text(f'#!/bin/sh\nexec {sys.executable} -m crawler "$@"\n')
    (tmp_path / "crawl").chmod(0o755)
    script = """
        PATH=$PWD:$PATH
        eval "$(crawl completion bash)"
        compopt() { echo "$2"; }
        COMP_WORDS=(crawl run -s cache.mod) COMP_CWORD=3
        _crawl_completion crawl
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout == "nospace\ncache.mode=\n"


def test_what_is_missing_is_told_in_one_line(crawl_command):
    done = crawl_command("completion")
    assert done.rc == 2
    assert "\\n" not in done.stderr
    assert "Choose from: bash, zsh, fish" in done.stderr

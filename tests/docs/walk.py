"""Do what a page says, as its reader would: in an empty folder, from the first block to the last."""

import os
import re
import shlex
import socket
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from tests.docs.blocks import Block
from tests.docs.shell import Shell
from tests.docs.shown import is_shown

SITE = "127.0.0.1:8000"  # as pages call the built-in site
_PROMPT = "$ "
_IN_HASTE = "[tool.crawl]\npoliteness.delay = 0\npoliteness.adaptive = false\n"
_IN_THREADS = 'crawl.pool = "thread"\n'
_FIELD = r"[0-9*,/-]+"
_CRON = re.compile(rf"(?:{_FIELD} +){{4}}{_FIELD} +(?P<command>\S.*)")


class Differs(Exception):
    """The page says one thing, and something else happens."""


def walk(blocks: list[Block], folder: Path, site: str, commands: Path | None = None) -> None:
    """Run the blocks of one page in `folder`, which has nothing but a `pyproject.toml` that lets crawls not pause.

    `site` is where the built-in site is (host:port), unless the page starts it. With a folder of
    `commands` for the front of PATH crawls also fetch in threads, unless the page says otherwise: both cost less.

    Raises `Differs` at the first block that is not as the page says.
    """
    if any("background" in block.words for block in blocks):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            site = f"127.0.0.1:{probe.getsockname()[1]}"
    # The weakest settings of all, so that a page can have its own.
    (folder / "pyproject.toml").write_text(_IN_HASTE + (_IN_THREADS if commands else ""))
    shell = Shell(folder, _environment(folder, commands))
    try:
        printed = None
        for block in blocks:
            if block.not_run:
                continue
            try:
                printed = _run(block, _Reader(folder, site, shell), printed)
            except TimeoutError as error:
                raise Differs(f"{block.place}: {error}") from None
    finally:
        shell.close()


class _Reader:
    """Who follows a page: where he is, and where the built-in site really is."""

    def __init__(self, folder: Path, site: str, shell: Shell) -> None:
        self.folder, self.site, self.shell = folder, site, shell

    def real(self, text: str) -> str:
        port = self.site.rpartition(":")[2]
        return text.replace(SITE, self.site).replace("--port 8000", f"--port {port}")

    def told(self, text: str) -> str:
        return text.replace(self.site, SITE).replace(str(self.folder), "/home/me")


def _run(block: Block, reader: _Reader, before: str | None) -> str | None:
    """Returns what a script printed, for the block that shows it."""
    if block.file:
        path = reader.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="utf-8") if "add" in block.words else ""
        path.write_text(kept + reader.real(block.text), encoding="utf-8")
        return None
    match block.language:
        case "console":
            _session(block, reader)
        case "python":
            return _script(block, reader, "python")
        case "bash" | "sh":
            return _script(block, reader, f"{block.language} -e")
        case "pycon":
            return _script(block, reader, "python -m doctest -o ELLIPSIS -o NORMALIZE_WHITESPACE")
        case "toml":
            _settings(block, reader)
        case "crontab":
            _crontab(block, reader)
        case "text" if before is not None:
            _compare(block, "the script", block.text, before)
        case _:
            raise Differs(f"{block.place}: what is this {block.language} block? Name its file in the line before it")
    return None


def _session(block: Block, reader: _Reader) -> None:
    commands = _commands(block)
    for number, (command, shown) in enumerate(commands):
        if "background" in block.words:
            printed = reader.shell.background(reader.real(command), shown)
            code = 0
        else:
            printed, code = reader.shell.run(reader.real(command))
        printed = reader.told(printed)
        if shown:
            _compare(block, command, shown, printed)
        is_asked = number + 1 < len(commands) and commands[number + 1][0].startswith("echo $?")
        if code and not is_asked:
            raise Differs(f"{block.place}: $ {command}\nends with {code}, and the page does not say so:\n{printed}")


def _commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a session, each with what is shown below it; a line that ends with a backslash goes on."""
    commands: list[tuple[str, str]] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith(_PROMPT):
            commands.append((line.removeprefix(_PROMPT), ""))
        elif not commands:
            raise Differs(f"{block.place}: a console block begins with a command: $ ...")
        elif goes_on:
            commands[-1] = (f"{commands[-1][0]}\n{line}", "")
        else:
            commands[-1] = (commands[-1][0], f"{commands[-1][1]}{line}\n")
        goes_on = line.endswith("\\") and not commands[-1][1]
    return commands


def _script(block: Block, reader: _Reader, program: str) -> str:
    path = reader.folder / f".block-{block.line}"
    path.write_text(reader.real(block.text), encoding="utf-8")
    printed, code = reader.shell.run(f"{program} {shlex.quote(str(path))}")
    path.unlink()
    if code:
        raise Differs(f"{block.place}: the script ends with {code}:\n{printed}")
    return reader.told(printed)


def _settings(block: Block, reader: _Reader) -> None:
    """A TOML block without a file is a settings file."""
    from crawler.errors import CrawlError
    from crawler.settings import config_layer, default_layer, merge

    path = reader.folder / f".block-{block.line}.toml"
    path.write_text(reader.real(block.text), encoding="utf-8")
    try:
        merge([default_layer(), config_layer(str(path))])
    except (CrawlError, msgspec.MsgspecError) as error:
        raise Differs(f"{block.place}: {error}") from None
    path.unlink()


def _crontab(block: Block, reader: _Reader) -> None:
    """Each line has five fields and a command, and the command works as cron would run it: with almost nothing set."""
    for line in block.text.splitlines():
        if not line or line.startswith("#") or re.fullmatch(r"[A-Z]+=\S*", line):
            continue
        entry = _CRON.fullmatch(line)
        if entry is None:
            raise Differs(f"{block.place}: cron would not take this line: {line}")
        command = reader.real(entry["command"]).replace("\\%", "%")
        printed, code = reader.shell.run(f"env -i HOME=$HOME PATH=$PATH /bin/sh -c {shlex.quote(command)}")
        if code:
            raise Differs(f"{block.place}: {command}\nends with {code}:\n{printed}")


def _compare(block: Block, what: str, shown: str, printed: str) -> None:
    if not is_shown(shown, printed):
        raise Differs(f"{block.place}: $ {what}\nThe page shows:\n{shown}\nand this is printed:\n{printed}")


def _environment(folder: Path, commands: Path | None) -> dict[str, str]:
    """That of a person who has just installed the crawler."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRAWL_", "PYTEST_"))}
    first = [str(commands)] if commands else []
    kept["PATH"] = os.pathsep.join([*first, str(Path(sys.executable).parent), os.environ["PATH"]])
    return {
        **kept,
        "HOME": str(folder),
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # only one of them is needed, and they take half a second
        "PYTEST_PLUGINS": "crawler.testing.plugin",
        "CRAWL_GUARD_ONLY": "127.0.0.0/8",
    }

"""`crawl new NAME URL`: a spider and its test, begun from a page."""

from __future__ import annotations

import keyword
import logging
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from crawler.cli.options import with_config, with_set
from crawler.errors import CrawlError, OutputError, UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.reading import Reading
    from crawler.request import Request
    from crawler.response import Response
    from crawler.testing.cases import Case
    from crawler.visit import Visitor

_LONGEST_NAME = 200  # bytes; file systems take 255, and the test's name is longer
_KINDS = ("css", "xpath", "regex", "json-api", "sitemap")


@click.command("new")
@click.argument("name")
@click.argument("url")
@click.option(
    "--css", is_flag=True, help="Read it with CSS selectors (the default; feeds, CSV and JSON Lines are read as such)."
)
@click.option("--xpath", is_flag=True, help="Read it with XPath.")
@click.option("--regex", is_flag=True, help="Read it with regular expressions.")
@click.option("--json-api", is_flag=True, help="It is JSON: read its records.")
@click.option("--sitemap", is_flag=True, help="Begin at its site's sitemaps; URL is one, a robots.txt, or any page.")
@click.option(
    "--page", "saved_page", metavar="FILE", help="Take the page from FILE (- is standard input), fetch nothing."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@with_set
@with_config
def command(
    name: str,
    url: str,
    saved_page: str | None,
    force: bool,
    assignments: tuple[str, ...],
    config: str | None,
    **kinds: bool,
) -> None:
    """Begin a spider with a page of its site.

    The page is fetched once, if robots.txt allows it, and saved in tests/pages/NAME/. What it seems to repeat is what
    the spider in spiders/NAME.py reads at first; tests/spiders/test_NAME.py and expected.json beside the page say what
    that gives. All are yours to edit.
    """
    from crawler.cli.new_spider import draft
    from crawler.cli.new_test import test_file
    from crawler.saving import file_name
    from crawler.testing.cases import EXPECTED, folder_of, text_of
    from crawler.visit import page_of

    kind = _kind(kinds)
    _check_name(name)
    spider, test = Path("spiders", f"{name}.py"), Path("tests", "spiders", f"test_{name}.py")
    folder = folder_of(name)
    _check_free([spider, test, folder / EXPECTED], force)
    response = _response(url, saved_page, config, assignments)
    saved = folder / file_name(response)
    _check_free([saved], force)
    made = draft(kind, name, page_of(response), response.url)
    reading = _read(made.text, name, response, made.callback)
    tested = test_file(name, saved.name, response, made.callback, reading)
    expected = text_of([_case(made.text, name, response, saved.name, made.callback)])
    _write(
        {
            saved: response.body,
            spider: made.text.encode(),
            test: tested.encode(),
            folder / EXPECTED: expected.encode(),
        }
    )
    is_requests = not reading.items and reading.requests
    told = _count(len(reading.requests), "request") if is_requests else _count(len(reading.items), "item")
    _tell(f"crawl: {saved} is the page: {len(response.body):,} bytes, as they came")
    _tell(f"crawl: {spider} is the spider; that page gives it {told}")
    _tell(f"crawl: {test} is its test, and {folder / EXPECTED} what crawl check expects")
    callback = f" --callback {made.callback} --requests" if made.callback != "parse" else ""
    _tell("next:")
    _tell(f"  crawl parse {name} {shlex.quote(str(saved))}{callback}   # what it makes of the page, after each edit")
    _tell(f"  pytest {test}")
    _tell(f"  crawl check {name}   # whether the page gives what it gave")
    _tell(f"  crawl run {name} -o {name}.jsonl")


def _kind(kinds: dict[str, bool]) -> str:
    """The one kind that was asked for, "" if there is none. Raises `UsageError` for two."""
    chosen = [kind for kind in _KINDS if kinds[kind.replace("-", "_")]]
    if len(chosen) > 1:
        raise UsageError(f"--{' and --'.join(chosen)} do not go together", hint="take one of them")
    return chosen[0] if chosen else ""


def _check_name(name: str) -> None:
    """Raise `UsageError` for a name that cannot be that of a Python file, or hides another module from the spider."""
    better = "".join(one if one.isalnum() else "_" for one in Path(name).name.removesuffix(".py")).strip("_").lower()
    if better[:1].isdigit():
        better = f"site_{better}"
    hint = f"such as {better}" if better.isidentifier() and better != name and not _taken(better) else "such as films"
    if not name.isidentifier() or name.startswith("_"):
        raise UsageError(
            f"{name!r} is no name for a spider: it takes letters, digits and _, and begins with a letter", hint=hint
        )
    if len(name.encode()) > _LONGEST_NAME:
        raise UsageError(f"{name[:30]}… is too long for the name of a file", hint="such as films")
    if what := _taken(name):
        raise UsageError(f"{name!r} is no name for a spider: it is {what}", hint=f"such as {name}_spider")


def _taken(name: str) -> str:
    """What else a name stands for in Python, "" = nothing."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "a word of Python's own"
    if name in sys.stdlib_module_names:
        return "a module of Python's own, and spiders/ is searched first"
    spec = find_spec(name)
    if spec is not None and (
        {"site-packages", "dist-packages"} & set(Path(spec.origin or "").parts) or name == "crawler"
    ):
        return "an installed module, and spiders/ is searched first"
    return ""


def _check_free(paths: Sequence[Path], force: bool) -> None:
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there and not force:
        verb, them = ("is", "it") if len(there) == 1 else ("are", "them")
        told = f"{' and '.join(there)} {verb} there already"
        raise UsageError(told, hint=f"take another name, or --force, which replaces {them}")
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path} is a folder", hint="take another name")


def _response(url: str, saved_page: str | None, config: str | None, assignments: tuple[str, ...]) -> Response:
    """The page: from a file as it is, or fetched as a crawl would fetch it. Raises `NotRead` if it is none."""
    from crawler.cli.run import flags
    from crawler.url import split_credentials
    from crawler.visit import Visitor, saved, settings_alone, typed

    request = typed(url)
    if parts := split_credentials(request.url):
        _tell("crawl: the user and password in the URL are written nowhere; a [[host]] table is the place for them")
    if saved_page is not None:
        return saved(saved_page, parts[0] if parts else request.url)
    visitor = Visitor(settings_alone(config, flags(assignments, False, {})))
    _check_robots(visitor, request)
    visited = visitor.fetch(request)
    response = visited.page()
    if visited.request.hops:
        _tell(f"crawl: {visited.request.hops[0]} leads to {response.url}: the spider begins there")
    if response.truncated:
        _tell("crawl: the page is larger than fetch.max_body, and its end is missing")
    return response


def _check_robots(visitor: Visitor, request: Request) -> None:
    """Raise `NotRead` if robots.txt forbids the page, as far as it is obeyed: no crawl would give it to the spider."""
    from crawler.host_table import HostTable
    from crawler.request import Request
    from crawler.robots_text import RobotsText, token_of
    from crawler.url import host_of, join
    from crawler.visit import NotRead

    settings = visitor.settings
    own = HostTable(settings.host).of(host_of(request.url)).robots
    if not (settings.robots.obey if own is None else own):
        return
    address = join(request.url, "/robots.txt")
    answer = visitor.fetch(Request(address)).response()
    hint = "-s robots.obey=false asks for it all the same; --page FILE takes a page that you have saved"
    if answer.status >= 500:
        raise NotRead(f"{address} answers {answer.status}, and a crawl keeps away as long as it does", hint=hint)
    text = RobotsText(answer.body, settings.robots.max_size)
    if answer.status < 400 and not text.allows(request.url, token_of(settings.fetch.user_agent)):
        raise NotRead(f"{address} asks crawlers to leave {request.url} alone", hint=hint)


def _write(files: dict[Path, bytes]) -> None:
    """Write all of the files, or none. Raises `OutputError`."""
    made: list[Path] = []  # what was not there before
    beside = {path: path.with_name(f".{path.name}.new") for path in files}
    try:
        for path, data in files.items():
            for folder in reversed([one for one in path.parents if not one.exists()]):
                folder.mkdir()
                made.append(folder)
            made.append(beside[path])
            beside[path].write_bytes(data)
        for path in files:
            beside[path].replace(path)
    except OSError as error:
        for one in reversed(made):
            with suppress(OSError):
                if one.is_dir():
                    one.rmdir()
                else:
                    one.unlink()
        in_the_way = next((one for one in path.parents if one.exists() and not one.is_dir()), None)
        reason = f"{in_the_way} is a file, not a folder" if in_the_way is not None else error.strerror
        raise OutputError(f"cannot write {path}: {reason}") from None


def _read(text: str, name: str, response: Response, callback: str) -> Reading:
    """What the new spider makes of its page."""
    from crawler.request import Request
    from crawler.spider.load import load
    from crawler.spider.read import read_page

    log = logging.getLogger("crawler")  # what is missing of the page was told when the spider was drafted
    level = log.level
    try:
        with TemporaryDirectory(prefix="crawl-new-") as folder:
            path = Path(folder, f"{name}.py")
            path.write_text(text, encoding="utf-8")
            spider = load(str(path), {})
            log.setLevel(logging.ERROR)
            reading = read_page(spider, response, Request(response.url, callback))
    except OSError as error:
        raise OutputError(f"cannot write a temporary file: {error.strerror}") from None
    finally:
        log.setLevel(level)
    if reading.error is not None:
        raise CrawlError(f"the new spider cannot read its page: {reading.error.kind}: {reading.error.message}")
    return reading


def _case(text: str, name: str, response: Response, page: str, callback: str) -> Case:
    """What `crawl check` expects of the page: what it gives now."""
    from crawler.spider.load import named
    from crawler.testing.reading import read_body
    from crawler.testing.saving import case_of

    case = case_of(response, page, callback)
    log = logging.getLogger("crawler")  # see _read
    level = log.level
    try:
        with TemporaryDirectory(prefix="crawl-new-") as folder:
            path = Path(folder, f"{name}.py")
            path.write_text(text, encoding="utf-8")
            log.setLevel(logging.ERROR)
            return read_body(named(str(path)), case, response.body).into(case)
    except OSError as error:
        raise OutputError(f"cannot write a temporary file: {error.strerror}") from None
    finally:
        log.setLevel(level)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _tell(text: str) -> None:
    click.echo(plain(text), err=True)

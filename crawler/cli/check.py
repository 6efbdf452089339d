"""`crawl check [SPIDER…]`: whether spiders make of their saved pages what they are expected to."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from crawler.errors import CrawlError, SpiderLoadError, UsageError
from crawler.observe.plain import plain

if TYPE_CHECKING:
    from crawler.spider.base import Spider
    from crawler.testing.cases import Case
    from crawler.testing.compare import Line
    from crawler.testing.reading import Given

_COLOURS = {"-": "red", "+": "green"}


@click.command("check")
@click.argument("targets", nargs=-1, metavar="[SPIDER]...")
@click.option("--update", is_flag=True, help="Expect from now on what the pages give, after showing what differs.")
@click.option("--yes", is_flag=True, help="With --update: do not ask.")
@click.option("-q", "--quiet", is_flag=True, help="Only what differs.")
def command(targets: tuple[str, ...], update: bool, yes: bool, quiet: bool) -> None:
    """Read saved pages again, and show what differs from what is expected of them.

    The pages of a spider lie in tests/pages/NAME/, and expected.json there says what each gives: items and requests.
    Without a SPIDER all that have pages are checked: those in spiders/, and NAME.py in the current folder. Nothing is
    sent. The exit code is 1 if anything differs.
    """
    if yes and not update:
        raise UsageError("--yes is the answer to what --update asks", hint="crawl check --update --yes")
    with redirect_stdout(sys.stderr):  # what a spider file prints
        found = _spiders(targets)
    checked = [_checked(one, update, yes, quiet) for one in found if targets or _has_pages(one)]
    if not targets:
        checked += _orphans(found)
    if not checked:
        raise UsageError(
            "there are no saved pages in tests/pages/ of any spider in spiders/",
            hint="crawl save-page SPIDER URL saves one, and crawl new begins with one",
        )
    if "may be meant" in checked and not update:
        _tell("crawl: if that is right: crawl check --update")
    if code := max(_CODES[state] for state in checked):
        sys.exit(code)


_State = Literal["good", "may be meant", "wrong", "broken"]
_CODES: dict[_State, int] = {"good": 0, "may be meant": 1, "wrong": 1, "broken": 2}


class _Found(NamedTuple):
    """A spider as it is typed; without a `kind` it cannot be had because of `error`."""

    name: str
    kind: type[Spider] | None = None
    error: CrawlError | None = None


class _Result(NamedTuple):
    case: Case
    given: Given
    lines: list[Line]

    @property
    def stays(self) -> bool:
        """Whether it is not for `--update`: nobody expects an error because it came."""
        return self.given.raised and self.given.error != self.case.error


def _spiders(targets: tuple[str, ...]) -> list[_Found]:
    from crawler.spider.catalogue import spiders_in
    from crawler.spider.load import named

    if targets:
        names = list(targets)
    else:
        listed = spiders_in(Path("spiders"))
        names = [*(one.target for one in listed), *_here({one.name for one in listed})]
    found = []
    for target in names:
        name = target if targets else Path(target).stem if target.endswith(".py") else target
        try:
            found.append(_Found(name, named(target)))
        except SpiderLoadError as error:
            if targets:
                raise
            found.append(_Found(name, None, error))
    return found


def _here(known: set[str]) -> list[str]:
    """Files of the current folder that are called like a folder with cases, none of `known`: others are no spiders."""
    from crawler.testing.cases import EXPECTED, PAGES

    names = sorted(path.parent.name for path in PAGES.glob(f"*/{EXPECTED}"))
    return [f"{name}.py" for name in names if name not in known and Path(f"{name}.py").is_file()]


def _has_pages(one: _Found) -> bool:
    from crawler.testing.cases import EXPECTED, folder_of, unclaimed

    folder = folder_of(one.kind.name if one.kind is not None else one.name)
    return (folder / EXPECTED).exists() or (one.kind is not None and bool(unclaimed(folder, ())))


def _checked(one: _Found, update: bool, yes: bool, quiet: bool) -> _State:
    """Check a spider, show it, and update what it expects if that is wanted."""
    from crawler.testing.cases import EXPECTED, folder_of, load_cases, store_cases, unclaimed

    if one.kind is None:
        _tell_error(one.name, "cannot be loaded", one.error)
        return "broken"
    folder = folder_of(one.kind.name)
    try:
        cases = load_cases(folder)
    except UsageError as error:  # the others are checked
        _tell_error(one.name, "has cases that cannot be read", error)
        return "broken"
    loose = unclaimed(folder, cases)
    if not cases and not loose:
        raise UsageError(
            f"spider {one.kind.name} has no saved pages in {folder}",
            hint=f"crawl save-page {one.name} URL saves one",
        )
    results = [_result(one.kind, case, folder) for case in cases]
    if update:
        results += [_result(one.kind, _new_case(one.kind, page), folder, is_new=True) for page in loose]
        loose = []
    red = [result for result in results if result.lines]
    _show(one, folder, results, loose, quiet)
    if not red and not loose:
        return "good"
    stays = [result for result in red if result.stays]
    if update and red and _agreed(folder / EXPECTED, yes):
        store_cases(folder, [result.case if result.stays else result.given.into(result.case) for result in results])
        _tell(f"crawl: {folder / EXPECTED} is rewritten")
        for result in stays:
            _tell(f"crawl: {result.case.page} still differs: such an error is never expected by itself")
        return "wrong" if stays else "good"
    return "may be meant" if loose or len(stays) < len(red) else "wrong"


def _orphans(found: list[_Found]) -> list[_State]:
    """Tell of cases whose spider is gone."""
    from crawler.testing.cases import EXPECTED, PAGES, folder_of

    known = {folder_of(one.kind.name if one.kind is not None else one.name) for one in found}
    lost = [path.parent for path in sorted(PAGES.glob(f"*/{EXPECTED}")) if path.parent not in known]
    for folder in lost:
        _print(
            f"{_mark('✗', 'red')} {plain(folder.name)}  {plain(str(folder))} has cases of no spider in spiders/, and "
            f"there is no {plain(folder.name)}.py"
        )
    return ["wrong"] * len(lost)


def _result(kind: type[Spider], case: Case, folder: Path, is_new: bool = False) -> _Result:
    from crawler.testing.compare import Line, differences
    from crawler.testing.reading import read_case

    with redirect_stdout(sys.stderr):  # what the spider prints
        given = read_case(kind, case, folder)
    lines = [Line("+", "a case of its own"), *differences(case, given)] if is_new else differences(case, given)
    return _Result(case, given, lines)


def _new_case(kind: type[Spider], page: str) -> Case:
    """A case for a page that somebody has put into the folder: it most likely is the spider's first one."""
    from crawler.cli.parse import first_request
    from crawler.spider.load import build
    from crawler.testing.cases import Case

    first = first_request(build(kind, {}))
    return Case(page, first.url, str(first.callback or "parse"))


def _agreed(path: Path, yes: bool) -> bool:
    if yes:
        return True
    if not os.isatty(0):
        raise UsageError(f"nobody can be asked whether {path} is to be rewritten", hint="crawl check --update --yes")
    return click.confirm(f"rewrite {path}?", err=True)


def _show(one: _Found, folder: Path, results: list[_Result], loose: list[str], quiet: bool) -> None:
    """A spider for people: one line if all is well, else each page that differs."""
    red = [result for result in results if result.lines]
    pages = _count(len(results), "page")
    if not red and not loose:
        if not quiet:
            items = _count(sum(len(result.given.items) for result in results), "item")
            requests = _count(sum(len(result.given.requests) for result in results), "request")
            _print(f"{_mark('✓', 'green')} {plain(one.name)}  {pages}, {items}, {requests}")
        return
    wrong = f"{len(red):,} of {pages} {'differs' if len(red) == 1 else 'differ'}" if red else pages
    _print(f"{_mark('✗', 'red')} {plain(one.name)}  {wrong}")
    for result in red:
        case, given = result.case, result.given
        _print(f"  {plain(str(folder / case.page))}  {plain(case.url)}")
        _print(f"    read by {plain(case.callback)}{f' at {plain(given.place)}' if given.place else ''}")
        for sign, text in result.lines:
            told = f"    {sign} {plain(text)}"
            _print(click.style(told, fg=_COLOURS[sign]) if sign in _COLOURS else told)
        if result.stays:
            for line in given.trace.rstrip().splitlines():
                _print(f"      {plain(line)}")
    for page in loose:
        _print(f"  {plain(str(folder / page))}  has no case in expected.json; crawl check --update makes one")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _mark(sign: str, colour: str) -> str:
    return click.style(sign, fg=colour)


def _print(text: str) -> None:
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def _tell(text: str) -> None:
    click.echo(plain(text), err=True)


def _tell_error(name: str, what: str, error: CrawlError | None) -> None:
    from crawler.cli import tell

    _print(f"{_mark('✗', 'red')} {plain(name)}  {what}")
    if error is not None:
        tell(error)

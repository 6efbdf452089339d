"""`crawl shell [URL|FILE]`: look at pages at a Python prompt, or with code from `-c` or standard input."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, to_builtins

from crawler.cli.options import with_config, with_set
from crawler.errors import CrawlError, UsageError
from crawler.observe.plain import plain
from crawler.secrets import masked
from crawler.settings import flat

if TYPE_CHECKING:
    from crawler.request import Request
    from crawler.settings import Settings
    from crawler.spider.page import Page


@click.command("shell")
@click.argument("target", required=False, metavar="[URL|FILE]")
@click.option("-c", "code", metavar="CODE", help="Run CODE, print what its expressions give, and leave.")
@click.option("--url", metavar="URL", help="Where a saved page comes from, so that its links can be followed.")
@with_set
@with_config
def command(
    target: str | None, code: str | None, url: str | None, assignments: tuple[str, ...], config: str | None
) -> None:
    """Look at pages at a Python prompt.

    It is IPython if that is installed, else Python's own. page is the page, as callbacks get it; fetch(url) gets
    another one, follow(link) one that it links to, and view() opens it in the browser. Code may also come from a pipe:
    echo 'page.links()' | crawl shell URL
    """
    from crawler.cli.run import flags
    from crawler.observe.log import setup
    from crawler.visit import settings_alone

    settings = settings_alone(config, flags(assignments, False, {}))
    undo = setup(settings.log.level, settings.log.file)
    try:
        is_prompt = code is None and os.isatty(0)
        desk = Desk(settings, is_prompt)
        if target is not None:
            try:
                desk.open(target, url)
            except CrawlError as error:
                if not is_prompt or isinstance(error, UsageError):
                    raise
                _tell(error)
        if is_prompt:
            _prompt(desk)
        else:
            from crawler.cli.code import run

            run(
                code if code is not None else sys.stdin.read(),
                "<command>" if code is not None else "<stdin>",
                desk.names,
            )
    finally:
        undo()


class Desk:
    """What lies before whoever looks at pages: `names`, of which `page` is the latest one.

    `is_told` says whether each new page is announced on standard error.
    """

    def __init__(self, settings: Settings, is_told: bool) -> None:
        from crawler.request import Request
        from crawler.visit import Visitor

        self._visitor = Visitor(settings)
        self._is_told = is_told
        self.names: dict[str, Any] = {
            "page": None,
            "fetch": self.fetch,
            "follow": self.follow,
            "view": self.view,
            "Request": Request,
            "settings": _Shown(settings),
        }

    def open(self, target: str, url: str | None) -> None:
        """Begin with the page of a URL, or of a file that comes from `url`."""
        from crawler.spider.page import Page
        from crawler.visit import is_url, saved, typed

        if is_url(target):
            if url is not None:
                raise UsageError("--url says where a file comes from, and this is a URL", hint="leave one of them out")
            self.fetch(target)
            return
        origin = typed(url) if url is not None else None
        response = saved(target, origin.url if origin is not None else "")
        if origin is not None:
            self._visitor.start(origin)
        from crawler.request import Request

        self._put(Page(response, origin or Request(response.url), self._visitor.options))

    def fetch(self, url: str | Request, **fields: Any) -> Page:
        """Get a page, which is `page` from now on. `fields` are those of a Request: method=, headers=, body=, ..."""
        from crawler.visit import typed

        request = typed(url) if isinstance(url, str) else url
        return self._fetch(request.replace(**fields) if fields else request)

    def follow(self, link: Any, **fields: Any) -> Page:
        """Get the page that a link on `page` leads to: a URL, relative or absolute, or an element of the page."""
        page: Page | None = self.names["page"]
        if page is None:
            raise UsageError("there is no page to follow a link from", hint='fetch("https://…") gets one')
        return self._fetch(page.follow(link, **fields).replace(parent=page.url, depth=1))

    def view(self, page: Page | None = None) -> None:
        """Open the page in the browser."""
        from crawler.cli.view import show

        shown = page or self.names["page"]
        if shown is None:
            raise UsageError("there is no page to view", hint='fetch("https://…") gets one')
        path, was_opened = show(shown)
        failed = "" if was_opened else "; no browser could be started (BROWSER=… names one)"
        click.echo(f"crawl: the page is in {plain(str(path))}{failed}", err=True)

    def _fetch(self, request: Request) -> Page:
        from crawler.spider.page import Page

        visited = self._visitor.fetch(request)
        page = Page(visited.response(), visited.request, self._visitor.options)
        if visited.drop is not None:
            click.echo(f"crawl: a crawl would not read this page: {plain(visited.drop.reason)}", err=True)
        self._put(page)
        return page

    def _put(self, page: Page) -> None:
        self.names["page"] = page
        if self._is_told:
            size = f"{len(page.body):,} bytes"
            kind = page.headers.get("content-type", "no content type")
            click.echo(plain(f"page: {page.status} {page.url} ({kind}, {size})"), err=True)


class _Shown:
    """Settings, or a section of them, to look at: as `crawl config` has them, without secrets."""

    def __init__(self, settings: Any, place: str = "") -> None:
        self._settings = settings
        self._place = place

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._settings, name)
        place = f"{self._place}{name}"
        return _Shown(value, f"{place}.") if isinstance(value, Struct) else masked({place: to_builtins(value)})[place]

    def __dir__(self) -> list[str]:
        return list(self._settings.__struct_fields__)

    def __repr__(self) -> str:
        tree = to_builtins(self._settings)
        values = masked(tree if self._place else flat(tree, "").values)
        return "\n".join(f"{self._place}{key} = {value!r}" for key, value in values.items())


_WELCOME = "page, fetch(url), follow(link), view(), Request, settings; Ctrl-D leaves"


def _prompt(desk: Desk) -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Here a Ctrl-C ends what is being done, however often; the command's own handler ends the process.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    ipython: Any = None
    with suppress(ImportError):
        ipython = import_module("IPython.terminal.interactiveshell")
    if ipython is None:  # not in an `except`: every traceback at the prompt would tell of it
        _python(desk.names)
        return
    shell = ipython.TerminalInteractiveShell.instance(banner1=f"{_WELCOME}\n", user_ns=desk.names)
    desk.names = shell.user_ns

    def told(_shell: Any, _kind: Any, error: BaseException, _trace: Any, tb_offset: Any = None) -> None:  # noqa: ARG001 - its name is asked for
        _tell(error)

    shell.set_custom_exc((CrawlError, KeyboardInterrupt), told)
    shell.mainloop()


def _python(names: dict[str, Any]) -> None:
    """Python's own prompt, with completion and a history of its own."""
    from code import InteractiveConsole

    class Console(InteractiveConsole):
        def showtraceback(self) -> None:
            error = sys.exception()
            if not _tell(error):
                super().showtraceback()

    keep = _line_editing(names)
    try:
        Console(names).interact(banner=_WELCOME, exitmsg="")
    finally:
        keep()


def _line_editing(names: dict[str, Any]) -> Callable[[], None]:
    """Completion of names and the lines of earlier sessions; the function that keeps those of this one."""
    from pathlib import Path

    try:
        import readline
    except ImportError:  # a Python that was built without it
        return lambda: None
    from rlcompleter import Completer

    readline.set_completer(Completer(names).complete)
    readline.parse_and_bind("bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete")
    history = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "crawl" / "shell_history"
    with suppress(OSError):
        history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        history.touch(mode=0o600)
        readline.read_history_file(history)
    readline.set_history_length(1000)

    def keep() -> None:
        with suppress(OSError):
            readline.write_history_file(history)

    return keep


def _tell(error: BaseException | None) -> bool:
    """Whether an error was told in a line, without a traceback of ours."""
    from crawler.cli import tell

    if isinstance(error, CrawlError):
        tell(error)
    elif isinstance(error, KeyboardInterrupt):
        click.echo("KeyboardInterrupt", err=True)
    else:
        return False
    return True

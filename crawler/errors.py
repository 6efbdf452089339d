"""The exceptions a user can meet, each with the exit code it ends a run with.

    CrawlError               6  something inside failed and could not be healed
    ├── UsageError           2  a command, argument or request that cannot be meant
    │   ├── SettingsError    2  a setting that does not exist or does not fit
    │   └── SpiderLoadError  2  a spider file that is missing or does not load
    ├── OutputError          5  an output file or the disk failed
    │   └── OutputNotOpened  5  before anything was run
    └── RoomLost             6  the control room does not answer any more; the run starts another one

A message says what happened and where; `hint` says what to type next. Outcomes of fetching are
values (`response.Failure`), never exceptions.
"""

from __future__ import annotations


class CrawlError(Exception):
    """Base of every error that `crawl` reports itself. `exit_code` is what the process ends with."""

    exit_code = 6

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CrawlError):
    """What was asked for cannot be done as it was written."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, of the wrong type, or contradicts another one."""


class SpiderLoadError(UsageError):
    """A spider could not be found, imported or built. `trace` is the part of the traceback in user files."""

    def __init__(self, message: str, hint: str = "", trace: str = "") -> None:
        super().__init__(message, hint)
        self.trace = trace


class OutputError(CrawlError):
    """Writing an output failed (no space, no permission). What was committed before is whole."""

    exit_code = 5


class OutputNotOpened(OutputError):
    """An output could not be opened, and nothing was run."""


class RoomLost(CrawlError):
    """The control room is gone or does not answer in time. It held nothing that is not in the ledger."""


class UnfitWorker(Exception):
    """Raised in a worker that cannot read pages, with what a `SpiderLoadError` is made of: no other one could either.

    It crosses to the parent, so it is plain.
    """


class StopNow(BaseException):
    """Raised into user code by the second Ctrl-C; the reading of the page ends, and so does the run."""

    passes_user_code = True  # reading a page turns every other exception into a page error

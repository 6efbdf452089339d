"""`crawl doctor`: whether this machine has what a crawl needs, looked at one thing after the other.

Nothing is asked of any network.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as version_of
from pathlib import Path

import msgspec

import crawler
from crawler.assemble.spider_settings import check_secrets, layers_of
from crawler.errors import CrawlError
from crawler.pool.context import context_for
from crawler.pool.crew import map_in_processes
from crawler.settings import Settings, cores, merge, version

_MB = 1_000_000
_DISK = 100 * _MB, 1000 * _MB  # below the first nothing can be kept, below the second not much
_FILES = 256, 1024  # open files: the first a small crawl needs, the second one with many connections
_YEAR = 365 * 86400.0
_REQUIREMENT = re.compile(r"\s*([\w.-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;\s*(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
_DEVELOPMENT = frozenset({"test", "lint", "docs", "dev"})


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `state`: "ok", "warning" (it works, with limits), "broken", or "absent" (an extra).

    `fix` is what to type, or to do, next.
    """

    name: str
    state: str
    detail: str
    fix: str = ""


def examine() -> Iterator[Check]:
    """All checks, each as soon as it is done."""
    yield _python()
    yield from _libraries()
    yield from _run("lxml", _lxml)
    (settings,) = _run("settings", _settings)
    yield settings
    if settings.state == "ok":  # workers are started as these say
        yield from _run("workers", _workers)
    yield _files()
    yield from _run("disk", _disk)
    yield from _run("temporary files", _temporary)
    yield from _run("clock", _clock)
    yield from _run("certificates", _certificates)
    yield from _extras()


def _run(name: str, check: Callable[[], Check]) -> Iterator[Check]:
    """A check that may fail in ways nobody has thought of."""
    try:
        yield check()
    except CrawlError as error:
        yield Check(name, "broken", error.message, error.hint)
    except Exception as error:
        yield Check(
            name, "broken", f"{type(error).__name__}: {error}", "python -m pip install --force-reinstall crawler"
        )


def _python() -> Check:
    told = f"{platform.python_version()} ({sys.executable}), {sys.platform}, crawler {version()}"
    if sys.platform not in ("linux", "darwin"):
        return Check("python", "broken", told, "crawl runs on Linux and macOS")
    return Check("python", "ok", told)


def _libraries() -> Iterator[Check]:
    """What has to be installed, all in one line unless something is missing."""
    wanted = [name for name, extra in _requirements() if not extra]
    missing = [name for name in wanted if not _installed(name)]
    if missing:
        fix = f"python -m pip install {' '.join(missing)}"
        yield Check("libraries", "broken", f"not installed: {', '.join(missing)}", fix)
    else:
        yield Check("libraries", "ok", f"{len(wanted)} of {len(wanted)} are installed")


def _lxml() -> Check:
    """Libraries in C may be there and not run, for another Python or another processor."""
    etree = import_module("lxml.etree")
    html = import_module("lxml.html")
    if html.fromstring("<p>é<b>x").findtext(".//b") != "x":
        return Check("lxml", "broken", "it does not parse", "python -m pip install --force-reinstall lxml")
    numbers = ".".join(map(str, etree.LIBXML_VERSION))
    return Check("lxml", "ok", f"{version_of('lxml')}, libxml2 {numbers}")


def _effective() -> Settings:
    (layers,) = layers_of([None], None, [])
    return merge(layers)


def _settings() -> Check:
    check_secrets(_effective())
    project = Path("pyproject.toml")
    variables = sum(name.startswith("CRAWL_") for name in os.environ)
    told = ["the defaults"]
    if project.is_file() and "[tool.crawl" in project.read_text(errors="replace"):
        told.append("[tool.crawl] in pyproject.toml")
    if variables:
        told.append(f"{variables} CRAWL_… in the environment")
    return Check("settings", "ok", ", ".join(told))


def _workers() -> Check:
    """A process is started and does something: that needs semaphores, sockets and the right to start one."""
    method = _effective().crawl.start_method
    context = context_for(method)
    start = time.monotonic()
    (pid,) = map_in_processes(context, 1, _pid, [0], _nothing)
    seconds = time.monotonic() - start
    told = f"{context.get_start_method()}, {cores()} cores, a worker answers after {seconds:.2f} s"
    if pid == os.getpid():
        return Check("workers", "broken", "the worker is no process of its own", "crawl run --pool thread")
    return Check("workers", "ok", told)


def _nothing() -> None: ...


def _pid(_: int) -> int:
    return os.getpid()


def _files() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = "open files: no limit" if soft == resource.RLIM_INFINITY else f"open files: {soft:,}"
    if soft == resource.RLIM_INFINITY or soft >= _FILES[1]:
        return Check("limits", "ok", told)
    wanted = _FILES[1] if hard == resource.RLIM_INFINITY or hard >= _FILES[1] else hard
    fix = f"ulimit -n {wanted}" if wanted > soft else "the administrator may raise it (nofile in limits.conf)"
    return Check("limits", "broken" if soft < _FILES[0] else "warning", told, fix)


def _disk() -> Check:
    """Runs are kept in .crawl, in the folder where `crawl run` is typed."""
    place = Path(".crawl") if Path(".crawl").is_dir() else Path()
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free in {place.resolve()}"
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("disk", "broken", f"{place.resolve()} cannot be written", "work in another folder, or --run-dir")
    if free < _DISK[1]:
        fix = "crawl runs --prune deletes finished runs, rm -r .crawl/cache the cache"
        return Check("disk", "broken" if free < _DISK[0] else "warning", told, fix)
    return Check("disk", "ok", told)


def _temporary() -> Check:
    """Sockets of the control room lie there."""
    try:
        with tempfile.TemporaryDirectory(prefix="crawl-doctor-") as folder:
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("temporary files", "broken", str(error), "TMPDIR=… names a folder that can be written")
    told = f"{free / 1e9:,.1f} GB free in {tempfile.gettempdir()}"
    if free < _DISK[0]:
        return Check("temporary files", "warning", told, "TMPDIR=… names a folder with more room")
    return Check("temporary files", "ok", told)


def _clock() -> Check:
    """Certificates, cookies and caches need the right time. A clock before this package was written is wrong."""
    written = Path(crawler.__file__).stat().st_mtime
    now = time.time()
    told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < written - 86400 or now > written + 20 * _YEAR:
        return Check("clock", "broken", f"{told} cannot be right", "timedatectl set-ntp true, or set the clock by hand")
    with tempfile.NamedTemporaryFile(dir=tempfile.gettempdir()) as file:
        apart = abs(os.stat(file.name).st_mtime - time.time())
    if apart > 5:
        return Check("clock", "warning", f"{told}; the file system is {apart:.0f} s apart", "synchronise both clocks")
    return Check("clock", "ok", told)


def _certificates() -> Check:
    place = str(import_module("requests.certs").where())
    if not os.access(place, os.R_OK):
        fix = "python -m pip install --force-reinstall certifi"
        return Check("certificates", "broken", f"{place} cannot be read", fix)
    return Check("certificates", "ok", f"{import_module('ssl').OPENSSL_VERSION}, {place}")


def _extras() -> Iterator[Check]:
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra and extra not in _DEVELOPMENT:
            extras.setdefault(extra, []).append(name)
    for extra, names in extras.items():
        missing = [name for name in names if not _installed(name)]
        if missing:
            yield Check(
                f"extra {extra}", "absent", f"{', '.join(missing)} not installed", f"pip install 'crawler[{extra}]'"
            )
        else:
            yield Check(f"extra {extra}", "ok", ", ".join(f"{name} {version_of(name)}" for name in names))
    if _installed("ipython"):
        yield Check("crawl shell", "ok", f"IPython {version_of('ipython')}")
    else:
        yield Check("crawl shell", "absent", "Python's own prompt, as IPython is not installed", "pip install ipython")


def _requirements() -> Iterator[tuple[str, str]]:
    """Distributions that the package names for this Python, and the extra that wants them ("" = all need them)."""
    try:
        listed = requires("crawler") or []
    except PackageNotFoundError:  # run from a bare source tree
        listed = []
    for line in listed:
        match = _REQUIREMENT.match(line)
        marker = (match and match[3]) or ""
        extra = _EXTRA.search(marker)
        if match is not None and _is_for_this_python(marker):
            yield match[1], extra[1] if extra else ""


def _is_for_this_python(marker: str) -> bool:
    older = re.search(r"""python_version\s*<\s*['"](\d+)\.(\d+)['"]""", marker)
    return older is None or sys.version_info[:2] < (int(older[1]), int(older[2]))


def _installed(name: str) -> bool:
    try:
        version_of(name)
    except PackageNotFoundError:
        return False
    return True
